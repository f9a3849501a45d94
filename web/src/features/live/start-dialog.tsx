import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { ApiError, post } from '../../api/client';
import type { OpenAnswer, Source } from '../../api/types';
import { AgentChoice } from '../../components/ui/agent-choice';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { DirectoryField } from '../../components/ui/directory-field';
import { FIELD, Field, Problem, TEXT } from '../../components/ui/field';
import { newKey, wordsOf } from './acts';
import { renewLive } from './queries';

/** Opens an agent in a terminal of Marline's own tmux, and goes to its session. */
export function StartDialog({ onClose }: { onClose: () => void }) {
  const [agent, setAgent] = useState<Source>('claude');
  const [cwd, setDirectory] = useState('');
  const [prompt, setPrompt] = useState('');
  const [model, setModel] = useState('');
  const [branch, setBranch] = useState('');
  // Said again under it, nothing is opened twice.
  const key = useRef(newKey());
  const navigate = useNavigate();
  const cache = useQueryClient();
  const start = useMutation({
    mutationFn: () =>
      post<OpenAnswer>('/api/v1/live', {
        key: key.current,
        agent,
        cwd,
        prompt: prompt.trim() === '' ? null : prompt,
        model: model.trim() === '' ? null : model.trim(),
        worktree: branch.trim() === '' ? null : branch.trim(),
      }),
    onError: (error) => {
      // What was answered is over; what was not may have been done.
      if (!(error instanceof ApiError && error.isOffline)) key.current = newKey();
    },
    onSuccess: async ({ id }) => {
      // What is known of it decides what its page asks for.
      await renewLive(cache);
      onClose();
      void navigate({ to: '/s/$id', params: { id } });
    },
  });
  return (
    <Dialog title="Start an agent" place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          start.mutate();
        }}
      >
        <p className="text-ink-2">
          It runs in tmux on this machine. At the desk, <code className="font-mono text-xs">marline live attach</code>{' '}
          takes its terminal over.
        </p>
        <AgentChoice value={agent} onChange={setAgent} />
        <DirectoryField value={cwd} onChange={setDirectory} />
        <Field label="First prompt">
          <textarea
            rows={2}
            value={prompt}
            onChange={(event) => setPrompt(event.target.value)}
            placeholder="Nothing yet"
            className={TEXT}
          />
        </Field>
        <Field label="Model">
          <input
            value={model}
            onChange={(event) => setModel(event.target.value)}
            placeholder="As the agent is set"
            className={`${FIELD} placeholder:text-ink-3`}
          />
        </Field>
        <Field label="New branch, in a worktree of its own">
          <input
            value={branch}
            onChange={(event) => setBranch(event.target.value)}
            placeholder="None: it works in the directory itself"
            className={`${FIELD} placeholder:text-ink-3`}
          />
        </Field>
        {start.error && <Problem>{wordsOf(start.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={cwd === '' || start.isPending}>
            {start.isPending ? 'Starting…' : 'Start it'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
