/**
 * What is known about one kernel's session: numbers and signals, no pixels.
 *
 * Messages carry cumulative values, so whichever comes last is right; a lost one costs nothing.
 */
import { type ISignal, Signal } from '@lumino/signaling';

import type {
  Components,
  ICarbon,
  IInfo,
  INotice,
  IPicture,
  IRecord,
  IRunning,
  ITotals,
  Message
} from './wire';

/** Without a message for so long during a cell, the panel says so. */
export const STALE_AFTER_S = 6;
/** How much of the past the chart shows. */
export const CHART_WINDOW_S = 300;
const MAX_SAMPLES = 2000;

/** Where the kernel stands with greencell. */
export type Phase =
  | 'no-kernel'
  | 'asking'
  | 'other-language'
  | 'not-loaded'
  | 'loading'
  | 'not-installed'
  | 'load-failed'
  | 'measuring'
  | 'restarted'
  | 'other-version';

/** What changed: the phase, the figures of the running cell, the list of cells, or the rest. */
export type Change = 'phase' | 'live' | 'cells' | 'info';

/** One reading of power, for the chart. */
export interface ISample {
  t: number;
  byComponentW: Components;
}

/** The figures that a session ended with. */
export interface IEndedSession {
  totals: ITotals;
  cells: number;
}

export class SessionModel {
  /** `nowS` is the clock, in s since the epoch. */
  constructor(private readonly _nowS: () => number = () => Date.now() / 1000) {}

  get changed(): ISignal<this, Change> {
    return this._changed;
  }

  get phase(): Phase {
    return this._phase;
  }

  get info(): IInfo | null {
    return this._info;
  }

  get carbon(): ICarbon | null {
    return this._info?.carbon ?? null;
  }

  get totals(): ITotals | null {
    return this._totals;
  }

  get running(): IRunning | null {
    return this._running;
  }

  get powerW(): number | null {
    return this._powerW;
  }

  get byComponentW(): Components {
    return this._byComponentW;
  }

  get paused(): boolean {
    return this._paused;
  }

  get notices(): readonly INotice[] {
    return this._notices;
  }

  get samples(): readonly ISample[] {
    return this._samples;
  }

  /** All finished runs that this page knows, in the order in which they ended. */
  get records(): readonly IRecord[] {
    return [...this._records.values()];
  }

  /** How many finished runs the kernel knows of beyond those of this page. */
  get missingRecords(): number {
    return Math.max(0, this._recordsTotal - this._records.size);
  }

  /** The session before a restart or reset, as long as the new one is young. */
  get ended(): IEndedSession | null {
    return this._ended;
  }

  /** Since when the running cell runs, by this page's clock, in s. */
  get elapsedS(): number {
    if (!this._running) {
      return 0;
    }
    return this._running.elapsedS + Math.max(0, this._nowS() - this._heardAt);
  }

  /** Whether a cell runs and nothing has been heard of it for a while. */
  get stale(): boolean {
    if (!this._running) {
      return false;
    }
    // In long cells ticks come every elapsed/200: silence is twice that.
    const patienceS = Math.max(STALE_AFTER_S, this._running.elapsedS / 100);
    return this._nowS() - this._heardAt > patienceS;
  }

  /** The last finished run of a cell; the running one is not among them. */
  latestOf(cellId: string): IRecord | null {
    return this._latest.get(cellId) ?? null;
  }

  setPhase(phase: Phase): void {
    if (this._phase !== phase) {
      this._phase = phase;
      this._changed.emit('phase');
    }
  }

  /** The kernel is gone or new: what is shown stays, marked as ended. */
  kernelRestarted(): void {
    if (this._totals && this._session !== '') {
      this._ended = { totals: this._totals, cells: this._totals.cells };
    }
    this._clear('');
    this.setPhase('restarted');
    this._changed.emit('cells');
  }

  /** No kernel, or another notebook's: nothing is known. */
  forget(): void {
    this._ended = null;
    this._clear('');
    this._changed.emit('cells');
  }

