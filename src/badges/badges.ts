/** A quiet line under each code cell that has run: which cell has one, and when it is renewed. */
import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { PanelLayout } from '@lumino/widgets';

import { type IEntry, KEY, readEntry, sourceHash } from '../embed/entry';
import type { Change, SessionModel } from '../model';
import type { ICellRuns } from '../runs';
import type { Settings } from '../settings';
import type { ITracked } from '../tokens';
import type { IRecord, IRunning } from '../wire';
import { Badge } from './badge';

const NOTHING = { running: null, runs: null };
/** A run of such a length has a line, however little it used. */
const LONG_S = 1;
const OUTPUT_CLASS = 'jp-Cell-outputWrapper';

/** The badges of one notebook. */
export class Badges implements IDisposable {
  /** `open` shows a cell in the panel. */
  constructor(
    private readonly _tracked: ITracked,
    private readonly _settings: Settings,
    private readonly _trans: TranslationBundle,
    private readonly _open: (cellId: string) => void
  ) {
    _tracked.model.changed.connect(this._onChange, this);
    _settings.changed.connect(this._refreshAll, this);
    const notebook = _tracked.panel.content;
    notebook.modelChanged.connect(this._follow, this);
    _tracked.panel.disposed.connect(this.dispose, this);
    this._follow();
    void _tracked.panel.context.ready.then(() => {
      this._schedule();
    });
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._tracked.model.changed.disconnect(this._onChange, this);
    this._settings.changed.disconnect(this._refreshAll, this);
    this._tracked.panel.content.modelChanged.disconnect(this._follow, this);
    this._followed?.changed.disconnect(this._schedule, this);
  }

  /** Cells that come, go, move or become others. */
  private _follow(): void {
    this._followed?.changed.disconnect(this._schedule, this);
    this._followed = this._tracked.panel.content.model?.cells ?? null;
    this._followed?.changed.connect(this._schedule, this);
    this._schedule();
  }

  private _onChange(model: SessionModel, change: Change): void {
    const ended = model.endedTogether;
    if (change === 'total') {
      return; // no cell's figure is in it alone
    }
    if (change === 'live' || (change === 'info' && model.running)) {
      this._refreshSome([model.running?.cellId]);
    } else if (change === 'cells' && ended.length > 0 && ended !== this._ended) {
      // Of a thousand cells a few have changed.
      this._ended = ended;
      this._refreshSome(ended.map(record => record.cellId));
    } else {
      this._schedule();
    }
  }

  private _refreshSome(cellIds: readonly (string | null | undefined)[]): void {
    const due = new Set(cellIds);
    for (const cell of this._tracked.panel.content.widgets) {
      if (due.has(cell.model.id)) {
        void this._refresh(cell);
      }
    }
  }

  /** Many changes in one turn are one pass. */
  private _schedule(): void {
    if (!this._scheduled) {
      this._scheduled = true;
      window.setTimeout(() => {
        this._scheduled = false;
        this._refreshAll();
      }, 50);
    }
  }

  private _refreshAll(): void {
    if (this._disposed) {
      return;
    }
    const cells = this._tracked.panel.content.widgets;
    this._shared = repeated(cells.map(cell => cell.model.id));
    for (const cell of cells) {
      void this._refresh(cell);
    }
  }

  /** Show what is known of a cell once it is there; far away from what is on the screen that may be never. */
  private async _refresh(cell: Cell): Promise<void> {
    if (this._due.has(cell)) {
      return; // it will find what is known by then
    }
    this._due.add(cell);
    await cell.ready;
    this._due.delete(cell);
    if (this._isGone(cell)) {
      return;
    }
    if (this._savedOf(cell)) {
      await this._showSaved(cell);
    } else {
      this._showRun(cell);
    }
  }

  /** A cell that is gone has no model to ask, and took its badge with it. */
  private _isGone(cell: Cell): boolean {
    return this._disposed || cell.isDisposed;
  }

  /** Whether the cell may have a badge: of two cells with one id nobody knows which of them ran. */
  private _isWanted({ model: { id, type } }: Cell): boolean {
    return this._settings.badges && type === 'code' && !this._shared.has(id);
  }

