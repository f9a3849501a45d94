import { useEffect, useState } from 'react';
import type { Request, Token } from './highlight.worker';

/** Longer code stays plain. */
const MAX_CODE = 200_000;
const MAX_KEPT = 200;

let worker: Worker | null = null;
let last = 0;
const waiting = new Map<number, (lines: Token[][] | null) => void>();
const kept = new Map<string, Token[][] | null>();

function ask(code: string, language: string): Promise<Token[][] | null> {
  if (!worker) {
    worker = new Worker(new URL('./highlight.worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<{ id: number; lines: Token[][] | null }>) => {
      waiting.get(data.id)?.(data.lines);
      waiting.delete(data.id);
    };
  }
  const request: Request = { id: ++last, code, language };
  return new Promise((resolve) => {
    waiting.set(request.id, resolve);
    worker?.postMessage(request);
  });
}

/** Code in coloured pieces, once they are there; null: plain. */
export function useHighlighted(code: string, language: string | undefined): Token[][] | null {
  const name = `${language} ${code}`;
  const [lines, setLines] = useState<Token[][] | null>(() => kept.get(name) ?? null);
  useEffect(() => {
    if (!language || code.length > MAX_CODE) return;
    if (kept.has(name)) {
      setLines(kept.get(name) ?? null);
      return;
    }
    let isGone = false;
    void ask(code, language).then((lines) => {
      const oldest = kept.keys().next().value;
      if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      kept.set(name, lines);
      if (!isGone) setLines(lines);
    });
    return () => {
      isGone = true;
    };
  }, [code, language, name]);
  return lines;
}

const BY_ENDING: Record<string, string> = { Dockerfile: 'bash', Makefile: 'bash', lock: 'toml' };

/** What a file is written in, by its name. */
export function languageOf(path: string): string | undefined {
  const name = path.split('/').at(-1) ?? '';
  return BY_ENDING[name] ?? (name.includes('.') ? name.split('.').at(-1) : undefined);
}
