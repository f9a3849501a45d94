import { ACT_NAMES, ACTS, type ActName, offers } from './acts';
import { settings } from './settings';

/** A second key belongs to the first for so long. */
const SEQUENCE = 900;

/** Says whether a key belongs to what is typed into, or to what lies over the page. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable], dialog, [popover]') !== null
  );
}

/** The act of some keys. Several may share them: the one that applies is meant. */
export function actOf(keys: string): ActName | undefined {
  return ACT_NAMES.find((name) => ACTS[name].keys === keys && offers.applies(name));
}

/** Does acts by their keys. Single letters can be switched off; Enter on a link or a button stays theirs. */
export function listen(): () => void {
  let before = '';
  let at = 0;
  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    if (event.ctrlKey || event.metaKey) {
      const name = actOf(`Mod+${event.key.toLowerCase()}`);
      if (name && offers.run(name)) event.preventDefault();
      return;
    }
    if (isTyping(event.target)) return;
    // A menu that is open is closed by it, and nothing else.
    if (event.key === 'Escape' && document.querySelector(':popover-open')) return;
    if (event.key.length === 1 && !settings().letters) return;
    if (event.key === 'Enter' && event.target instanceof Element && event.target.closest('a, button, summary')) return;
    const sequence = event.timeStamp - at < SEQUENCE ? actOf(`${before} ${event.key}`) : undefined;
    [before, at] = [event.key, event.timeStamp];
    const name = sequence ?? actOf(event.key);
    if (!name || !offers.run(name)) return;
    before = '';
    event.preventDefault();
  };
  addEventListener('keydown', press);
  return () => removeEventListener('keydown', press);
}
