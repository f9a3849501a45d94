import { harmless } from './harmless';

/** A run of terminal text with one look. */
export interface Run {
  text: string;
  /** Tailwind-free class names: `ansi-1` … `ansi-15` for colours, `ansi-bold`, `ansi-dim`, `ansi-italic`, `ansi-underline`. */
  look: string;
}

interface State {
  colour: number | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

const PLAIN: State = { colour: null, bold: false, dim: false, italic: false, underline: false };
// CSI with its final byte, OSC and other strings up to their end, two-character escapes; an sequence that is cut off ends the text.
const ESCAPE =
  /\u001b(?:\[([0-9:;<=>?]*)[ -/]*([@-~])|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[ -/]*[0-~]|$)|\u009b[0-?]*[ -/]*[@-~]/g;

/**
 * Splits terminal output into runs. Colours and weights are kept; every other sequence, links and titles included, is
 * dropped; a line that a carriage return overwrites is what it was last.
 */
export function runs(output: string): Run[] {
  const text = overwritten(output);
  const out: Run[] = [];
  let state = PLAIN;
  let last = 0;
  const push = (part: string) => {
    if (part === '') return;
    const look = lookOf(state);
    const before = out.at(-1);
    if (before?.look === look) before.text += harmless(part);
    else out.push({ text: harmless(part), look });
  };
  for (const sequence of text.matchAll(ESCAPE)) {
    push(text.slice(last, sequence.index));
    last = sequence.index + sequence[0].length;
    if (sequence[2] === 'm') state = styled(state, sequence[1] ?? '');
  }
  push(text.slice(last));
  return out;
}

function overwritten(text: string): string {
  if (!text.includes('\r')) return text;
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => {
      const parts = line.split('\r').filter((part) => part !== '');
      return parts.at(-1) ?? '';
    })
    .join('\n');
}

function styled(before: State, parameters: string): State {
  let state = { ...before };
  const codes = parameters.split(/[;:]/).map((code) => Number(code || '0'));
  for (let n = 0; n < codes.length; n++) {
    const code = codes[n] ?? 0;
    if (code === 0) state = { ...PLAIN };
    else if (code === 1) state.bold = true;
    else if (code === 2) state.dim = true;
    else if (code === 3) state.italic = true;
    else if (code === 4) state.underline = true;
    else if (code === 22) state = { ...state, bold: false, dim: false };
    else if (code === 23) state.italic = false;
    else if (code === 24) state.underline = false;
    else if (code >= 30 && code <= 37) state.colour = code - 30;
    else if (code >= 90 && code <= 97) state.colour = code - 90 + 8;
    else if (code === 39) state.colour = null;
    else if (code === 38 || code === 48) {
      // 256 colours and true colour: the sixteen named ones are kept, others are left to the theme.
      const is256 = codes[n + 1] === 5;
      const colour = codes[n + 2] ?? 16;
      if (code === 38 && is256) state.colour = colour < 16 ? colour : null;
      n += is256 ? 2 : 4;
    }
  }
  return state;
}

function lookOf(state: State): string {
  const looks = [
    state.colour === null ? '' : `ansi-${state.colour}`,
    state.bold ? 'ansi-bold' : '',
    state.dim ? 'ansi-dim' : '',
    state.italic ? 'ansi-italic' : '',
    state.underline ? 'ansi-underline' : '',
  ];
  return looks.filter((look) => look !== '').join(' ');
}
