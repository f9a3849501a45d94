import { useEffect, useRef, useState } from 'react';

/** As much of the browser's recogniser as is used here; no type library has it. */
interface Recogniser {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  onresult: ((event: { results: ArrayLike<ArrayLike<{ transcript: string }>> }) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
  start: () => void;
  stop: () => void;
  abort: () => void;
}

type Make = new () => Recogniser;

function maker(): Make | null {
  const names: Record<string, unknown> = { ...pick('SpeechRecognition'), ...pick('webkitSpeechRecognition') };
  const found = names.SpeechRecognition ?? names.webkitSpeechRecognition;
  return typeof found === 'function' ? (found as Make) : null;
}

function pick(name: string): Record<string, unknown> {
  return name in globalThis ? { [name]: Reflect.get(globalThis, name) } : {};
}

const WHY: Record<string, string> = {
  'not-allowed': 'The microphone is not allowed for this page',
  'service-not-allowed': 'This browser’s recogniser is not allowed here',
  'audio-capture': 'There is no microphone',
  network: 'The browser’s recogniser can’t be reached',
};

export interface Speech {
  /** It listens now. */
  isListening: boolean;
  /** Begins to listen, or ends; nothing where the browser has no recogniser. */
  toggle: (() => void) | null;
}

/** The browser's own recogniser: what is said so far is told as it is heard. */
export function useSpeech(onHeard: (words: string) => void, onFail: (why: string) => void): Speech {
  const running = useRef<Recogniser | null>(null);
  const heard = useRef(onHeard);
  heard.current = onHeard;
  const [isListening, setListening] = useState(false);
  useEffect(() => () => running.current?.abort(), []);
  const Made = maker();
  if (!Made) return { isListening: false, toggle: null };
  const begin = () => {
    const recogniser = new Made();
    recogniser.lang = navigator.language;
    recogniser.continuous = true;
    recogniser.interimResults = true;
    recogniser.onresult = ({ results }) =>
      heard.current(Array.from(results, (result) => result[0]?.transcript ?? '').join(''));
    recogniser.onerror = ({ error }) => {
      if (error !== 'aborted' && error !== 'no-speech') onFail(WHY[error] ?? `Nothing was understood (${error})`);
    };
    recogniser.onend = () => {
      running.current = null;
      setListening(false);
    };
    running.current = recogniser;
    recogniser.start();
    setListening(true);
  };
  return { isListening, toggle: () => (running.current ? running.current.stop() : begin()) };
}
