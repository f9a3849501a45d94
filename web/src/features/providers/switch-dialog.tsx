import { useMutation, useQuery } from '@tanstack/react-query';
import { post } from '../../api/client';
import type { UseAnswer } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Failed, Skeleton } from '../../components/ui/faces';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { full, many } from '../../lib/numbers';
import { ofProvider, preview } from './queries';

interface Props {
  name: string;
  onDone: (done: UseAnswer) => void;
  onClose: () => void;
}

/** What a switch changes, before it does. */
export function SwitchDialog({ name, onDone, onClose }: Props) {
  const plan = useQuery(preview(name));
  const use = useMutation({
    mutationFn: () => post<UseAnswer>(ofProvider(name, '/use'), {}),
    onSuccess: onDone,
    onError: (error: Error & { detail?: string | undefined }) => say(error.detail ?? error.message),
  });
  return (
    <Dialog title={`Switch to ${harmless(name)}`} onClose={onClose}>
      <div className="grid gap-3 p-4">
        {plan.isPending ? (
          <Skeleton lines={3} />
        ) : plan.error ? (
          <Failed error={plan.error} retry={() => void plan.refetch()} />
        ) : (
          <>
            <p>
              {plan.data.files.length === 0
                ? 'Nothing has to be changed.'
                : 'These files change, wholly or not at all; it can be taken back byte for byte:'}
            </p>
            <ul className="font-mono text-ink-2 text-xs">
              {plan.data.files.map((file) => (
                <li key={file} className="[overflow-wrap:anywhere]">
                  {harmless(file)}
                </li>
              ))}
            </ul>
            {plan.data.hides > 0 && (
              <p>
                Codex lists {many(plan.data.shows, 'session')} then and hides {full(plan.data.hides)} of other
                providers. Marline shows and resumes all of them; nothing of them is changed.
              </p>
            )}
            {plan.data.running > 0 && (
              <p className="text-warn">
                {many(plan.data.running, 'running session')} will keep the old provider until restarted.
              </p>
            )}
          </>
        )}
        <div className="flex justify-end">
          <Button kind="solid" disabled={!plan.data || use.isPending} onClick={() => use.mutate()}>
            Switch
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
