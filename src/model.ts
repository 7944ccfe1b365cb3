/**
 * What is known about one kernel's session: numbers and signals, no pixels.
 *
 * Messages carry cumulative values, so whichever was made last is right; a lost one costs nothing.
 */
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICellRuns, Runs } from './runs';
import { type ISample, Trace } from './trace';
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
const NOTHING: Components = new Map();
/** A long cell is told of ever more rarely: once in its duration divided by this. */
const TICKS_PER_CELL = 200;

/** Where the kernel stands with greencell. */
export type Phase =
  | 'no-kernel'
  | 'asking'
  | 'silent'
  | 'other-language'
  | 'not-loaded'
  | 'queued'
  | 'loading'
  | 'not-installed'
  | 'load-failed'
  | 'no-channel'
  | 'measuring'
  | 'restarted'
  | 'dead'
  | 'other-version';

/** What changed: the phase, the figures of the running cell, the list of cells, or the rest. */
export type Change = 'phase' | 'live' | 'cells' | 'info';

/** What ended a session: the end of its kernel, of whatever kind, or a new session in the same one. */
export type Ending = 'restarted' | 'died' | 'shut-down' | 'reset';

/** The figures that a session ended with, and what ended it. */
export interface IEndedSession {
  totals: ITotals;
  by: Ending;
}

/** A kernel's greencell that speaks another wire version; its own version, where it is told. */
export interface IOtherVersion {
  wire: number;
  greencell: string;
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

  /** Power now; what was read last is not that of now where nothing has been heard since. */
  get powerW(): number | null {
    return this._heard ? this._powerW : null;
  }

  get byComponentW(): Components {
    return this._heard ? this._byComponentW : NOTHING;
  }

  get paused(): boolean {
    return this._paused;
  }

  get notices(): readonly INotice[] {
    return this._notices;
  }

  get samples(): readonly ISample[] {
    return this._trace.samples;
  }

  /** All finished runs that this page knows, in the order in which they ended. */
  get records(): readonly IRecord[] {
    return this._runs.all;
  }

  /** The run that was told of last as ended; it may not be final yet. */
  get lastEnded(): IRecord | null {
    return this._lastEnded;
  }

  /** Which session this is; a new one begins with a restart or a reset. */
  get session(): string {
    return this._session;
  }

  /** How many finished runs the kernel knows of beyond those of this page. */
  get missingRecords(): number {
    return this._runs.missing;
  }

  /** Whether the figures are the last ones of a session whose kernel is gone. */
  get over(): boolean {
    return this._session === '' && this._totals !== null;
  }

  /** What the kernel speaks, where the phase is that it is another version. */
  get otherVersion(): IOtherVersion | null {
    return this._otherVersion;
  }

  /** The session before this one in this notebook; the one that is shown, if it is over. */
  get ended(): IEndedSession | null {
    return this._ended;
  }

  /** Whether the page hears the kernel at all. */
  get connected(): boolean {
    return this._connected;
  }

  /** Since when the running cell runs, by this page's clock, in s. */
  get elapsedS(): number {
    return this._running ? this._running.elapsedS + this._unheardS : 0;
  }

  /** Whether a cell runs and nothing has been heard of it for longer than is usual. */
  get stale(): boolean {
    return this.silentInS === 0;
  }

  /** When the running cell counts as unheard if nothing comes until then; `null` if none runs. */
  get silentInS(): number | null {
    if (!this._running) {
      return null;
    }
    const usualS = this._running.elapsedS / TICKS_PER_CELL;
    return Math.max(0, Math.max(STALE_AFTER_S, 2 * usualS + 1) - this._unheardS);
  }

  /** Say that the last figures are no longer those of now, if that is so. */
  noticeSilence(): void {
    if (this.stale) {
      this._changed.emit('live');
    }
  }

  /** The finished runs of a cell, of those that `counts`; the running one is not among them. */
  runsOf(cellId: string, counts: (record: IRecord) => boolean = () => true): ICellRuns | null {
    return this._runs.ofCell(cellId, counts);
  }

  setPhase(phase: Phase): void {
    if (this._phase !== phase) {
      this._phase = phase;
      this._changed.emit('phase');
    }
  }

  setConnected(connected: boolean): void {
    if (this._connected !== connected) {
      this._connected = connected;
      this._changed.emit('info');
    }
  }

  /** The kernel cannot be understood, nor can it understand this page. */
  setOtherVersion(other: IOtherVersion): void {
    const { wire, greencell } = this._otherVersion ?? { wire: 0, greencell: '' };
    if (other.wire !== wire || (other.greencell !== '' && other.greencell !== greencell)) {
      this._otherVersion = other;
      this._changed.emit('phase');
    }
    this.setPhase('other-version');
  }

