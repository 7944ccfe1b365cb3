/** The finished runs of one session, by run and by cell. */
import type { IRecord } from './wire';

const RECENT = 5;

/** The runs of one cell. */
export interface ICellRuns {
  latest: IRecord;
  count: number;
  /** The latest five, newest first. */
  recent: readonly IRecord[];
  /** What they cost together; `null` if that of one is unknown. */
  energyJ: number | null;
}

export class Runs {
  /** All that this page knows, in the order in which they ended. */
  get all(): readonly IRecord[] {
    this._all ??= [...this._byRun.values()];
    return this._all;
  }

  /** How many the kernel knows of beyond those of this page. */
  get missing(): number {
    return Math.max(0, this._total - this._byRun.size);
  }

  /** Take in what a picture of the whole holds, and how many there are in all. */
  takeAll(records: readonly IRecord[], total: number): void {
    for (const record of records) {
      this.add(record);
    }
    this._total = total;
  }

  /** Take in a run that has just ended; told of again, it counts once. */
  takeEnded(record: IRecord): void {
    if (!this._byRun.has(record.run)) {
      this._total += 1;
    }
    this.add(record);
  }

  /** Take in a record; a final one stays the object that it is, a provisional one is replaced. */
  add(record: IRecord): void {
    if (this._byRun.get(record.run)?.final === true) {
      return;
    }
    this._byRun.set(record.run, record);
    this._all = null;
    if (record.cellId !== null) {
      const runs = this._byCell.get(record.cellId) ?? new Map<string, IRecord>();
      this._byCell.set(record.cellId, runs.set(record.run, record));
    }
  }

  /** Those of a cell that `counts`. */
  ofCell(cellId: string, counts: (record: IRecord) => boolean): ICellRuns | null {
    const every = [...(this._byCell.get(cellId)?.values() ?? [])];
    const runs = every.filter(counts).sort((a, b) => b.number - a.number);
    const [latest] = runs;
    if (!latest) {
      return null;
    }
    const energyJ = runs.reduce<number | null>(
      (sum, run) => (sum === null || run.energyJ === null ? null : sum + run.energyJ),
      0
    );
    return { latest, count: runs.length, recent: runs.slice(0, RECENT), energyJ };
  }

  clear(): void {
    this._byRun.clear();
    this._byCell.clear();
    this._total = 0;
    this._all = null;
  }

  /** What was listed last, as long as nothing was added. */
  private _all: readonly IRecord[] | null = null;
  private _total = 0;
  private readonly _byRun = new Map<string, IRecord>();
  private readonly _byCell = new Map<string, Map<string, IRecord>>();
}
