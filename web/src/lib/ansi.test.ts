import { describe, expect, it } from 'vitest';
import { runs } from './ansi';

const told = (text: string) => runs(text).map((run) => `${run.look}|${run.text}`);

describe('terminal output', () => {
  it('keeps colours and weights', () => {
    expect(told('\u001b[31mred\u001b[0m plain \u001b[1;92mbright\u001b[22m\u001b[39mend')).toEqual([
      'ansi-1|red',
      '| plain ',
      'ansi-10 ansi-bold|bright',
      '|end',
    ]);
  });

  it('drops links, titles, the clipboard and cursor moves', () => {
    expect(
      told(
        'a\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007\u001b]52;c;ZXZpbA==\u001b\\b\u001b[2J\u001b[5;5Hc',
      ),
    ).toEqual(['|alinkbc']);
  });

  it('ends with an escape that is cut off', () => {
    expect(told('a\u001b]0;title without an end')).toEqual(['|a']);
    expect(told('a\u001b')).toEqual(['|a']);
  });

  it('shows what a progress bar was last', () => {
    expect(told('10 %\r50 %\r100 %\nnext\r\n')).toEqual(['|100 %\nnext\n']);
  });

  it('passes over 256 colours', () => {
    expect(told('\u001b[38;5;9ma\u001b[38;2;1;2;3mb\u001b[48;5;4mc')).toEqual(['ansi-9|abc']);
  });
});
