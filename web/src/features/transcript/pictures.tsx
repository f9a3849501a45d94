import { ImageOff } from 'lucide-react';
import { useState } from 'react';
import type { Item } from '../../api/types';
import { Dialog } from '../../components/ui/dialog';
import { imageAddress } from './queries';

/** The pictures of an item; pressing one enlarges it. */
export function Pictures({ session, item }: { session: string; item: Item }) {
  const [large, setLarge] = useState<string | null>(null);
  if (!item.images && !item.lostImages) return null;
  const addresses = Array.from({ length: item.images ?? 0 }, (_, n) => imageAddress(session, item.key, n));
  return (
    <div className="flex flex-wrap gap-2">
      {addresses.map((address, n) => (
        <button key={address} type="button" onClick={() => setLarge(address)} aria-label={`Enlarge picture ${n + 1}`}>
          <img
            src={address}
            alt={`${n + 1} of ${item.images}`}
            loading="lazy"
            className="max-h-64 min-h-8 min-w-8 max-w-full rounded-lg bg-sunken object-contain"
          />
        </button>
      ))}
      {item.lostImages && (
        <p className="flex items-center gap-2 rounded-lg bg-sunken px-3.5 py-2.5 text-ink-3 text-xs">
          <ImageOff className="size-4" aria-hidden />
          {item.lostImages === 1
            ? 'A picture that can’t be shown any more'
            : `${item.lostImages} pictures that can’t be shown any more`}
        </p>
      )}
      {large && (
        <Dialog title="Picture" wide onClose={() => setLarge(null)}>
          <img src={large} alt="Enlarged" className="mx-auto max-h-[78dvh] min-w-32 p-4 [image-rendering:auto]" />
        </Dialog>
      )}
    </div>
  );
}
