import { useState } from 'react';
import { roundTop, sayDay, type stacked } from './days';
import { NO_PRICE } from './no-price';

const HEIGHT = 200;
const GRID = 3;

interface Props {
  days: string[];
  data: ReturnType<typeof stacked>;
  colour: (part: string, n: number) => string;
  name: (part: string) => string;
  say: (amount: number) => string;
}

/** A column a day, cut into its parts; pointing at one tells its figures. */
export function StackedDays({ days, data, colour, name, say }: Props) {
  const [at, setAt] = useState<string | null>(null);
  const sum = (day: string) => (data.days.get(day) ?? []).reduce((a, b) => a + b, 0);
  const most = roundTop(Math.max(...days.map(sum), 1), GRID);
  const told = at === null ? null : (data.days.get(at) ?? []);
  return (
    <div>
      <div className="relative" style={{ height: HEIGHT }} onPointerLeave={() => setAt(null)}>
        {Array.from({ length: GRID }, (_, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: The lines of a grid are alike.
          <div key={n} className="absolute inset-x-0 border-line border-t" style={{ top: (HEIGHT / GRID) * n }}>
            <span className="absolute -top-2 right-0 bg-canvas pl-1 text-2xs text-ink-3 tabular-nums">
              {say((most * (GRID - n)) / GRID)}
            </span>
          </div>
        ))}
        <div className="absolute inset-y-0 right-14 left-0 flex items-end gap-[2px] border-line-strong border-b">
          {days.map((day) => (
            <div
              key={day}
              onPointerEnter={() => setAt(day)}
              className={`flex h-full min-w-0 flex-1 flex-col-reverse ${at !== null && at !== day ? 'opacity-50' : ''}`}
            >
              {(data.days.get(day) ?? []).map((amount, n) => (
                <div
                  // biome-ignore lint/suspicious/noArrayIndexKey: Parts keep their order.
                  key={n}
                  className="w-full shrink-0 last:rounded-t-[2px]"
                  style={{ height: (amount / most) * HEIGHT, background: colour(data.parts[n] ?? '', n) }}
                />
              ))}
            </div>
          ))}
        </div>
      </div>
      <div className="flex justify-between pt-1 pr-14 text-2xs text-ink-3 tabular-nums">
        <span>{sayDay(days[0] ?? '')}</span>
        <span>{sayDay(days.at(-1) ?? '')}</span>
      </div>
      <ul className="flex min-h-12 flex-wrap content-start gap-x-5 gap-y-1 pt-2 text-xs">
        <li className="w-full font-medium tabular-nums">
          {at === null ? 'All days' : `${sayDay(at)}: ${say(sum(at))}`}
        </li>
        {data.parts.map((part, n) => (
          <li key={part} className="flex items-center gap-1.5">
            <span className="size-2.5 rounded-sm" style={{ background: colour(part, n) }} aria-hidden />
            {name(part)}
            <span className="text-ink-3 tabular-nums">
              {data.unpriced.has(n)
                ? NO_PRICE
                : say(told ? (told[n] ?? 0) : days.reduce((all, day) => all + (data.days.get(day)?.[n] ?? 0), 0))}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
