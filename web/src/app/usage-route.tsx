import { useNavigate } from '@tanstack/react-router';
import { UsagePage } from '../features/usage/usage-page';
import { routes } from './router';

/** The usage page at its address. */
export function UsageRoute() {
  const choice = routes.usage.useSearch();
  const navigate = useNavigate();
  return (
    <UsagePage choice={choice} onChange={(next) => void navigate({ to: '/usage', search: next, replace: true })} />
  );
}
