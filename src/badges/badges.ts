/** A quiet line under each code cell that has run. */
import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type PanelLayout, Widget } from '@lumino/widgets';

import { change } from '../compare';
import { type IEntry, KEY, readEntry, sourceHash } from '../embed/entry';
import * as format from '../format';
import type { Change, SessionModel } from '../model';
import type { Settings } from '../settings';
import type { ITracked } from '../tokens';
import type { ICellRuns } from '../runs';
import {
  figureHints,
  intervalLines,
  machineLine,
  PROVISIONAL_MARK,
  provenanceWord,
  statusWord
} from '../words';
import type { IRecord, IRunning } from '../wire';

const NOTHING = { running: null, runs: null };
const OUTPUT_CLASS = 'jp-Cell-outputWrapper';
/** Of a shorter run the mean power says nothing. */
const POWER_FROM_S = 0.1;

/** The badges of one notebook. */
export class Badges implements IDisposable {
  /** `open` shows the panel. */
  constructor(
    private readonly _tracked: ITracked,
    private readonly _settings: Settings,
    private readonly _trans: TranslationBundle,
    private readonly _open: () => void
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
    const ended = model.lastEnded;
    if (change === 'live' || (change === 'info' && model.running)) {
      this._refreshOne(model.running?.cellId);
    } else if (change === 'cells' && ended && ended !== this._ended) {
      // Of a thousand cells one has changed.
      this._ended = ended;
      this._refreshOne(ended.cellId);
    } else {
      this._schedule();
    }
  }

  private _refreshOne(cellId: string | null | undefined): void {
    const cell = this._tracked.panel.content.widgets.find(one => one.model.id === cellId);
    if (cell) {
      void this._refresh(cell);
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
    if (this._savedOf(cell)) {
      await this._showSaved(cell);
    } else {
      this._showRun(cell);
    }
  }

  /** Whether the cell may have a badge: of two cells with one id nobody knows which of them ran. */
  private _isWanted(cell: Cell): boolean {
    const { id, type } = cell.model;
    return this._settings.badges && type === 'code' && !this._shared.has(id) && !cell.isDisposed && !this._disposed;
  }

  private _showRun(cell: Cell): void {
    const { model, edits } = this._tracked;
    const { running, runs } = this._isWanted(cell) ? this._ranIn(cell) : NOTHING;
    if (running) {
      this._badgeOf(cell).showRunning(running, model);
    } else if (runs) {
      const { latest } = runs;
      this._badgeOf(cell).showRuns(runs, this._trans, edits.changedBefore(latest), edits.changedSince(latest));
    } else {
      this._badges.get(cell)?.dispose();
    }
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
    const saved = this._savedOf(cell); // it may have begun to run meanwhile
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
    badge.node.addEventListener('click', this._open);
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
  private _ended: IRecord | null = null;
  private _followed: CellList | null = null;
  private _shared: ReadonlySet<string> = new Set();
  private readonly _badges = new Map<Cell, Badge>();
  private readonly _due = new WeakSet<Cell>();
}

/** The line under one cell. */
export class Badge extends Widget {
  constructor(cellId: string) {
    super();
    this.addClass('gc-Badge');
    this.node.dataset['gc'] = 'badge';
    this.node.setAttribute('data-cell-id', cellId);
    this.node.setAttribute('aria-live', 'off');
    this.node.setAttribute('role', 'note');
  }

  showRunning(running: IRunning, model: SessionModel): void {
    const provenance = model.totals?.provenance ?? 'estimated';
    const energy = format.energyWithInterval({ ...running, provenance });
    const power = format.power(model.powerW, format.isEstimated(provenance));
    this._show(`${energy} · ${power} …`, running.energyJ, provenance);
    this.addClass('gc-mod-running');
    this.node.title = '';
  }

  /** `changed`: the code is not that of the run before; `edited`: it has become other code since. */
  showRuns(runs: ICellRuns, trans: TranslationBundle, changed = false, edited = false): void {
    const record = runs.latest;
    const [, before] = runs.recent;
    const difference = before && !changed ? change(record, before) : null;
    const words = line(record, trans, difference);
    this._show(edited ? `${words} · ${trans.__('changed since')}` : words, record.energyJ, record.provenance);
    this.removeClass('gc-mod-running');
    this.removeClass('gc-mod-saved');
    const lines = [
      ...intervalLines(record, trans),
      provenanceWord(record.provenance, trans),
      machineLine(record, trans),
      ...figureHints(record, trans)
    ];
    if (before) {
      const all = format.energy(runs.energyJ, record.provenance);
      const recent = runs.recent.map(run => format.energyWithInterval(run)).join(', ');
      lines.push(
        comparison(difference, changed, trans),
        trans.__('%1 runs in this session, together %2', runs.count, all),
        trans.__('Latest first: %1', recent)
      );
    }
    this._tell(lines);
  }

  /** What the file says of a cell that has not run in this session. */
  showSaved(entry: IEntry, edited: boolean, trans: TranslationBundle): void {
    const words = edited ? trans.__('edited since it ran') : line({ ...entry, final: true }, trans, null);
    this._show(trans.__('from the file: %1', words), edited ? null : entry.energyJ, entry.provenance);
    this.addClass('gc-mod-saved');
    this._tell([
      trans.__('Saved with the notebook, and in no sum: whoever wrote the file may have written anything'),
      provenanceWord(entry.provenance, trans)
    ]);
  }

  /** The detail, for the mouse and for who listens. */
  private _tell(lines: readonly string[]): void {
    this.node.title = lines.filter(text => text !== '').join('\n');
    this.node.setAttribute('aria-label', `${this.node.textContent}\n${this.node.title}`);
  }

  private _show(text: string, energyJ: number | null, provenance: string): void {
    if (this.node.textContent !== text) {
      this.node.textContent = text;
    }
    if (energyJ === null) {
      this.node.removeAttribute('data-energy-j');
    } else {
      this.node.setAttribute('data-energy-j', String(energyJ));
    }
    this.node.setAttribute('data-provenance', provenance);
  }
}

type CellList = NonNullable<ITracked['panel']['content']['model']>['cells'];
type Shown = Omit<IEntry, 'cellId' | 'sourceHash'> & { final: boolean };

/** What is there more than once. */
function repeated(ids: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(ids.filter(id => seen.size === seen.add(id).size));
}

function line(run: Shown, trans: TranslationBundle, difference: number | null): string {
  const parts = [
    format.energyWithInterval(run),
    `${format.co2WithInterval(run)} CO₂e`,
    format.duration(run.durationS),
    run.durationS < POWER_FROM_S ? '' : format.meanPower(run),
    statusWord(run.status, trans),
    difference === null ? '' : `${difference < 0 ? '▾' : '▴'} ${format.percent(Math.abs(difference))}`
  ];
  return parts.filter(part => part !== '').join(' · ') + (run.final ? '' : ` ${PROVISIONAL_MARK}`);
}

/** A run beside the one before, in words. */
function comparison(difference: number | null, changed: boolean, trans: TranslationBundle): string {
  if (changed) {
    return trans.__('The code is not that of the run before');
  }
  if (difference === null) {
    return trans.__('No difference to the run before is shown');
  }
  const part = format.percent(Math.abs(difference));
  return difference < 0
    ? trans.__('%1 less energy than the run before', part)
    : trans.__('%1 more energy than the run before', part);
}
