import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const board = process.env.MARLINE_URL ?? 'http://127.0.0.1:7437';

export default defineConfig({
  plugins: [react(), tailwind()],
  build: {
    target: 'es2023',
    // Read and removed by scripts/compress.mjs.
    manifest: 'manifest.json',
    // The policy allows no inline script: no polyfill, no data: URL but small pictures.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // What all pages share comes in two files instead of a dozen small ones, each a request of its own.
        codeSplitting: {
          groups: [
            { name: 'frame', test: /node_modules.(react|react-dom|scheduler|@tanstack)[/\\]/, priority: 2 },
            { name: 'shared', test: /src[/\\](lib|api|components)[/\\]|lucide-react/, minShareCount: 2, priority: 1 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': { target: board, ws: true }, '/login': board } },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
});
