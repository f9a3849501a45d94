import { afterEach, expect, it } from 'vitest';
import { noteServerTime, serverNow } from './clock';
import { ago } from './time';

afterEach(() => noteServerTime(new Date().toUTCString()));

it('tells ages by the server’s clock where this device’s is off by hours', () => {
  const server = Date.now() - 5 * 3_600_000;
  noteServerTime(new Date(server).toUTCString());
  expect(ago(new Date(server - 150_000).toISOString(), serverNow())).toBe('2 min');
});

it('takes a difference of seconds for none, and what is no date for nothing', () => {
  noteServerTime(new Date(Date.now() + 5_000).toUTCString());
  expect(Math.abs(serverNow() - Date.now())).toBeLessThan(1_000);
  noteServerTime('soon');
  noteServerTime(null);
  expect(Math.abs(serverNow() - Date.now())).toBeLessThan(1_000);
});
