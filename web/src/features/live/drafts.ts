// What is half written to an agent survives a reload.

const PREFIX = 'draft:';

export function draftOf(id: string): string {
  try {
    return localStorage.getItem(PREFIX + id) ?? '';
  } catch {
    return '';
  }
}

export function keepDraft(id: string, text: string): void {
  try {
    if (text === '') localStorage.removeItem(PREFIX + id);
    else localStorage.setItem(PREFIX + id, text);
  } catch {
    // A browser that keeps nothing: the field has it still.
  }
}
