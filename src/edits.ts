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

  private _note(run: string, cellId: string | null): void {
    this._latest = run;
    const source = cellId === null ? null : this._sourceOf(cellId);
    if (cellId !== null && source !== null) {
      this._ran.set(cellId, { run, source });
    }
  }

  private _latest = '';
  private readonly _ran = new Map<string, { run: string; source: string }>();
}