  /** Take in a message. */
  receive(message: Message): void {
    if (message.session !== this._session) {
      if (this._session !== '' && this._totals) {
        this._ended = { totals: this._totals, cells: this._totals.cells };
      }
      this._clear(message.session);
    }
    this._heardAt = this._nowS();
    const change = this._take(message);
    this.setPhase('measuring');
    this._changed.emit(change);
  }

  private _take(message: Message): Change {
    switch (message.kind) {
      case 'hello':
      case 'snapshot':
        return this._takePicture(message);
      case 'tick':
        this._running = message.running;
        this._totals = message.totals;
        this._powerW = message.powerW;
        this._byComponentW = message.byComponentW;
        this._addSample({ t: message.t, byComponentW: message.byComponentW });
        return 'live';
      case 'cell-start':
        this._running = message.running;
        this._totals = message.totals ?? this._totals;
        return 'info';
      case 'cell-end':
        this._totals = message.totals;
        this._addRecord(message.record);
        this._endRun(message.record);
        return 'cells';
      case 'status':
        this._info = message.info;
        this._paused = message.paused;
        this._notices = message.notices;
        return 'info';
    }
  }

  private _takePicture(message: IPicture): Change {
    this._info = message.info;
    this._totals = message.totals;
    this._running = message.running;
    this._paused = message.paused;
    this._notices = message.notices;
    this._recordsTotal = Math.max(message.cellsTotal, this._records.size);
    for (const record of message.cells) {
      this._addRecord(record);
    }
    return 'cells';
  }

  private _addRecord(record: IRecord): void {
    this._records.set(record.run, record);
    this._recordsTotal = Math.max(this._recordsTotal, this._records.size);
    const before = record.cellId === null ? undefined : this._latest.get(record.cellId);
    if (record.cellId !== null && (!before || before.number <= record.number)) {
      this._latest.set(record.cellId, record);
    }
  }

  private _endRun(record: IRecord): void {
    if (this._running?.run !== record.run) {
      return;
    }
    this._running = null;
    this._powerW = null;
    if (record.meanPowerW !== null && record.durationS > 0) {
      const mean = new Map(
        [...record.byComponentJ].map(([name, energyJ]) => [name, energyJ / record.durationS])
      );
      const endedAt = record.startedAt + record.durationS;
      const last = this._samples[this._samples.length - 1];
      if (!last || last.t < record.startedAt) {
        this._addSample({ t: record.startedAt, byComponentW: mean });
      }
      this._addSample({ t: endedAt, byComponentW: last && last.t > record.startedAt ? last.byComponentW : mean });
      // A sample without values ends the area: between cells nothing is told.
      this._addSample({ t: endedAt + 1e-3, byComponentW: new Map() });
    }
  }

  private _addSample(sample: ISample): void {
    this._samples.push(sample);
    const oldest = sample.t - 2 * CHART_WINDOW_S;
    while ((this._samples[0]?.t ?? oldest) < oldest || this._samples.length > MAX_SAMPLES) {
      this._samples.shift();
    }
  }

  private _clear(session: string): void {
    this._session = session;
    this._info = null;
    this._totals = null;
    this._running = null;
    this._powerW = null;
    this._byComponentW = new Map();
    this._paused = false;
    this._notices = [];
    this._samples = [];
    this._records.clear();
    this._latest.clear();
    this._recordsTotal = 0;
  }

  private _session = '';
  private _phase: Phase = 'no-kernel';
  private _info: IInfo | null = null;
  private _totals: ITotals | null = null;
  private _running: IRunning | null = null;
  private _powerW: number | null = null;
  private _byComponentW: Components = new Map();
  private _paused = false;
  private _notices: readonly INotice[] = [];
  private _samples: ISample[] = [];
  private _ended: IEndedSession | null = null;
  private _heardAt = 0;
  private _recordsTotal = 0;
  private readonly _records = new Map<string, IRecord>();
  private readonly _latest = new Map<string, IRecord>();
  private readonly _changed = new Signal<this, Change>(this);
}
