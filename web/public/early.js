// Asks for what the first page shows while the app itself is still on its way. `api/client.ts` takes the answers.
(() => {
  const paths = ['/api/v1/status'];
  let isByDay = true;
  try {
    isByDay = (JSON.parse(localStorage.getItem('marline.settings') ?? '{}').group ?? 'day') === 'day';
  } catch {
    // Nothing is kept here: the settings are those of a first visit.
  }
  if (location.pathname === '/' && location.search === '' && isByDay) paths.push('/api/v1/sessions?limit=100');
  window.early = {};
  for (const path of paths) {
    window.early[path] = fetch(path, { credentials: 'same-origin' });
    // Whoever takes it hears of a failure.
    window.early[path].catch(() => undefined);
  }
})();
