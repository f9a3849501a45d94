const SIGNS: Record<string, string> = { Escape: 'Esc', Mod: navigator.platform.startsWith('Mac') ? '⌘' : 'Ctrl' };

/** Keys as they are pressed. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className="flex shrink-0 gap-1">
      {keys.split(/[ +]/).map((key) => (
        <kbd
          key={key}
          className="grid h-5 min-w-5 place-items-center rounded border border-line bg-sunken px-1 font-mono text-2xs text-ink-2"
        >
          {SIGNS[key] ?? (key.length === 1 && keys.startsWith('Mod') ? key.toUpperCase() : key)}
        </kbd>
      ))}
    </span>
  );
}
