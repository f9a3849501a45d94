import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { put } from '../../api/client';
import type { NamedProfile, Profile, Source } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FIELD, Field } from '../../components/ui/field';
import { Segmented } from '../../components/ui/segmented';
import { ofProvider } from './queries';

type KeyKind = 'kept' | 'env' | 'login' | 'none';

const SWITCHABLE: { value: Source; label: string }[] = [
  { value: 'codex', label: 'Codex' },
  { value: 'claude', label: 'Claude Code' },
  { value: 'gemini', label: 'Gemini CLI' },
  { value: 'opencode', label: 'OpenCode' },
];

interface Props {
  /** The provider that is changed; without it, a new one. */
  named?: NamedProfile;
  onKept: () => void;
  onClose: () => void;
}

/** Asks what a provider is. */
export function ProfileDialog({ named, onKept, onClose }: Props) {
  const before = named?.profile;
  const [name, setName] = useState(named?.name ?? '');
  const [agent, setAgent] = useState<Source>(before?.agent ?? 'codex');
  const [address, setAddress] = useState(before?.baseUrl ?? '');
  const [model, setModel] = useState(before?.model ?? '');
  const [kind, setKind] = useState<KeyKind>(kindOf(before));
  const [key, setKey] = useState('');
  const [variable, setVariable] = useState(typeof before?.key === 'object' ? before.key.env : '');
  const keep = useMutation({
    mutationFn: () => {
      const profile: Profile = {
        agent,
        id: before?.id ?? null,
        wireApi: before?.wireApi ?? null,
        headers: before?.headers ?? {},
        baseUrl: address.trim() || null,
        model: model.trim() || null,
        key: kind === 'env' ? { env: variable.trim() } : kind,
      };
      return put(ofProvider(name.trim()), { profile, ...(kind === 'kept' && key ? { key } : {}) });
    },
    onSuccess: onKept,
  });
  const problem: (Error & { detail?: string | undefined }) | null = keep.error;
  return (
    <Dialog title={named ? `Change ${named.name}` : 'Add a provider'} place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          keep.mutate();
        }}
      >
        <Segmented label="Whose provider" value={agent} options={SWITCHABLE} onChange={setAgent} />
        <Field label="Name">
          <input
            required
            data-focus={named ? undefined : true}
            disabled={named !== undefined}
            value={name}
            onChange={(event) => setName(event.target.value)}
            pattern="[A-Za-z0-9._\-]+"
            title="Letters, digits, - _ and ."
            className={FIELD}
          />
        </Field>
        <Field label="Address">
          <input
            type="url"
            value={address}
            placeholder="https://gateway.example/v1"
            onChange={(event) => setAddress(event.target.value)}
            className={FIELD}
          />
        </Field>
        <Field label={agent === 'opencode' ? 'Model' : 'Model, if it is set with it'}>
          <input
            required={agent === 'opencode'}
            value={model}
            onChange={(event) => setModel(event.target.value)}
            className={FIELD}
          />
        </Field>
        <Segmented
          label="Its key"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'kept', label: 'A key' },
            { value: 'env', label: 'A variable' },
            { value: 'login', label: 'The login' },
            { value: 'none', label: 'None' },
          ]}
        />
        {kind === 'kept' && (
          <Field label={before?.key === 'kept' ? 'Key; left empty, the one that is kept stays' : 'Key'}>
            <input
              type="password"
              autoComplete="off"
              required={before?.key !== 'kept'}
              value={key}
              onChange={(event) => setKey(event.target.value)}
              className={FIELD}
            />
          </Field>
        )}
        {kind === 'env' && (
          <Field label="Variable of the agent’s environment">
            <input
              required
              value={variable}
              onChange={(event) => setVariable(event.target.value)}
              className={`${FIELD} font-mono`}
            />
          </Field>
        )}
        {problem && (
          <p role="alert" className="text-bad">
            {problem.detail ?? problem.message}
          </p>
        )}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={keep.isPending}>
            {named ? 'Keep' : 'Add'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function kindOf(profile: Profile | undefined): KeyKind {
  if (!profile) return 'kept';
  return typeof profile.key === 'object' ? 'env' : profile.key;
}
