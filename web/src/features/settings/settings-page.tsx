import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Page, Section } from '../../components/ui/page';
import { Segmented } from '../../components/ui/segmented';
import { set, useSettings } from '../../lib/settings';
import { Devices } from './devices';

/** What a person chooses on this device, and who has access. */
export function SettingsPage() {
  const settings = useSettings();
  return (
    <Page title="Settings">
      <Section title="This device">
        <Choice name="Theme">
          <Segmented
            label="Theme"
            value={settings.theme}
            onChange={(theme) => set({ theme })}
            options={[
              { value: 'system', label: 'System' },
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
            ]}
          />
        </Choice>
        <Choice name="Density">
          <Segmented
            label="Density"
            value={settings.density}
            onChange={(density) => set({ density })}
            options={[
              { value: 'comfortable', label: 'Comfortable' },
              { value: 'compact', label: 'Compact' },
            ]}
          />
        </Choice>
        <Choice name="Single-letter keys" hint="j, k, g s and others act while nothing is typed">
          <Segmented
            label="Single-letter keys"
            value={settings.letters ? 'on' : 'off'}
            onChange={(value) => set({ letters: value === 'on' })}
            options={[
              { value: 'on', label: 'On' },
              { value: 'off', label: 'Off' },
            ]}
          />
        </Choice>
      </Section>
      <Section title="Agents">
        <p>
          <Link to="/providers" className="text-accent underline underline-offset-2">
            Model providers
          </Link>{' '}
          are switched without losing sight of a session.
        </p>
      </Section>
      <Section title="Notifications">
        <p>
          <Link to="/settings/notifications" className="text-accent underline underline-offset-2">
            Notifications
          </Link>{' '}
          tell this device when an agent needs you, also while Marline is closed.
        </p>
      </Section>
      <Section title="Devices that have access">
        <Devices />
      </Section>
      <p className="mt-8 text-ink-3">
        <Link to="/docs/api" className="text-accent underline underline-offset-2">
          The API
        </Link>{' '}
        says what programs can ask for.
      </p>
    </Page>
  );
}

function Choice({ name, hint, children }: { name: string; hint?: string; children: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 border-line border-b py-3 last:border-0">
      <span>
        {name}
        {hint && <span className="block text-ink-3 text-xs">{hint}</span>}
      </span>
      {children}
    </div>
  );
}
