import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { ApiError, ofSession, post } from '../../api/client';
import type { ActAnswer, ActRequest, HandoffAnswer, HandoffRequest, Session } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { say } from '../../components/ui/toast';
import { AGENTS } from '../../lib/agents';
import { refreshSessions } from '../sessions/queries';

/** What every act answers. */
type Done = Pick<ActAnswer, 'number' | 'makes'>;

/** Acts on a session; what was done is said, and can be taken back. */
export function useSessionActs(id: string) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  return useMemo(() => {
    const renew = () => {
      void cache.invalidateQueries({ queryKey: ['session', id] });
      void refreshSessions(cache);
    };
    const fail = (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      say(error.detail ?? error.message);
      return null;
    };
    const run = async <T extends Done>(path: string, request: object, words: string): Promise<T | null> => {
      try {
        const done = await post<T>(ofSession(id, path), request);
        renew();
        say(words, {
          label: 'Undo',
          run: () =>
            post('/api/v1/acts/undo', { number: done.number }).then(() => {
              say('Taken back');
              renew();
              if (done.makes) void navigate({ to: '/s/$id', params: { id } });
            }, fail),
        });
        return done;
      } catch (error) {
        return fail(error);
      }
    };
    return {
      act: (request: Omit<ActRequest, 'dryRun'>) => run<ActAnswer>('/acts', request, WORDS[request.act]),
      handOver: (request: Omit<HandoffRequest, 'dryRun'>) =>
        run<HandoffAnswer>('/handoff', request, `Handed over to ${AGENTS[request.to]}; this is the new session`),
    };
  }, [id, cache, navigate]);
}

const WORDS: Record<ActRequest['act'], string> = {
  rename: 'Renamed',
  archive: 'Archived',
  unarchive: 'Unarchived',
  delete: 'Deleted',
  fork: 'Forked; this is the new session',
};

/** Asks for a session's name. */
export function RenameDialog({
  session,
  onName,
  onClose,
}: {
  session: Session;
  onName: (name: string) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(session.title ?? '');
  return (
    <Dialog title="Rename" place="top" onClose={onClose}>
      <form
        className="flex gap-2 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) onName(name.trim());
        }}
      >
        <input
          data-focus
          type="text"
          aria-label="Name"
          maxLength={1_000}
          value={name}
          onChange={(event) => setName(event.target.value)}
          onFocus={(event) => event.target.select()}
          className="h-8 min-w-0 flex-1 rounded-md border border-line-strong bg-transparent px-2.5 outline-none focus:border-accent coarse:h-11"
        />
        <Button kind="solid" type="submit" disabled={name.trim() === ''}>
          Rename
        </Button>
      </form>
    </Dialog>
  );
}
