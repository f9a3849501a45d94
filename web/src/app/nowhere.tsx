import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router';
import { CloudOff, Compass } from 'lucide-react';
import { Button } from '../components/ui/button';
import { Notice } from '../components/ui/faces';

const LINK = 'text-accent underline underline-offset-2';

/** What stands at an address that is none. */
export function Nowhere() {
  return (
    <Notice icon={Compass} title="There is no such page">
      <p>
        <Link to="/" className={LINK}>
          All sessions
        </Link>{' '}
        or{' '}
        <Link to="/search" className={LINK}>
          search
        </Link>
      </p>
    </Notice>
  );
}

/** What stands where a page could not be shown: mostly because its code can't be loaded now. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const words = error instanceof Error ? error.message : String(error);
  const isAway = /import|fetch|load/i.test(words);
  return (
    <div role="alert">
      <Notice
        icon={CloudOff}
        title={isAway ? 'This page can’t be loaded now' : 'This page failed'}
        action={
          <Button
            kind="edge"
            onClick={() => {
              reset();
              void router.invalidate();
            }}
          >
            Try again
          </Button>
        }
      >
        <p>{isAway ? 'Marline is not running, or can’t be reached.' : words}</p>
      </Notice>
    </div>
  );
}
