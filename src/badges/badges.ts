/** A quiet line under each code cell that has run. */
import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type PanelLayout, Widget } from '@lumino/widgets';

import { change } from '../compare';
import { setData, setText } from '../dom';
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

const OUTPUT_CLASS = 'jp-Cell-outputWrapper';

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

  /** Cells that come, go, move or become others; what is typed into them changes no badge. */
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
    for (const cell of this._tracked.panel.content.widgets) {
      void this._refresh(cell);
    }
  }

  private async _refresh(cell: Cell): Promise<void> {
    const { model, edits } = this._tracked;
    const wanted = this._settings.badges && cell.model.type === 'code';
    const running = wanted && model.running?.cellId === cell.model.id ? model.running : null;
    const runs = wanted ? model.runsOf(cell.model.id) : null;
    const saved = wanted && !runs && !running ? readEntry(cell.model.getMetadata(KEY)) : null;
    const isCopy = saved !== null && saved.cellId !== cell.model.id;
    if (!running && !runs && (!saved || isCopy)) {
      this._badges.get(cell)?.dispose();
      return;
    }
    await cell.ready;
    const hash = saved ? await sourceHash(cell.model.sharedModel.getSource()) : null;
    const badge = this._badges.get(cell) ?? this._attach(cell);
    if (!badge || badge.isDisposed) {
      return;
    }
    if (running) {
      badge.showRunning(running, model);
    } else if (runs) {
      badge.showRuns(runs, this._trans, edits.changedBefore(runs.latest));
    } else if (saved) {
      badge.showSaved(saved, hash !== saved.sourceHash, this._trans);
    }
  }

  private _attach(cell: Cell): Badge | null {
    if (cell.isDisposed || this._disposed) {
      return null;
    }
    const badge = new Badge(cell.model.id);
    badge.node.addEventListener('click', this._open);
    const layout = cell.layout as PanelLayout; // a cell's layout is one, by construction
    const index = layout.widgets.findIndex(widget => widget.hasClass(OUTPUT_CLASS));
    layout.insertWidget(index < 0 ? layout.widgets.length : index, badge);
    this._badges.set(cell, badge);
    badge.disposed.connect(() => {
      this._badges.delete(cell);
    });
    return badge;
  }

  private _disposed = false;
  private _scheduled = false;
  private _ended: IRecord | null = null;
  private _followed: CellList | null = null;
  private readonly _badges = new Map<Cell, Badge>();
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

  /** `changed`: the code is not that of the run before. */
  showRuns(runs: ICellRuns, trans: TranslationBundle, changed = false): void {
    const record = runs.latest;
    const [, before] = runs.recent;
    const difference = before && !changed ? change(record, before) : null;
    this._show(line(record, trans, difference), record.energyJ, record.provenance);
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
    setText(this.node, text);
    setData(this.node, 'energy-j', energyJ);
    setData(this.node, 'provenance', provenance);
  }
}

type CellList = NonNullable<ITracked['panel']['content']['model']>['cells'];
type Shown = Omit<IEntry, 'cellId' | 'sourceHash'> & { final: boolean };

function line(run: Shown, trans: TranslationBundle, difference: number | null): string {
  const parts = [
    format.energyWithInterval(run),
    `${format.co2WithInterval(run)} CO₂e`,
    format.duration(run.durationS),
    format.meanPower(run),
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
