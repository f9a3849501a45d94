import type { LiveEvent } from '../api/types';

/** How the stream of events stands. */
export type Connection = 'connecting' | 'open' | 'lost';

type Listener = (event: LiveEvent) => void;

/** What the stream needs of the world; tests bring their own. */
export interface World {
  open: (address: string) => WebSocket;
  wait: (run: () => void, ms: number) => void;
  now?: () => number;
}

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/**
 * The one stream of events of a tab. It says the last event's id whenever it comes back, so that what happened meanwhile
 * is told then, each change once.
 */
export class Live {
  private last: string | null = null;
  private pause = FIRST_PAUSE;
  private socket: WebSocket | null = null;
  private readonly listeners = new Set<Listener>();
  private readonly watchers = new Set<() => void>();
  private stands: Connection = 'connecting';
  private isWaiting = false;
  private shown: string | null = null;
  private contact: number | null = null;

  constructor(private readonly world: World) {}

  /** Begins, or comes back at once where it waits to. */
  start(): void {
    if (this.socket) return;
    this.isWaiting = false;
    const query = this.last === null ? '' : `?after=${encodeURIComponent(this.last)}`;
    const socket = this.world.open(`/api/v1/events/socket${query}`);
    this.socket = socket;
    socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.note();
      this.turn('open');
      this.tell();
    };
    socket.onmessage = (message) => {
      // One that was given up may have something on its way still, which the next one tells, too.
      if (this.socket === socket) this.hear(String(message.data));
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.turn('lost');
      this.isWaiting = true;
      this.world.wait(() => this.isWaiting && this.start(), this.pause);
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    };
  }

  /** Gives up a connection that may be dead without knowing it, as after a sleep, and comes back at once. */
  renew(): void {
    const old = this.socket;
    this.socket = null;
    if (old) this.turn('lost');
    this.pause = FIRST_PAUSE;
    this.start();
    old?.close();
  }

  /** Says which session is on the screen: nobody is notified of what somebody looks at. */
  show(session: string | null): void {
    if (session === this.shown) return;
    this.shown = session;
    this.tell();
  }

  /** Notes that the server was there just now. */
  note(): void {
    this.contact = this.world.now?.() ?? Date.now();
  }

  /** When the server was there last, by this device's clock. */
  lastContact = (): number | null => this.contact;

  /** Goes on from a position that an answer was true for. */
  from(epoch: string, revision: number): void {
    this.last ??= `${epoch}.${revision}`;
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  connection = (): Connection => this.stands;

  private hear(data: string): void {
    const event: LiveEvent = JSON.parse(data);
    this.note();
    this.last = event.id;
    for (const listener of this.listeners) listener(event);
  }

  private tell(): void {
    if (this.stands === 'open') this.socket?.send(JSON.stringify({ shows: this.shown }));
  }

  private turn(to: Connection): void {
    this.stands = to;
    for (const watcher of this.watchers) watcher();
  }
}

/** The tab's stream. */
export const live = new Live({
  open: (address) => new WebSocket(address),
  wait: (run, ms) => setTimeout(run, ms),
});