  /** The kernel's process is gone: its last figures stay until there are new ones. */
  kernelEnded(phase: 'restarted' | 'dead' | 'no-kernel', by: Ending): void {
    this._endSession(by);
    if (this.over && by === 'died' && this._ended) {
      this._ended = { ...this._ended, by }; // it looked like a restart at first
    }
    this._session = '';
    this._leave();
    this._paused = false;
    this.setPhase(phase);
    this._changed.emit('cells');
  }

  /** The notebook got another kernel; a session that goes on elsewhere has not ended here. */
  forget(): void {
    if (!this.over) {
      this._ended = null;
      this._clear('');
    }
    this.setPhase('asking');
    this._changed.emit('cells');
  }

  /** Take in earlier records of this session, which were asked for. */
  addEarlier(records: readonly IRecord[]): void {
    records.forEach(record => this._runs.add(record));
    this._changed.emit('cells');
  }

  /** Take in a message. */
  receive(message: Message): void {
    if (message.session === this._endedId) {
      return; // sent before the end, heard after it
    }
    if (message.session !== this._session) {
      this._endSession('reset');
      this._clear(message.session);
    }
    const change = message.seq < this._seq ? this._takeLate(message) : this._take(message);
    this.setPhase('measuring');
    this._changed.emit(change);
  }

  /** A reply and a push may overtake each other: an older one adds what ended, and no more. */
  private _takeLate(message: Message): Change {
    if (message.kind === 'cell-end') {
      this._runs.add(message.record);
      this._takeEnd(message.record);
    } else if (message.kind === 'hello' || message.kind === 'snapshot') {
      this._info ??= message.info;
      message.cells.forEach(record => this._runs.add(record));
    }
    return 'cells';
  }

  private _take(message: Message): Change {
    this._seq = message.seq;
    this._heardAt = this._nowS();
    switch (message.kind) {
      case 'hello':
      case 'snapshot':
        this._takePicture(message);
        return 'cells';
      case 'tick':
        this._running = message.running;
        this._totals = message.totals;
        this._powerW = message.powerW;
        this._byComponentW = message.byComponentW;
        this._trace.addTick(message);
        return 'live';
      case 'cell-start':
        this._running = message.running;
        this._totals = message.totals ?? this._totals;
        return 'info';
      case 'cell-end':
        this._totals = message.totals;
        this._runs.takeEnded(message.record);
        this._lastEnded = message.record;
        this._takeEnd(message.record);
        return 'cells';
      case 'status':
        this._takeInfo(message.info);
        this._paused = message.paused;
        this._notices = message.notices;
        return 'info';
    }
  }

  private _takePicture(message: IPicture): void {
    this._takeInfo(message.info);
    this._totals = message.totals;
    this._running = message.running;
    this._paused = message.paused;
    this._notices = message.notices;
    this._runs.takeAll(message.cells, message.cellsTotal);
    this._trace.addPast(message.cells, message.info.startedAt, message.t);
  }

  /** What did not change stays the object that it is. */
  private _takeInfo(info: IInfo): void {
    if (JSON.stringify(info) !== JSON.stringify(this._info)) {
      this._info = info;
    }
  }

  /** If it is the running cell that ended, nothing runs any more. */
  private _takeEnd(record: IRecord): void {
    if (this._running?.run === record.run) {
      this._leave();
    }
    this._trace.addEnd(record);
  }

  /** Nothing runs any more. */
  private _leave(): void {
    this._running = null;
    this._powerW = null;
    this._byComponentW = new Map();
  }

  private _endSession(by: Ending): void {
    if (this._session !== '' && this._totals) {
      this._ended = { totals: this._totals, by };
      this._endedId = this._session;
    }
  }

  private _clear(session: string): void {
    this._session = session;
    this._seq = -1;
    this._info = null;
    this._totals = null;
    this._leave();
    this._paused = false;
    this._notices = [];
    this._lastEnded = null;
    this._trace.clear();
    this._runs.clear();
  }

  private get _heard(): boolean {
    return this._connected && !this.stale;
  }

  private get _unheardS(): number {
    return Math.max(0, this._nowS() - this._heardAt);
  }

  private _session = '';
  private _seq = -1;
  private _phase: Phase = 'no-kernel';
  private _connected = true;
  private _info: IInfo | null = null;
  private _totals: ITotals | null = null;
  private _running: IRunning | null = null;
  private _powerW: number | null = null;
  private _byComponentW: Components = new Map();
  private _paused = false;
  private _notices: readonly INotice[] = [];
  private _ended: IEndedSession | null = null;
  private _otherVersion: IOtherVersion | null = null;
  private _endedId = '';
  private _heardAt = 0;
  private _lastEnded: IRecord | null = null;
  private readonly _trace = new Trace();
  private readonly _runs = new Runs();
  private readonly _changed = new Signal<this, Change>(this);
}
