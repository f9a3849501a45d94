/** Pictures as agents take them. */
export const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
/** What goes with one prompt: the server takes 32 MB with the words, and base64 makes four bytes of three. */
export const OF_A_PROMPT: Bounds = { all: 20e6, each: 20e6, count: 100 };
/** What goes with a message to a running agent. */
export const OF_A_MESSAGE: Bounds = { all: 40e6, each: 10e6, count: 4 };

interface Bounds {
  all: number;
  each: number;
  count: number;
}

/** A picture that goes with a prompt. */
export interface Picture {
  name: string;
  type: string;
  bytes: number;
  base64: string;
}

function read(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(new Error(`${file.name} can’t be read`));
    reader.readAsDataURL(file);
  });
}

/** Those of some files that are pictures, with what could not be taken. */
export async function takePictures(
  files: Iterable<File>,
  before: readonly Picture[],
  bounds: Bounds = OF_A_PROMPT,
): Promise<{ pictures: Picture[]; problem: string | null }> {
  const pictures = [...before];
  for (const file of files) {
    if (!PICTURES.includes(file.type)) {
      return { pictures, problem: `${file.name} is no PNG, JPEG, GIF or WebP` };
    }
    if (pictures.length >= bounds.count) return { pictures, problem: `At most ${bounds.count} pictures go along` };
    if (file.size > bounds.each) return { pictures, problem: `${file.name} is larger than ${bounds.each / 1e6} MB` };
    const sum = pictures.reduce((sum, picture) => sum + picture.bytes, file.size);
    if (sum > bounds.all) return { pictures, problem: `Pictures of more than ${bounds.all / 1e6} MB can’t go along` };
    pictures.push({ name: file.name, type: file.type, bytes: file.size, base64: await read(file) });
  }
  return { pictures, problem: null };
}
