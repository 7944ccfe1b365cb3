/** Which runs the table shows, and in which order. Pure. */
import { co2Form, energyForm, showsMeanPower } from '../format';
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

/** What a row shows of a figure is what it is sorted by: a dash is no figure, whatever is behind it. */
const VALUE: Readonly<Record<SortKey, (record: IRecord) => number | null>> = {
  order: record => record.number,
  energy: record => (energyForm(record) === 'unknown' ? null : record.energyJ),
  co2: record => (co2Form(record) === 'unknown' ? null : record.co2G),
  time: record => record.durationS,
  power: record => (showsMeanPower(record) ? record.meanPowerW : null)
};

/** The runs that pass the filter, sorted; unknown figures come last, whichever way. */
export function sorted(records: readonly IRecord[], sort: ISort, filter: Filter): IRecord[] {
  const value = VALUE[sort.key];
  const sign = sort.descending ? -1 : 1;
  return filtered(records, filter)
    .map(record => ({ record, value: value(record) }))
    .sort(({ record: a, value: x }, { record: b, value: y }) => {
      if (x === null || y === null) {
        return x === y ? b.number - a.number : x === null ? 1 : -1;
      }
      return x === y ? b.number - a.number : sign * (x - y);
    })
    .map(({ record }) => record);
}

/** Whether a filter keeps any run. */
export function hasAny(records: readonly IRecord[], filter: Filter): boolean {
  return filtered(records, filter).length > 0;
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
