/** Writes figures into the metadata of cells, where the user wants that; the only room that does. */
import { type Notebook, NotebookActions } from '@jupyterlab/notebook';
import type { ICellModel } from '@jupyterlab/cells';

import type { Settings } from '../settings';
import type { ITracked } from '../tokens';
import type { IRecord } from '../wire';
import { entryOf, KEY, sourceHash } from './entry';

/** Of how many cells the figures were written, and of how many the code that ran is not known. */
export interface IEmbedded {
  written: number;
  unknown: number;
}

export class Embedder {
  constructor(
    private readonly _tracked: Pick<ITracked, 'edits' | 'isOf' | 'model' | 'panel'>,
    settings: Settings
  ) {
    const { panel, model } = _tracked;
    const onScheduled = (_: unknown, { cell, notebook }: { cell: { model: ICellModel }; notebook: Notebook }): void => {
      if (notebook.model === panel.content.model) {
        this._ranHere.add(cell.model.id);
      }
    };
    NotebookActions.executionScheduled.connect(onScheduled);
    panel.disposed.connect(() => {
      NotebookActions.executionScheduled.disconnect(onScheduled);
    });
    model.changed.connect(() => {
      if (!settings.embed || model.endedTogether === this._latest) {
        return;
      }
      this._latest = model.endedTogether;
      const ended = this._latest.filter(record => record.final && record.parent === null);
      for (const cellId of new Set(ended.map(record => record.cellId))) {
        // Of several pages on one document only that writes in which the cell was run.
        if (cellId !== null && this._ranHere.has(cellId)) {
          void this._write(cellId);
        }
      }
    });
  }

  /** Write what is known of this session. */
  async embedAll(): Promise<IEmbedded> {
    const outcome = { written: 0, unknown: 0 };
    for (const { id } of this._cells()) {
      const done = await this._write(id);
      outcome.written += done === true ? 1 : 0;
      outcome.unknown += done === null ? 1 : 0;
    }
    return outcome;
  }

  /** Take all figures out again; of how many cells. */
  stripAll(): number {
    const found = this._cells().filter(cell => cell.getMetadata(KEY) !== undefined);
    found.forEach(cell => {
      cell.deleteMetadata(KEY);
    });
    return found.length;
  }

  /** Whether it was written; `null` where the code that ran is not known, or which of two cells of one id. */
  private async _write(cellId: string): Promise<boolean | null> {
    const { edits, isOf, model, panel } = this._tracked;
    const record = model.runsOf(cellId, isOf)?.latest;
    if (!record?.final || record.parent !== null || panel.content.model?.readOnly !== false) {
      return false;
    }
    const source = edits.sourceThatRan(record);
    const hash = source === null ? null : await sourceHash(source);
    const [cell, twin] = this._cells().filter(one => one.id === cellId);
    if (hash === null || !cell || twin) {
      return null;
    }
    cell.setMetadata(KEY, entryOf(record, cellId, hash));
    return true;
  }

  private _cells(): ICellModel[] {
    const cells = this._tracked.panel.content.model?.cells;
    return cells ? [...cells].filter(cell => cell.type === 'code') : [];
  }

  private _latest: readonly IRecord[] = [];
  private readonly _ranHere = new Set<string>();
}
