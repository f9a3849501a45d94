// Compresses every text of the build beforehand, so that the server only has to send it.
import { readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

// What the service worker keeps: every page with all that it imports, but not the languages of the highlighter.
const manifest = JSON.parse(await readFile('dist/manifest.json', 'utf8'));
const kept = new Set();
const met = new Set();
const meet = (name) => {
  if (met.has(name)) return;
  met.add(name);
  const { file, css = [], assets = [], imports = [], dynamicImports = [] } = manifest[name];
  for (const path of [file, ...css, ...assets]) kept.add(`/${path}`);
  for (const next of [...imports, ...dynamicImports]) meet(next);
};
meet('index.html');
await unlink('dist/manifest.json');
await writeFile('dist/precache.json', JSON.stringify([...kept].filter((path) => path.startsWith('/assets/'))));

const TEXTS = /\.(html|js|css|svg|json|webmanifest)$/;
const WORTH_IT = 512;

for (const entry of await readdir('dist', { recursive: true })) {
  const path = join('dist', entry);
  if (!TEXTS.test(path) || (await stat(path)).size < WORTH_IT) continue;
  const bytes = await readFile(path);
  await writeFile(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}
