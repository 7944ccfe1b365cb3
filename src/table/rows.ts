/** Which runs the table shows, and in which order. Pure. */
import type { IRecord } from '../wire';

export const SORT_KEYS = ['order', 'energy', 'co2', 'time', 'power'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface ISort {
  key: SortKey;
  descending: boolean;
}

export const FILTERS = ['all', 'failed', 'again'] as const;
/** All runs; those that failed or were interrupted; those of cells that ran more than once. */
export type Filter = (typeof FILTERS)[number];

const VALUE: Readonly<Record<SortKey, (record: IRecord) => number | null>> = {
  order: record => record.number,
  energy: record => record.energyJ,
  co2: record => record.co2G,
  time: record => record.durationS,
  power: record => record.meanPowerW
};

/** The runs that pass the filter, sorted; unknown figures come last, whichever way. */
export function sorted(records: readonly IRecord[], sort: ISort, filter: Filter): IRecord[] {
  const value = VALUE[sort.key];
  const sign = sort.descending ? -1 : 1;
  return filtered(records, filter).sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) {
      return x === y ? b.number - a.number : x === null ? 1 : -1;
    }
    return x === y ? b.number - a.number : sign * (x - y);
  });
}

function filtered(records: readonly IRecord[], filter: Filter): IRecord[] {
  switch (filter) {
    case 'all':
      return [...records];
    case 'failed':
      return records.filter(record => record.status !== 'ok');
    case 'again': {
      const again = runMoreThanOnce(records);
      return records.filter(record => record.cellId !== null && again.has(record.cellId));
    }
  }
}

/** Cells of which there is more than one run. */
export function runMoreThanOnce(records: readonly IRecord[]): ReadonlySet<string> {
  const once = new Set<string>();
  const again = new Set<string>();
  for (const { cellId, parent } of records) {
    if (cellId !== null && parent === null) {
      (once.has(cellId) ? again : once).add(cellId);
    }
  }
  return again;
}

/** The rows to draw: those in view, and as many above and below as are likely to come next. */
export function inView(
  top: number,
  height: number,
  rowHeight: number,
  count: number
): readonly [number, number] {
  const margin = 8;
  const first = Math.floor(top / rowHeight) - margin;
  const last = Math.ceil((top + height) / rowHeight) + margin;
  return [Math.max(0, Math.min(first, count)), Math.max(0, Math.min(last, count))];
}
