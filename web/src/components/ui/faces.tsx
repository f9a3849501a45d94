import type { LucideIcon } from 'lucide-react';
import { CircleAlert, CloudOff, KeyRound } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError } from '../../api/client';
import { Button } from './button';

interface NoticeProps {
  icon?: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

/** What stands where a list or a page would stand. */
export function Notice({ icon: Icon, title, children, action }: NoticeProps) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-start gap-3 px-6 py-16">
      {Icon && <Icon className="size-6 text-ink-3" aria-hidden />}
      <h2 className="font-semibold text-lg">{title}</h2>
      {children && <div className="space-y-2 text-ink-2">{children}</div>}
      {action}
    </div>
  );
}

/** What went wrong, and a way out; `missing` says why a thing may be that is not there. */
export function Failed({ error, retry, missing }: { error: Error; retry: () => void; missing?: string }) {
  if (error instanceof ApiError && error.isNoAccess) return <NoAccess />;
  const isMissing = error instanceof ApiError && error.status === 404;
  const isOffline = error instanceof ApiError && error.isOffline;
  return (
    <div role="alert">
      <Notice
        icon={isOffline ? CloudOff : CircleAlert}
        title={error.message}
        action={
          isMissing ? null : (
            <Button kind="edge" onClick={retry}>
              Try again
            </Button>
          )
        }
      >
        {error instanceof ApiError && error.detail && <p>{error.detail}</p>}
        {isMissing && missing && <p>{missing}</p>}
        {isMissing && (
          <p>
            <a href="/" className="inline-flex items-center text-accent underline underline-offset-2 coarse:min-h-11">
              All sessions
            </a>
          </p>
        )}
      </Notice>
    </div>
  );
}

/** This browser has not been let in. */
export function NoAccess() {
  return (
    <Notice icon={KeyRound} title="This browser has no access">
      <p>
        Run <code className="rounded bg-sunken px-1 font-mono text-xs">marline up</code> and open the link that it
        prints. Each link lets one browser in, once.
      </p>
    </Notice>
  );
}

/** The shape of lines that come. */
export function Skeleton({ lines = 6 }: { lines?: number }) {
  return (
    <div
      role="status"
      aria-label="Loading"
      className="animate-[beat_1.6s_ease-in-out_infinite] space-y-5 px-6 py-5 max-sm:px-4"
    >
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: They are all alike and never move.
        <div key={line} className="space-y-2">
          <div className="h-3 rounded bg-sunken" style={{ width: `${45 + ((line * 29) % 40)}%` }} />
          <div className="h-2.5 rounded bg-sunken" style={{ width: `${20 + ((line * 17) % 25)}%` }} />
        </div>
      ))}
    </div>
  );
}
