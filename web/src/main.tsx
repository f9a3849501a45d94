import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { cache } from './app/cache';
import { awaitEarly } from './app/early';
import { follow } from './app/follow';
import { bePresent } from './app/presence';
import { router } from './app/router';
import './app/theme.css';
import { begin } from './lib/settings';

begin();
follow();
bePresent();
void awaitEarly(cache, router.load()).then(() => {
  const root = document.getElementById('root');
  if (!root) return;
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
});
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  addEventListener('load', () => void navigator.serviceWorker.register('/sw.js'));
}
