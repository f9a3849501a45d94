/** Pictures as agents take them. */
export const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
/** The server takes 32 MB with the words, and base64 makes four bytes of three. */
const MOST = 20e6;

/** A picture that goes with a prompt. */
export interface Picture {
  name: string;
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
): Promise<{ pictures: Picture[]; problem: string | null }> {
  const pictures = [...before];
  for (const file of files) {
    if (!PICTURES.includes(file.type)) {
      return { pictures, problem: `${file.name} is no PNG, JPEG, GIF or WebP` };
    }
    const sum = pictures.reduce((sum, picture) => sum + picture.bytes, file.size);
    if (sum > MOST) return { pictures, problem: 'Pictures of more than 20 MB can’t go with one prompt' };
    pictures.push({ name: file.name, bytes: file.size, base64: await read(file) });
  }
  return { pictures, problem: null };
}
