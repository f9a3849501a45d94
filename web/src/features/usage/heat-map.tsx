import { sayDay, weeks } from './days';

const CELL = 13;
const STEP = 16;
const MONTH = new Intl.DateTimeFormat('en', { month: 'short', timeZone: 'UTC' });

interface Props {
  days: string[];
  /** Days that are not in it came to nothing, those with null have no price. */
  amounts: Map<string, number | null>;
  say: (amount: number) => string;
}

/** The last days are what one looks for first. */
function toTheEnd(calendar: HTMLDivElement | null) {
  if (calendar) calendar.scrollLeft = calendar.scrollWidth;
}

/** A calendar, a column a week; the fuller, the more. */
export function HeatMap({ days, amounts, say }: Props) {
  const most = Math.max(...[...amounts.values()].map((amount) => amount ?? 0), 0);
  const columns = weeks(days);
  const level = (amount: number) =>
    amount === 0 || most === 0 ? 0 : Math.max(1, Math.ceil(Math.sqrt(amount / most) * 4));
  const width = columns.length * STEP + 34;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
    <div ref={toTheEnd} className="overflow-x-auto pb-1" tabIndex={0} role="region" aria-label="Calendar">
      <svg
        width={width}
        height={7 * STEP + 22}
        role="img"
        aria-label={`Each day of ${days.length}; the table has the same figures`}
      >
        {['Mon', 'Wed', 'Fri'].map((name, n) => (
          <text key={name} x={0} y={18 + n * 2 * STEP + 11} className="fill-ink-3 text-[10px]">
            {name}
          </text>
        ))}
        {columns.map((week, column) => {
          const first = week.find((day) => day !== null);
          const begins = first && Number(first.slice(8)) <= 7;
          return (
            <g key={first} transform={`translate(${34 + column * STEP}, 18)`}>
              {begins && (
                <text x={0} y={-6} className="fill-ink-3 text-[10px]">
                  {MONTH.format(new Date(first))}
                </text>
              )}
              {week.map((day, row) =>
                day === null ? null : (
                  <rect
                    key={day}
                    y={row * STEP}
                    width={CELL}
                    height={CELL}
                    rx={3}
                    className={level(amounts.get(day) ?? 0) === 0 ? 'fill-sunken' : 'fill-accent'}
                    fillOpacity={[1, 0.28, 0.5, 0.74, 1][level(amounts.get(day) ?? 0)]}
                  >
                    <title>{`${sayDay(day)}: ${amounts.get(day) === null ? 'no price' : say(amounts.get(day) ?? 0)}`}</title>
                  </rect>
                ),
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
