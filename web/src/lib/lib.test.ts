import { describe, expect, it } from 'vitest';
import { harmless } from './harmless';
import { bytes, dollars, short } from './numbers';
import { ago, dayOf, lasts, took } from './time';

describe('harmless', () => {
  it('shows what would turn the text around', () => {
    expect(harmless('admin\u202e\u2066gnp.exe')).toBe('admin⟨U+202E⟩⟨U+2066⟩gnp.exe');
  });
  it('shows control characters and leaves lines and tabs', () => {
    expect(harmless('a\u0000b\tc\nd\u001b[m')).toBe('a␀b\tc\nd␛[m');
  });
});

describe('numbers', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1.0k'],
    [9_960, '10k'],
    [999_600, '1.0M'],
    [12_345_678, '12M'],
  ])('%i is %s', (count, text) => expect(short(count)).toBe(text));
  it.each([
    [0, '$0'],
    [900, '<$0.01'],
    [1_234_000, '$1.23'],
    [1_234_567_000, '$1,235'],
  ])('%i is %s', (micro, text) => expect(dollars(micro)).toBe(text));
  it('says bytes', () =>
    expect([12, 1_500, 2_500_000, 3e12].map(bytes)).toEqual(['12 B', '1.5 kB', '2.5 MB', '3.0 TB']));
});

describe('time', () => {
  const now = new Date(2026, 10, 21, 12, 0, 0).getTime();
  const before = (ms: number) => new Date(now - ms).toISOString();
  it('says how long ago', () => {
    expect([10_000, 5 * 60_000, 3 * 3_600_000, 5 * 86_400_000].map((ms) => ago(before(ms), now))).toEqual([
      'now',
      '5 min',
      '3 h',
      '5 d',
    ]);
  });
  it('says which day by the calendar, not by hours', () => {
    expect(dayOf(before(11 * 3_600_000), now)).toBe('Today');
    expect(dayOf(before(13 * 3_600_000), now)).toBe('Yesterday');
    expect(dayOf(before(37 * 3_600_000), now)).toBe('Thursday, November 19');
    expect(dayOf(null, now)).toBe('At an unknown time');
  });
  it('says how long something will take', () => {
    expect([8, 89, 200, 7_000].map(lasts)).toEqual(['8 s', '89 s', '3 min', '2 h']);
  });
  it('says how long something took', () => {
    expect([120, 1_500, 65_000, 3_900_000].map(took)).toEqual(['120 ms', '1.5 s', '1 min 5 s', '1 h 5 min']);
  });
});
