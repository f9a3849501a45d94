// Addresses are written by people too: plain `name=value`, repeated for lists, no JSON.

/** What stands behind the question mark: a text, or several of one name. */
export type Parsed = Record<string, string | string[]>;

export function parseSearch(text: string): Parsed {
  const out: Parsed = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const before = out[name];
    out[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return out;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '' && one !== false) out.append(name, String(one));
    }
  }
  const text = out.toString();
  return text === '' ? '' : `?${text}`;
}

/** The text of a name, if there is one. */
export function one(search: Record<string, unknown>, name: string): string | undefined {
  const value = search[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' && first !== '' ? first : undefined;
}

/** The texts of a name. */
export function all(search: Record<string, unknown>, name: string): string[] | undefined {
  const value = search[name];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.filter((text): text is string => typeof text === 'string' && text !== '');
  return texts.length > 0 ? texts : undefined;
}
