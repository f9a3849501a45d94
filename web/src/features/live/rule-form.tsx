import { type FormEvent, useState } from 'react';
import { Button } from '../../components/ui/button';
import { FIELD } from '../../components/ui/field';
import { harmless } from '../../lib/harmless';

interface Props {
  command: string;
  directory: string;
  onMake: (command: string) => Promise<void>;
  onBack: () => void;
}

/** The words that a rule is offered with: the program and what it is to do, without its further words. */
export function firstWords(command: string): string {
  const words = command.trim().split(/\s+/);
  const second = words[1];
  return second && /^[a-z][a-z0-9:_-]*$/i.test(second) ? `${words[0]} ${second}` : (words[0] ?? '');
}

/** Allows commands that begin with the same words, for an hour, where the agent works. */
export function RuleForm({ command, directory, onMake, onBack }: Props) {
  const [words, setWords] = useState(() => firstWords(command));
  const [isBusy, setBusy] = useState(false);
  const make = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    await onMake(words.trim());
    setBusy(false);
  };
  return (
    <form onSubmit={make} className="space-y-2">
      <p className="text-ink-2 text-xs">
        For an hour, commands that begin with these words are allowed without asking in{' '}
        <code className="font-mono [overflow-wrap:anywhere]">{harmless(directory)}</code>, unless they leave it, touch
        secrets or take something away.
      </p>
      <div className="flex flex-wrap gap-2">
        <input
          value={words}
          maxLength={300}
          onChange={(event) => setWords(event.target.value)}
          aria-label="What a command begins with"
          className={`${FIELD} min-w-40 flex-1 font-mono`}
        />
        <Button kind="solid" type="submit" disabled={isBusy || words.trim() === ''}>
          Allow for an hour
        </Button>
        <Button onClick={onBack}>Back</Button>
      </div>
    </form>
  );
}
