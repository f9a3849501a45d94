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
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': { target: board, ws: true }, '/login': board } },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
});
