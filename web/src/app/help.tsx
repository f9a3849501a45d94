import { Dialog } from '../components/ui/dialog';
import { useSettings } from '../lib/settings';
import { type Act, PAGE_KEYS } from './acts';

/** All keys. */
export function Help({ acts, onClose }: { acts: Act[]; onClose: () => void }) {
  const { letters } = useSettings();
  const everywhere = acts.flatMap((act) =>
    act.keys ? [['Everywhere', act.keys.split('').join(' '), act.name] as const] : [],
  );
  const places = ['Everywhere', 'Sessions', 'A session'];
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="space-y-5 p-4">
        {!letters && <p className="text-warn">Single letters are switched off in the settings.</p>}
        {places.map((place) => (
          <section key={place}>
            <h3 className="mb-1.5 font-medium text-ink-3 text-xs">{place}</h3>
            <dl>
              {[...PAGE_KEYS, ...everywhere]
                .filter(([where]) => where === place)
                .map(([, keys, what]) => (
                  <div key={keys} className="flex items-center justify-between py-1">
                    <dt>{what}</dt>
                    <dd className="flex gap-1">
                      {keys.split(' ').map((key) => (
                        <kbd key={key} className="rounded border border-line bg-sunken px-1.5 font-mono text-xs">
                          {key}
                        </kbd>
                      ))}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
