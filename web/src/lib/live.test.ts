import { expect, it } from 'vitest';
import { Live } from './live';

class Socket {
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  sent: string[] = [];
  isClosed = false;
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.isClosed = true;
  }
}

function world() {
  const opened: { address: string; socket: Socket }[] = [];
  const waits: { run: () => void; ms: number }[] = [];
  const live = new Live({
    open: (address) => {
      const socket = new Socket();
      opened.push({ address, socket });
      return socket as unknown as WebSocket;
    },
    wait: (run, ms) => waits.push({ run, ms }),
  });
  return { live, opened, waits };
}

it('comes back after the last event that it heard', () => {
  const { live, opened, waits } = world();
  const heard: string[] = [];
  live.subscribe((event) => heard.push(event.id));
  live.start();
  opened[0]?.socket.onopen?.();
  opened[0]?.socket.onmessage?.({ data: '{"kind":"reset","id":"a.7.1"}' });
  opened[0]?.socket.onclose?.();
  expect(live.connection()).toBe('lost');
  waits[0]?.run();
  expect(opened.map((each) => each.address)).toEqual(['/api/v1/events/socket', '/api/v1/events/socket?after=a.7.1']);
  expect(heard).toEqual(['a.7.1']);
});

it('waits longer each time, and not at all when it is started by hand', () => {
  const { live, opened, waits } = world();
  live.from('a', 3);
  live.start();
  for (let n = 0; n < 7; n++) {
    opened.at(-1)?.socket.onclose?.();
    waits.at(-1)?.run();
  }
  expect(waits.map((wait) => wait.ms)).toEqual([500, 1000, 2000, 4000, 8000, 10000, 10000]);
  opened.at(-1)?.socket.onclose?.();
  live.start();
  waits.at(-1)?.run();
  expect(opened).toHaveLength(9);
  expect(opened[8]?.address).toBe('/api/v1/events/socket?after=a.3');
});

it('says what is on the screen, again on each connection', () => {
  const { live, opened } = world();
  live.show('claude:a');
  live.start();
  expect(opened[0]?.socket.sent).toEqual([]);
  opened[0]?.socket.onopen?.();
  live.show('claude:a');
  live.show(null);
  expect(opened[0]?.socket.sent).toEqual(['{"shows":"claude:a"}', '{"shows":null}']);
  live.renew();
  opened[1]?.socket.onopen?.();
  expect(opened[1]?.socket.sent).toEqual(['{"shows":null}']);
});

it('gives up a connection that may have died in its sleep, and hears nothing twice', () => {
  const { live, opened, waits } = world();
  const heard: string[] = [];
  live.subscribe((event) => heard.push(event.id));
  live.start();
  opened[0]?.socket.onopen?.();
  opened[0]?.socket.onmessage?.({ data: '{"kind":"reset","id":"a.7.1"}' });
  live.renew();
  // What the old one had on its way comes over the new one, too.
  opened[0]?.socket.onmessage?.({ data: '{"kind":"reset","id":"a.8.1"}' });
  expect(live.connection()).toBe('lost');
  expect(opened[0]?.socket.isClosed).toBe(true);
  opened[1]?.socket.onopen?.();
  opened[1]?.socket.onmessage?.({ data: '{"kind":"reset","id":"a.8.1"}' });
  // The end of the old one is no news.
  opened[0]?.socket.onclose?.();
  expect(live.connection()).toBe('open');
  expect(waits).toEqual([]);
  expect(opened[1]?.address).toBe('/api/v1/events/socket?after=a.7.1');
  expect(heard).toEqual(['a.7.1', 'a.8.1']);
  expect(live.lastContact()).not.toBeNull();
});
