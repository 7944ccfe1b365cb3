/** A quiet line under each code cell that has run. */
import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type PanelLayout, Widget } from '@lumino/widgets';

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
import type { IRunning } from '../wire';

const OUTPUT_CLASS = 'jp-Cell-outputWrapper';
/** Of a shorter run the mean power says nothing. */
const POWER_FROM_S = 0.1;

/** The badges of one notebook. */
export class Badges implements IDisposable {
  constructor(
    private readonly _tracked: ITracked,
    private readonly _settings: Settings,
    private readonly _trans: TranslationBundle
  ) {
    _tracked.model.changed.connect(this._onChange, this);
    _settings.changed.connect(this._refreshAll, this);
    const notebook = _tracked.panel.content;
    notebook.modelContentChanged.connect(this._schedule, this);
    _tracked.panel.disposed.connect(this.dispose, this);
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
    this._tracked.panel.content.modelContentChanged.disconnect(this._schedule, this);
  }

  private _onChange(model: SessionModel, change: Change): void {
    if (change === 'live') {
      const cellId = model.running?.cellId;
      const cell = this._tracked.panel.content.widgets.find(c => c.model.id === cellId);
      if (cell) {
        void this._refresh(cell);
      }
    } else {
      this._schedule();
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
    const { model } = this._tracked;
    const wanted = this._settings.badges && cell.model.type === 'code';
    const running = wanted && model.running?.cellId === cell.model.id ? model.running : null;
    const runs = wanted ? model.runsOf(cell.model.id) : null;
    if (!running && !runs) {
      this._badges.get(cell)?.dispose();
      return;
    }
    await cell.ready;
    const badge = this._badges.get(cell) ?? this._attach(cell);
    if (!badge || badge.isDisposed) {
      return;
    }
    if (running) {
      badge.showRunning(running, model);
    } else if (runs) {
      badge.showRuns(runs, this._trans);
    }
  }

  private _attach(cell: Cell): Badge | null {
    if (cell.isDisposed || this._disposed) {
      return null;
    }
    const badge = new Badge(cell.model.id);
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
  }

  showRunning(running: IRunning, model: SessionModel): void {
    const provenance = model.totals?.provenance ?? 'estimated';
    const energy = format.energyWithInterval({ ...running, provenance });
    const power = format.power(model.powerW, format.isEstimated(provenance));
    this._show(`${energy} · ${power} …`, running.energyJ, provenance);
    this.addClass('gc-mod-running');
    this.node.title = '';
  }

  showRuns(runs: ICellRuns, trans: TranslationBundle): void {
    const record = runs.latest;
    const power = record.durationS < POWER_FROM_S ? '' : format.meanPower(record);
    const parts = [
      format.energyWithInterval(record),
      `${format.co2WithInterval(record)} CO₂e`,
      format.duration(record.durationS),
      power,
      statusWord(record.status, trans)
    ].filter(part => part !== '');
    const pending = record.final ? '' : ` ${PROVISIONAL_MARK}`;
    this._show(parts.join(' · ') + pending, record.energyJ, record.provenance);
    this.removeClass('gc-mod-running');
    const lines = [
      ...intervalLines(record, trans),
      provenanceWord(record.provenance, trans),
      machineLine(record, trans),
      ...figureHints(record, trans)
    ];
    if (runs.count > 1) {
      const all = format.energy(runs.energyJ, record.provenance);
      lines.push(trans.__('%1 runs in this session, together %2', runs.count, all));
    }
    this.node.title = lines.filter(line => line !== '').join('\n');
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