  private _showRun(cell: Cell): void {
    const { model, edits } = this._tracked;
    const { running, runs } = this._isWanted(cell) ? this._ranIn(cell) : NOTHING;
    if (running) {
      this._badgeOf(cell).showRunning(running, model);
    } else if (runs && this._earns(runs.latest)) {
      const { latest } = runs;
      this._badgeOf(cell).showRuns(runs, this._trans, edits.changedBefore(latest), edits.changedSince(latest));
    } else {
      this._badges.get(cell)?.dispose();
    }
  }

  /** Whether a run is worth a line; one that was stays so, however much others use later. */
  private _earns({ run, durationS, energyJ }: IRecord): boolean {
    const { badgeFromPercent } = this._settings;
    if (badgeFromPercent !== this._fromPercent) {
      this._fromPercent = badgeFromPercent;
      this._earned.clear();
    }
    const { totals } = this._tracked.model;
    const cellsJ = (totals?.energyJ ?? 0) - (totals?.betweenCellsJ ?? 0);
    if (durationS >= LONG_S || energyJ === null || 100 * energyJ >= badgeFromPercent * cellsJ) {
      this._earned.add(run);
    }
    return this._earned.has(run);
  }

  /** What is known of this session's runs of a cell. */
  private _ranIn(cell: Cell): { running: IRunning | null; runs: ICellRuns | null } {
    const { model, isOf } = this._tracked;
    const { id } = cell.model;
    const { running } = model;
    return {
      running: running?.cellId === id && isOf(running) ? running : null,
      runs: model.runsOf(id, isOf)
    };
  }

  private async _showSaved(cell: Cell): Promise<void> {
    const hash = await sourceHash(cell.model.sharedModel.getSource());
    const saved = this._isGone(cell) ? null : this._savedOf(cell); // it may have begun to run meanwhile
    if (saved) {
      this._badgeOf(cell).showSaved(saved, hash !== saved.sourceHash, this._trans);
    }
  }

  /** What the file says of a cell of which nothing else is known; nothing of a copy. */
  private _savedOf(cell: Cell): IEntry | null {
    const { running, runs } = this._ranIn(cell);
    if (!this._isWanted(cell) || running || runs) {
      return null;
    }
    const saved = readEntry(cell.model.getMetadata(KEY));
    return saved?.cellId === cell.model.id ? saved : null;
  }

  private _badgeOf(cell: Cell): Badge {
    return this._badges.get(cell) ?? this._attach(cell);
  }

  private _attach(cell: Cell): Badge {
    const badge = new Badge(cell.model.id);
    badge.node.addEventListener('click', () => {
      this._open(cell.model.id);
    });
    const layout = cell.layout as PanelLayout; // a cell's layout is one, by construction
    const index = layout.widgets.findIndex(widget => widget.hasClass(OUTPUT_CLASS));
    layout.insertWidget(index < 0 ? layout.widgets.length : index, badge);
    this._badges.set(cell, badge);
    const { sharedModel } = cell.model;
    // Outputs change it too, and may come by the thousand.
    const onChange = (_: unknown, change: { sourceChange?: unknown; metadataChange?: unknown }): void => {
      if (change.sourceChange || change.metadataChange) {
        void this._refresh(cell);
      }
    };
    sharedModel.changed.connect(onChange);
    badge.disposed.connect(() => {
      sharedModel.changed.disconnect(onChange);
      this._badges.delete(cell);
    });
    return badge;
  }

  private _disposed = false;
  private _scheduled = false;
  private _fromPercent = -1;
  private readonly _earned = new Set<string>();
  private _ended: readonly IRecord[] = [];
  private _followed: CellList | null = null;
  private _shared: ReadonlySet<string> = new Set();
  private readonly _badges = new Map<Cell, Badge>();
  private readonly _due = new WeakSet<Cell>();
}

type CellList = NonNullable<ITracked['panel']['content']['model']>['cells'];

/** What is there more than once. */
function repeated(ids: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(ids.filter(id => seen.size === seen.add(id).size));
}
