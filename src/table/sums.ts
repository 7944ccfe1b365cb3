/** What several runs cost together, and what was spent for nothing. Pure. */
import type { IFigures, IRecord, Provenance } from '../wire';

/** Figures of several runs; their intervals are summed end to end, which is the widest they can be. */
export interface ISum extends IFigures {
  runs: number;
  durationS: number;
  provenance: Provenance;
  /** `gap` where the figure of one is unknown: the sum is "at least". */
  flags: readonly string[];
}

/** The sum of runs. Nested ones are in their outer cell already. */
export function sumOf(records: readonly IRecord[]): ISum {
  const tops = records.filter(record => record.parent === null);
  const known = tops.filter(record => record.energyJ !== null);
  const total = (pick: (record: IRecord) => number | null): number | null =>
    known.length === 0 ? null : known.reduce((sum, record) => sum + (pick(record) ?? 0), 0);
  const kinds = new Set(known.map(record => record.provenance));
  const flags = new Set(tops.flatMap(record => record.flags));
  // A sum of cells that are too short each is not below a bound itself.
  flags.delete('too-short');
  if (known.length < tops.length) {
    flags.add('gap');
  }
  return {
    runs: tops.length,
    durationS: tops.reduce((sum, record) => sum + record.durationS, 0),
    energyJ: total(record => record.energyJ),
    energyLowJ: total(record => record.energyLowJ),
    energyHighJ: total(record => record.energyHighJ),
    co2G: total(record => record.co2G),
    co2LowG: total(record => record.co2LowG),
    co2HighG: total(record => record.co2HighG),
    provenance: kinds.size === 1 ? ([...kinds][0] ?? 'mixed') : 'mixed',
    flags: [...flags]
  };
}

export const WASTES = ['failed', 'interrupted', 'overwritten'] as const;
/** Runs whose result is not there any more, or never was. */
export type Waste = (typeof WASTES)[number];

export interface IWaste {
  all: ISum;
  /** The part of all cells' energy; `null` if that is unknown or nothing. */
  share: number | null;
  groups: ReadonlyMap<Waste, ISum>;
}

/** What failed, was interrupted, or ran again later. Each run counts once, as the first of these. */
export function wasteOf(records: readonly IRecord[]): IWaste {
  const tops = records.filter(record => record.parent === null);
  const latest = new Map<string, number>();
  for (const { cellId, number } of tops) {
    if (cellId !== null) {
      latest.set(cellId, Math.max(number, latest.get(cellId) ?? 0));
    }
  }
  const kinds = new Map<Waste, IRecord[]>(WASTES.map(kind => [kind, []]));
  for (const record of tops) {
    const kind = kindOf(record, latest);
    if (kind) {
      kinds.get(kind)?.push(record);
    }
  }
  const all = sumOf([...kinds.values()].flat());
  const cells = sumOf(tops);
  return {
    all,
    share: all.energyJ !== null && cells.energyJ ? all.energyJ / cells.energyJ : null,
    groups: new Map([...kinds].filter(([, runs]) => runs.length > 0).map(([kind, runs]) => [kind, sumOf(runs)]))
  };
}

function kindOf(record: IRecord, latest: ReadonlyMap<string, number>): Waste | null {
  if (record.status === 'error') {
    return 'failed';
  }
  if (record.status !== 'ok') {
    return 'interrupted';
  }
  const last = record.cellId === null ? undefined : latest.get(record.cellId);
  return last !== undefined && last > record.number ? 'overwritten' : null;
}
