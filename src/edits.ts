/** Whether a cell's code is still what ran. In this page's memory only. */
import type { SessionModel } from './model';
import type { IRecord } from './wire';

/** The code of a cell as it is now; `null` if there is no such cell. */
export type SourceOf = (cellId: string) => string | null;

export class Edits {
  constructor(
    model: SessionModel,
    private readonly _sourceOf: SourceOf
  ) {
    model.changed.connect(() => {
      if (model.running && model.running.run !== this._latest) {
        this._note(model.running.run, model.running.cellId);
      }
    });
  }

  /** Whether the cell of a run has other code by now; unknown counts as not. */
  changedSince({ run, cellId }: IRecord): boolean {
    const ran = cellId === null ? undefined : this._ran.get(cellId);
    if (cellId === null || ran?.run !== run) {
      return false;
    }
    const now = this._sourceOf(cellId);
    return now !== null && now !== ran.source;
  }

  /** The code that a run was of; `null` if this page did not see it begin. */
  sourceThatRan({ run, cellId }: IRecord): string | null {
    const ran = cellId === null ? undefined : this._ran.get(cellId);
    return ran?.run === run ? ran.source : null;
  }

  /** Whether a run had other code than the one before it in this page. */
  changedBefore({ run, cellId }: IRecord): boolean {
    const ran = cellId === null ? undefined : this._ran.get(cellId);
    return ran?.run === run && ran.changed;
  }

  private _note(run: string, cellId: string | null): void {
    this._latest = run;
    const source = cellId === null ? null : this._sourceOf(cellId);
    if (cellId !== null && source !== null) {
      const before = this._ran.get(cellId)?.source ?? source;
      this._ran.set(cellId, { run, source, changed: before !== source });
    }
  }

  private _latest = '';
  private readonly _ran = new Map<string, { run: string; source: string; changed: boolean }>();
}
