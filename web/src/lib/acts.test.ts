import { afterEach, beforeEach, expect, it } from 'vitest';
import { ACT_NAMES, ACTS, type Doing, offers } from './acts';
import { listen } from './keyboard';
import { set } from './settings';

const done: string[] = [];
const does = (what: string) => () => {
  done.push(what);
};
let stop: () => void;
const gone: (() => void)[] = [];
const offer = (doing: Doing) => gone.push(offers.add({ current: doing }));

function press(key: string, more: KeyboardEventInit = {}, target: EventTarget = document.body): boolean {
  return !target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
}

beforeEach(() => {
  stop = listen();
});
afterEach(() => {
  stop();
  for (const leave of gone.splice(0)) leave();
  done.length = 0;
  set({ letters: true });
});

it('no two acts of one place share their keys', () => {
  const keys = ACT_NAMES.map((name) => ACTS[name]).flatMap((act) => (act.keys ? [`${act.place} ${act.keys}`] : []));
  expect(new Set(keys).size).toBe(keys.length);
});

it('keys do what applies, one after the other where two belong together', () => {
  offer({ sessions: does('sessions'), usage: does('usage') });
  press('g');
  expect(press('s')).toBe(true);
  press('u');
  press('g');
  press('u');
  expect(done).toEqual(['sessions', 'usage']);
});

it('what came last is asked first, and is gone when it leaves', () => {
  offer({ find: does('page') });
  const leave = offers.add({ current: { find: does('dialog') } });
  press('/');
  leave();
  press('/');
  expect(done).toEqual(['dialog', 'page']);
});

it('an act that declines leaves it to who came before', () => {
  offer({ find: does('page') });
  offer({ find: () => false });
  press('/');
  expect(done).toEqual(['page']);
});

it('an act that declines leaves the key alone', () => {
  offer({ open: () => false });
  expect(press('Enter')).toBe(false);
});

it('nothing acts while one types, but what needs Ctrl', () => {
  offer({ next: does('next'), palette: does('palette') });
  const field = document.body.appendChild(document.createElement('input'));
  press('j', {}, field);
  press('k', { ctrlKey: true }, field);
  field.remove();
  expect(done).toEqual(['palette']);
});

it('single letters can be switched off', () => {
  offer({ next: does('next'), clear: does('clear') });
  set({ letters: false });
  press('j');
  press('Escape');
  expect(done).toEqual(['clear']);
});
