import { expect, it } from 'vitest';
import type { DraftAnswer } from '../../api/types';
import { Drafts } from './drafts';

const ID = 'claude:a';

/** A server with one draft, and devices at it. */
function server() {
  let text = '';
  let revision = 0;
  const answer = (kept: boolean): DraftAnswer => ({ text, revision, at: null, kept });
  const device = (kept = new Map<string, string>()) => {
    const waits: (() => void)[] = [];
    let isOnline = true;
    const drafts = new Drafts({
      storage: {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, value) => void kept.set(key, value),
        removeItem: (key) => void kept.delete(key),
      },
      load: async () => {
        if (!isOnline) throw new Error('offline');
        return answer(true);
      },
      save: async (_, next, seen) => {
        if (!isOnline) throw new Error('offline');
        if (next !== text && seen !== revision && text !== '') return answer(false);
        if (next !== text) {
          text = next;
          revision++;
        }
        return answer(true);
      },
      wait: (run) => waits.push(run),
    });
    return {
      drafts,
      kept,
      goOffline: () => {
        isOnline = false;
      },
      /** Lets everything come to rest. */
      settle: async () => {
        for (let n = 0; n < 10; n++) {
          waits.shift()?.();
          await new Promise((resolve) => setTimeout(resolve));
        }
      },
    };
  };
  return { device, text: () => text };
}

it('is on another device after a moment', async () => {
  const { device, text } = server();
  const [desk, phone] = [device(), device()];
  desk.drafts.put(ID, 'Half a thou');
  desk.drafts.put(ID, 'Half a thought');
  await desk.settle();
  expect(text()).toBe('Half a thought');
  await phone.drafts.refresh(ID);
  expect(phone.drafts.of(ID).text).toBe('Half a thought');
});

it('survives a reload, also without a server', async () => {
  const { device } = server();
  const desk = device();
  desk.goOffline();
  desk.drafts.put(ID, 'Kept here');
  await desk.settle();
  const again = device(desk.kept);
  expect(again.drafts.of(ID).text).toBe('Kept here');
  await again.drafts.refresh(ID);
  await again.settle();
  expect(again.kept.get('draft:claude:a')).toContain('"isSaved":true');
});

it('lets the newest words win and offers the other ones', async () => {
  const { device, text } = server();
  const [desk, phone] = [device(), device()];
  desk.drafts.put(ID, 'At the desk');
  phone.drafts.put(ID, 'On the phone');
  await desk.settle();
  await phone.settle();
  expect(text()).toBe('On the phone');
  expect(phone.drafts.of(ID)).toMatchObject({ text: 'On the phone', other: 'At the desk' });
  phone.drafts.take(ID);
  await phone.settle();
  expect(text()).toBe('At the desk');
  expect(phone.drafts.of(ID).other).toBeNull();
});

it('is gone everywhere when it was sent', async () => {
  const { device } = server();
  const [desk, phone] = [device(), device()];
  desk.drafts.put(ID, 'To be sent');
  await desk.settle();
  await phone.drafts.refresh(ID);
  phone.drafts.put(ID, '');
  await phone.settle();
  await desk.drafts.refresh(ID);
  expect(desk.drafts.of(ID).text).toBe('');
  expect(desk.kept.size).toBe(0);
});
