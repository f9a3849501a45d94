// Compresses every text of the build beforehand, so that the server only has to send it.
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXTS = /\.(html|js|css|svg|json|webmanifest)$/;
const WORTH_IT = 512;

for (const entry of await readdir('dist', { recursive: true })) {
  const path = join('dist', entry);
  if (!TEXTS.test(path) || (await stat(path)).size < WORTH_IT) continue;
  const bytes = await readFile(path);
  await writeFile(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}
