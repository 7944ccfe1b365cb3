/** Whether a cell's code is still what ran. In this page's memory only. */
import type { SessionModel } from './model';
import type { IBegun } from './requests';
import type { IRecord } from './wire';

/** The code of a cell as it is now; `null` if there is no such cell. */
export type SourceOf = (cellId: string) => string | null;

type Run = Pick<IRecord, 'run' | 'request' | 'cellId'>;

/** The latest run of a cell. */
interface IRan {
  run: string;
  request: string | null;
  source: string;
  /** Whether the run before had other code. */
  changed: boolean;
}

export class Edits {
  constructor(
    model: SessionModel,
    private readonly _sourceOf: SourceOf
  ) {
    model.changed.connect(() => {
      const running = model.begun;
      if (running && running.run !== this._latest && running.run !== '') {
        this._latest = running.run;
        if (!this._adopt(running)) {
          // This page has not asked for it: the code is what the cell holds now.
          this._note(running, running.cellId === null ? null : this._sourceOf(running.cellId));
        }
      }
    });
  }

  /** Code that this page has asked for begins to run. */
  begin({ request, cellId, code }: IBegun): void {
    this._note({ run: '', request, cellId }, code);
  }

  /** Whether the cell of a run has other code by now; unknown counts as not. */
  changedSince(record: Run): boolean {
    const ran = this._ranOf(record);
    const now = ran && record.cellId !== null ? this._sourceOf(record.cellId) : null;
    return ran !== null && now !== null && now !== ran.source;
  }

  /** The code that a run was of; `null` if this page did not see it begin. */
  sourceThatRan(record: Run): string | null {
    return this._ranOf(record)?.source ?? null;
  }

  /** Whether a run had other code than the one before it in this page. */
  changedBefore(record: Run): boolean {
    return this._ranOf(record)?.changed ?? false;
  }

  private _ranOf({ run, request, cellId }: Run): IRan | null {
    const ran = cellId === null ? undefined : this._ran.get(cellId);
    // Of a quick run the page hears only when it has ended, so what began has no name yet.
    const isIt = ran && (ran.run === '' ? request !== null && ran.request === request : ran.run === run);
    return isIt ? ran : null;
  }

  /** What has begun is what is told of now: by its request, or where kernels of before tell of none. */
  private _adopt({ run, request, cellId }: Run): boolean {
    const ran = cellId === null ? undefined : this._ran.get(cellId);
    if (cellId === null || ran?.run !== '' || (request !== null && request !== ran.request)) {
      return false;
    }
    this._ran.set(cellId, { ...ran, run, request });
    return true;
  }

  private _note({ run, request, cellId }: Run, source: string | null): void {
    if (cellId !== null && source !== null) {
      const before = this._ran.get(cellId)?.source ?? source;
      this._ran.set(cellId, { run, request, source, changed: before !== source });
    }
  }

  private _latest = '';
  private readonly _ran = new Map<string, IRan>();
}
