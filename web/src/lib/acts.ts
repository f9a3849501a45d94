import {
  Activity,
  ArrowLeft,
  ChartColumn,
  ChevronsDown,
  Code2,
  Columns3,
  Command,
  Copy,
  CornerDownLeft,
  Inbox,
  Keyboard,
  List,
  ListOrdered,
  type LucideIcon,
  Moon,
  MoveDown,
  MoveUp,
  Plus,
  Radio,
  Rows3,
  Search,
  Settings2,
  SquareCheck,
  TextSearch,
  Waypoints,
  X,
} from 'lucide-react';
import { useEffect, useRef, useSyncExternalStore } from 'react';

/** Something a person can do. The palette, the keyboard and the help are made of these. */
export interface Act {
  name: string;
  /** Where it applies, as the help says it. */
  place: 'Everywhere' | 'Lists' | 'A session';
  icon: LucideIcon;
  /** Keys pressed one after the other; `Mod` is Ctrl or Cmd. */
  keys?: string;
  /** It makes no sense in the palette: it moves what the palette hides. */
  byKeyOnly?: true;
}

const LIST = {
  palette: { name: 'Search and act', place: 'Everywhere', icon: Command, keys: 'Mod+k', byKeyOnly: true },
  find: { name: 'To the field of this page', place: 'Everywhere', icon: TextSearch, keys: '/' },
  now: { name: 'Go to what runs now', place: 'Everywhere', icon: Radio, keys: 'g n' },
  sessions: { name: 'Go to sessions', place: 'Everywhere', icon: List, keys: 'g s' },
  search: { name: 'Search everything', place: 'Everywhere', icon: Search, keys: 'g f' },
  groups: { name: 'Go to groups', place: 'Everywhere', icon: Columns3, keys: 'g g' },
  queues: { name: 'Go to queues', place: 'Everywhere', icon: ListOrdered, keys: 'g q' },
  approvals: { name: 'Go to approvals', place: 'Everywhere', icon: Inbox, keys: 'g a' },
  usage: { name: 'Go to usage', place: 'Everywhere', icon: ChartColumn, keys: 'g u' },
  sources: { name: 'Go to sources and health', place: 'Everywhere', icon: Activity, keys: 'g h' },
  providers: { name: 'Go to providers', place: 'Everywhere', icon: Waypoints, keys: 'g p' },
  settings: { name: 'Go to settings', place: 'Everywhere', icon: Settings2, keys: 'g ,' },
  theme: { name: 'Light or dark', place: 'Everywhere', icon: Moon },
  density: { name: 'Comfortable or compact', place: 'Everywhere', icon: Rows3 },
  help: { name: 'All keys', place: 'Everywhere', icon: Keyboard, keys: '?' },
  next: { name: 'Next', place: 'Lists', icon: MoveDown, keys: 'j', byKeyOnly: true },
  previous: { name: 'Previous', place: 'Lists', icon: MoveUp, keys: 'k', byKeyOnly: true },
  open: { name: 'Open', place: 'Lists', icon: CornerDownLeft, keys: 'Enter', byKeyOnly: true },
  openToo: { name: 'Open', place: 'Lists', icon: CornerDownLeft, keys: 'o', byKeyOnly: true },
  select: { name: 'Select', place: 'Lists', icon: SquareCheck, keys: 'x', byKeyOnly: true },
  newGroup: { name: 'New group', place: 'Lists', icon: Plus },
  newQueue: { name: 'New queue', place: 'Lists', icon: Plus },
  clear: { name: 'Select nothing', place: 'Lists', icon: X, keys: 'Escape', byKeyOnly: true },
  previousPrompt: { name: 'Previous prompt', place: 'A session', icon: MoveUp, keys: '[' },
  nextPrompt: { name: 'Next prompt', place: 'A session', icon: MoveDown, keys: ']' },
  previousError: { name: 'Previous error', place: 'A session', icon: MoveUp, keys: '{' },
  nextError: { name: 'Next error', place: 'A session', icon: MoveDown, keys: '}' },
  end: { name: 'To the end', place: 'A session', icon: ChevronsDown, keys: 'G' },
  records: { name: 'Records and usage beside each item', place: 'A session', icon: Code2, keys: 'd' },
  copy: { name: 'Copy this session as Markdown', place: 'A session', icon: Copy },
  back: { name: 'Back', place: 'A session', icon: ArrowLeft, keys: 'u' },
  leave: { name: 'Close what is open, or back', place: 'A session', icon: X, keys: 'Escape', byKeyOnly: true },
} as const satisfies Record<string, Act>;

export type ActName = keyof typeof LIST;

/** Everything that can be done, in the order in which it is shown. */
export const ACTS: Record<ActName, Act> = LIST;
export const ACT_NAMES = Object.keys(LIST).filter((name): name is ActName => name in LIST);

/** What acts do where they apply. An act that returns false leaves it to whoever came before, and at last to the browser. */
export type Doing = Partial<Record<ActName, () => unknown>>;

/** What the parts of the page can do now; what came last is asked first. */
class Offers {
  private offers: readonly { readonly current: Doing }[] = [];
  private readonly listeners = new Set<() => void>();

  add(offer: { readonly current: Doing }): () => void {
    this.put([offer, ...this.offers]);
    return () => this.put(this.offers.filter((other) => other !== offer));
  }

  /** Does an act, if it applies; says whether it did. */
  run(name: ActName): boolean {
    return this.offers.some((offer) => {
      const doing = offer.current[name];
      return doing !== undefined && doing() !== false;
    });
  }

  applies(name: ActName): boolean {
    return this.offers.some((offer) => offer.current[name]);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  now = () => this.offers;

  private put(offers: readonly { readonly current: Doing }[]): void {
    this.offers = offers;
    for (const listener of this.listeners) listener();
  }
}

export const offers = new Offers();

/** Says what acts do while a part of the page is shown. */
export function useActs(doing: Doing): void {
  const current = useRef(doing);
  current.current = doing;
  useEffect(() => offers.add(current), []);
}

/** The acts that apply now. */
export function useApplying(): ActName[] {
  useSyncExternalStore(offers.subscribe, offers.now);
  return ACT_NAMES.filter((name) => offers.applies(name));
}
