import { Dialog } from '../components/ui/dialog';
import { Keys } from '../components/ui/keys';
import { ACT_NAMES, ACTS } from '../lib/acts';
import { useSettings } from '../lib/settings';

const PLACES = ['Everywhere', 'Lists', 'A session'] as const;

/** All keys. */
export function Help({ onClose }: { onClose: () => void }) {
  const { letters } = useSettings();
  const acts = ACT_NAMES.map((name) => ACTS[name]);
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="space-y-5 p-4">
        {!letters && <p className="text-warn">Single letters are switched off in the settings.</p>}
        {PLACES.map((place) => (
          <section key={place}>
            <h3 className="mb-1 font-medium text-ink-3 text-xs">{place}</h3>
            <dl>
              {acts
                .filter((act) => act.place === place)
                .map(({ name, keys }) =>
                  keys ? (
                    <div key={keys} className="flex items-center justify-between gap-4 py-1">
                      <dt>{name}</dt>
                      <dd>
                        <Keys keys={keys} />
                      </dd>
                    </div>
                  ) : null,
                )}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
