import { noteServerTime } from '../lib/clock';
import { live } from '../lib/live';
import type { Problem } from './types';

/** An answer that is none: what the server said, or that it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly detail: string | undefined,
  ) {
    super(message);
  }

  /** This browser has not been let in. */
  get isNoAccess(): boolean {
    return this.status === 401;
  }

  /** Nobody answered. */
  get isOffline(): boolean {
    return this.status === 0;
  }
}

/** Values of an address; lists repeat, what is empty is left out. */
export type Params = Record<string, string | number | boolean | readonly string[] | null | undefined>;

export function address(path: string, params: Params = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null || value === '' || value === false) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const query = search.toString();
  return query === '' ? path : `${path}?${query}`;
}

/** The address of something of one session. */
export function ofSession(id: string, rest = ''): string {
  return `/api/v1/sessions/${encodeURIComponent(id)}${rest}`;
}

declare global {
  interface Window {
    /** What `early.js` asked for before there was an app, by path. */
    early?: Record<string, Promise<Response>>;
  }
}

/** An answer that is on its way already; each is taken once. */
function early(method: string, path: string): Promise<Response> | undefined {
  const started = method === 'GET' ? window.early?.[path] : undefined;
  if (started) delete window.early?.[path];
  return started;
}

async function ask(method: string, path: string, signal?: AbortSignal, body?: object | string): Promise<Response> {
  let response: Response;
  try {
    response = await (early(method, path) ??
      fetch(path, {
        method,
        credentials: 'same-origin',
        ...(signal ? { signal } : {}),
        ...(body !== undefined
          ? {
              body: typeof body === 'string' ? body : JSON.stringify(body),
              headers: { 'content-type': 'application/json' },
            }
          : {}),
      }));
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(
      0,
      'Marline can’t be reached',
      'It is not running, or the network is gone. It is tried again by itself.',
    );
  }
  noteServerTime(response.headers.get('date'));
  live.note();
  if (response.ok) return response;
  let problem: Partial<Problem> = {};
  try {
    problem = await response.json();
  } catch {
    // Not ours: a proxy’s page, say.
  }
  throw new ApiError(response.status, problem.title ?? `The server answered ${response.status}`, problem.detail);
}

/** Reads JSON. The shape is the server's promise: its types are generated from the same document. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask('GET', path, signal)).json();
}

/** Reads a text. */
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return (await ask('GET', path, signal)).text();
}

/** Asks for something to be made; a text is JSON already. */
export async function post<T>(path: string, body?: object | string): Promise<T> {
  return (await ask('POST', path, undefined, body)).json();
}

/** Asks for something to be kept under its address. */
export async function put<T>(path: string, body: object): Promise<T> {
  return (await ask('PUT', path, undefined, body)).json();
}

/** Asks for something to be changed. */
export async function patch<T>(path: string, body: object): Promise<T> {
  return (await ask('PATCH', path, undefined, body)).json();
}

/** Asks for something to be removed. */
export async function remove(path: string): Promise<void> {
  await ask('DELETE', path);
}
