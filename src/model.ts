/**
 * What is known about one kernel's session: numbers and signals, no pixels.
 *
 * Messages carry cumulative values, so whichever was made last is right; a lost one costs nothing.
 */
import { type ISignal, Signal } from '@lumino/signaling';

import { Current } from './current';
import { KernelClock } from './kernelclock';
import { type ICellRuns, Runs } from './runs';
import { type ITotal, Total } from './total';
import { type ISample, Trace } from './trace';
import { hasNothing } from './wire';
import type {
  Components,
  ICarbon,
  IIdlePower,
  IInfo,
  INotice,
  IPicture,
  IRecord,
  IRunning,
  IStanding,
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

/**
 * What changed: the phase, the figures of the running cell, the list of cells, the total alone,
 * which goes on while the kernel is idle, or the rest.
 */
export type Change = 'phase' | 'live' | 'cells' | 'total' | 'info';

/**
 * How the page stands to the kernel: it hears it; its connection is lost and is tried again; that
 * was given up; the server does not answer; or this computer has no network.
 */
export type Link = 'up' | 'lost' | 'given-up' | 'no-server' | 'offline';

/** Why nothing is heard of a running cell, as far as that shows. */
export type Silence = 'native' | 'offline' | 'unknown';

/**
 * What ended a session: the end of its kernel, of whatever kind, a new session in the same one, or
 * no measuring any more. A notebook that got another kernel has left one that may go on.
 */
export type Ending = 'restarted' | 'died' | 'shut-down' | 'reset' | 'switched' | 'unloaded';

/** The figures that a session ended with, and what ended it. */
export interface IEndedSession {
  session: string;
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

  /** The total of now, the only one that anything on the page shows. */
  get totals(): ITotal | null {
    return this._total.now;
  }

  /**
   * Whether the total is that of now: read a moment ago, or carried on with a known idle power.
   * Else it is as old as its `asOfS` says.
   */
  get isFresh(): boolean {
    if (this.over || this._paused) {
      return true; // nothing is added to it
    }
    return this.connected && !this._unsure && (this._current.isOn ? !this.stale : this._total.idle !== null);
  }

  /** What the session draws while nothing runs; `null` while something does, and where that is not known. */
  get idlePower(): IIdlePower | null {
    return this._goesOn ? this._total.idle : null;
  }

  /** The run that is on, once it has lasted for a moment. */
  get running(): IRunning | null {
    return this._current.shown;
  }

  /** The run that is on, however short a time. */
  get begun(): IRunning | null {
    return this._current.latest;
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
    return this._goesOn ? this._trace.until(this._clock.kernelS(this._nowS())) : this._trace.samples;
  }

  /** All finished runs that this page knows, in the order in which they ended. */
  get records(): readonly IRecord[] {
    return this._runs.all;
  }

  /** The run that was told of last as ended; it may not be final yet. */
  get lastEnded(): IRecord | null {
    return this._endedTogether.at(-1) ?? null;
  }

  /** The runs that were told of with it, oldest first. */
  get endedTogether(): readonly IRecord[] {
    return this._endedTogether;
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
    return this._session === '' && this._total.now !== null;
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
    return this._link === 'up';
  }

  get link(): Link {
    return this._link;
  }

  /** Since when the running cell runs, by this page's clock, in s. */
  get elapsedS(): number {
    return this._current.elapsedS;
  }

  /** For how long nothing has been heard of the running cell. */
  get unheardS(): number {
    return this._current.unheardS;
  }

  /**
   * Why nothing is heard of it. Native code lets nothing out at all: where the kernel said anything
   * since, or this page slept, it was not that.
   */
  get silence(): Silence {
    if (this._isOffline) {
      return 'offline';
    }
    return this._unsure || this._signAtS > this._nowS() - this.unheardS + STALE_AFTER_S / 2 ? 'unknown' : 'native';
  }

  /** Whether a cell runs and nothing has been heard of it for longer than is usual. */
  get stale(): boolean {
    return this.silentInS === 0;
  }

  /** When the running cell counts as unheard if nothing comes until then; `null` if none runs. */
  get silentInS(): number | null {
    const { elapsedS, unheardS, isOn } = this._current;
    const usualS = (elapsedS - unheardS) / TICKS_PER_CELL;
    return isOn ? Math.max(0, Math.max(STALE_AFTER_S, 2 * usualS + 1) - unheardS) : null;
  }

  /** In how long there is something to show that no message tells of; `null` if there is nothing. */
  get wakeInS(): number | null {
    const due = [this._current.dueInS, this._isSilenceTold ? null : this.silentInS, this._beatInS];
    const known = due.filter(inS => inS !== null);
    return known.length > 0 ? Math.min(...known) : null;
  }

  /** Show what the passing of time alone has changed; `slept` where this page did not see it pass. */
  wake(slept = false): void {
    if (slept) {
      this._doubt();
      this._clock.forget();
      this._changed.emit('live');
    }
    if (this._current.show()) {
      this._changed.emit('info');
    }
    if (this.stale && !this._isSilenceTold) {
      this._isSilenceTold = true;
      this._changed.emit('live');
    }
    if (this._beatInS === 0) {
      this._carry();
      this._changed.emit('total');
    }
  }

  /** Jupyter says that a request's code has begun to run, which greencell may tell of later. */
  begin(request: string, cellId: string | null): void {
    this._showNext();
    if (this._phase === 'measuring' && !this._paused && !this.over) {
      this._carry();
      this._current.begin(begun(request, cellId, this._clock.kernelS(this._nowS())));
    }
  }

  /** Jupyter says that it has ended; that is also how a run ends that is in no record. */
  endRun(request: string): void {
    this._leave(running => running.request === request, 'info');
  }

  /** Nothing runs, the kernel says: what had begun by then left no record. */
  endBegun(beforeS: number): void {
    this._leave(running => running.run === '' && this._clock.pageS(running.startedAt) <= beforeS, 'info');
  }

  /** The kernel said something, of whatever kind. */
  noteSign(): void {
    this._signAtS = this._nowS();
  }

  setOffline(isOffline: boolean): void {
    if (this._isOffline !== isOffline) {
      this._isOffline = isOffline;
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

  setLink(link: Link): void {
    if (this._link !== link) {
      this._carry();
      if (link !== 'up') {
        this._doubt();
      }
      this._link = link;
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
  kernelEnded(phase: 'restarted' | 'dead' | 'no-kernel' | 'not-loaded', by: Ending): void {
    this._next = null;
    this._endSession(by);
    if (this.over && by === 'died' && this._ended) {
      this._ended = { ...this._ended, by }; // it looked like a restart at first
    }
    this._session = '';
    this._stop();
    this._paused = false;
    this.setPhase(phase);
    this._changed.emit('cells');
  }

  /** The notebook got another kernel: the last figures stay, as after a restart. */
  leave(): void {
    this._next = null;
    this._keeps = false;
    this._endSession('switched');
    this._endedId = ''; // it may go on, and come back with its kernel
    this._session = '';
    this._stop();
    this._paused = false;
    this.setPhase('asking');
    this._changed.emit('cells');
  }

  /** Whether a session that begins by itself leaves the last figures in place until a cell runs. */
  set keepsLast(keeps: boolean) {
    this._keeps = keeps;
    if (!keeps && this._showNext()) {
      this._changed.emit('cells');
    }
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
      if (this._keeps && this.over && hasNothing(message)) {
        this._next = message;
        this.setPhase('measuring');
        this._changed.emit('info');
        return;
      }
      const isNext = message.session === this._next?.session && this._showNext();
      this._next = null;
      if (!isNext) {
        this._endSession('reset');
        this._clear(message.session);
      }
    }
    const change = message.seq < this._seq ? this._takeLate(message) : this._take(message);
    this.setPhase('measuring');
    this._changed.emit(change);
  }

  /**
   * Take over the totals that came with a reply. They may be those of a session that has begun
   * meanwhile, or have been overtaken: in one session neither cells nor time become fewer.
   */
  takeTotals(totals: ITotals, standing: IStanding): void {
    const told = this._total.now?.told;
    if (told && this._session !== '' && totals.cells >= told.cells && totals.durationS >= told.durationS) {
      this._unsure = false;
      this._total.take(totals, standing, this._clock.repliedS(standing.asOf, this._nowS()));
      this._carry();
      this._changed.emit('total');
    }
  }

  /** The session that has begun takes the place of the last one; whether there was one. */
  private _showNext(): boolean {
    const next = this._next;
    this._next = null;
    if (next) {
      this._clear(next.session);
      this._take(next);
    }
    return next !== null;
  }

  /** A reply and a push may overtake each other: an older one adds what ended, and no more. */
  private _takeLate(message: Message): Change {
    if (message.kind === 'cell-end') {
      this._takeEnded(message.records, record => {
        this._runs.add(record);
      });
    } else if (message.kind === 'hello' || message.kind === 'snapshot') {
      this._info ??= message.info;
      message.cells.forEach(record => this._runs.add(record));
    }
    return 'cells';
  }

  private _take(message: Message): Change {
    const wasShown = this.running !== null;
    this._seq = message.seq;
    this._isSilenceTold = false;
    if (message.kind !== 'status') {
      this._unsure &&= !this._clock.isOfNow(message.t, this._nowS());
    }
    this._clock.hear(message.t, this._nowS());
    switch (message.kind) {
      case 'hello':
      case 'snapshot':
        this._takePicture(message);
        return 'cells';
      case 'tick':
        this._current.tell(message.running);
        this._takeTold(message.totals, null, message.t);
        this._powerW = message.powerW;
        this._byComponentW = message.byComponentW;
        this._trace.addTick(message);
        return wasShown ? 'live' : 'info';
      case 'cell-start':
        this._carry();
        this._current.tell(message.running);
        this._powerW = message.running.meanPowerW; // until the first tick
        if (message.totals) {
          this._takeTold(message.totals, null, message.t);
        }
        return 'info';
      case 'cell-end':
        this._tellTrace(message.standing);
        this._takeEnded(message.records, record => {
          this._runs.takeEnded(record);
        });
        this._takeTold(message.totals, message.standing, message.t);
        this._endedTogether = message.records;
        return 'cells';
      case 'status':
        this._takeInfo(message.info);
        this._setPaused(message.paused);
        this._trace.pause(message.t, message.paused);
        this._notices = message.notices;
        return 'info';
    }
  }

  private _takePicture(message: IPicture): void {
    this._takeInfo(message.info);
    this._paused = message.paused;
    this._notices = message.notices;
    this._runs.takeAll(message.cells, message.cellsTotal);
    this._tellTrace(message.standing);
    this._trace.pause(message.t, message.paused);
    this._trace.addPast(message.cells, message.info.startedAt, message.t);
    const ended = new Set(message.cells.map(({ parent, request }) => (parent === null ? request : null)));
    this._drop(running => running.run === '' && ended.has(running.request));
    if (message.running) {
      this._current.tell(message.running);
    } else {
      this._drop(running => running.run !== '');
    }
    this._takeTold(message.totals, message.standing, message.t);
  }

  /** Take in what the kernel told in a message made at `t`, and what it has used since. */
  private _takeTold(totals: ITotals, standing: IStanding | null, t: number): void {
    this._total.take(totals, standing, this._clock.toldS(standing?.asOf ?? t, t, this._nowS()));
    this._carry();
  }

  /** What the chart draws between cells; a kernel of before tells nothing of it. */
  private _tellTrace({ idle }: IStanding): void {
    this._trace.tellIdle(idle?.powerW ?? null);
  }

  /** What is not counted is not carried on, neither during nor after. */
  private _setPaused(paused: boolean): void {
    this._carry();
    if (this._paused && !paused) {
      this._total.skipTo(this._nowS());
    }
    this._paused = paused;
  }

  /** What did not change stays the object that it is. */
  private _takeInfo(info: IInfo): void {
    if (JSON.stringify(info) !== JSON.stringify(this._info)) {
      this._info = info;
    }
  }

  /** Runs that ended, with what is to be done with each. */
  private _takeEnded(records: readonly IRecord[], take: (record: IRecord) => void): void {
    const [runs, requests] = [new Set<string>(), new Set<string | null>()];
    for (const record of records) {
      take(record);
      this._trace.addEnd(record);
      if (record.parent === null) {
        runs.add(record.run);
        requests.add(record.request);
      }
    }
    this._drop(({ run, request }) => runs.has(run) || (run === '' && requests.has(request)));
  }

  /** Some runs are no longer on. */
  private _leave(isEnded: (running: IRunning) => boolean, change: Change): void {
    if (this._drop(isEnded)) {
      this._total.skipTo(this._nowS());
      this._changed.emit(change);
    }
  }

  private _drop(isEnded: (running: IRunning) => boolean): boolean {
    const isDropped = this._current.end(isEnded);
    if (isDropped) {
      this._powerW = null;
      this._byComponentW = NOTHING;
      this._isSilenceTold = false;
    }
    return isDropped;
  }

  /** Nothing runs any more. */
  private _stop(): void {
    this._drop(() => true);
  }

  /** From here on nobody knows what the kernel uses, until it speaks. */
  private _doubt(): void {
    this._unsure = true;
  }

  /** Whether the total grows by what the session is known to use at idle. */
  private get _goesOn(): boolean {
    return (
      this._phase === 'measuring' && this.connected && !this._unsure && !this._paused && !this.over && !this._current.isOn
    );
  }

  private _carry(): void {
    if (this._goesOn) {
      this._total.carryTo(this._nowS(), this._info);
    }
  }

  private get _beatInS(): number | null {
    const { now, beatS } = this._total;
    return this._goesOn && now && beatS !== null ? Math.max(0, now.asOfS + beatS - this._nowS()) : null;
  }

  private _endSession(by: Ending): void {
    if (this._session !== '' && this._total.now) {
      this._carry();
      this._ended = { session: this._session, totals: this._total.now, by };
      this._endedId = this._session;
    }
  }

  private _clear(session: string): void {
    this._keeps = false;
    if (session !== '' && session === this._ended?.session) {
      this._ended = null; // its kernel is back
    }
    this._session = session;
    this._seq = -1;
    this._info = null;
    this._total.clear();
    this._clock.forget();
    this._unsure = false;
    this._stop();
    this._paused = false;
    this._notices = [];
    this._endedTogether = [];
    this._trace.clear();
    this._runs.clear();
  }

  private get _heard(): boolean {
    return this.connected && !this.stale;
  }

  private _session = '';
  private _seq = -1;
  private _phase: Phase = 'no-kernel';
  private _link: Link = 'up';
  private _isOffline = false;
  /** Whether time has passed of which nobody knows what the kernel did in it. */
  private _unsure = false;
  private _isSilenceTold = false;
  private _signAtS = 0;
  private _info: IInfo | null = null;
  private readonly _total = new Total();
  private readonly _clock = new KernelClock();
  private readonly _current = new Current(() => this._nowS());
  private _powerW: number | null = null;
  private _byComponentW: Components = new Map();
  private _paused = false;
  private _notices: readonly INotice[] = [];
  private _ended: IEndedSession | null = null;
  private _otherVersion: IOtherVersion | null = null;
  private _endedId = '';
  private _keeps = false;
  /** A session that has begun and is not shown yet. */
  private _next: IPicture | null = null;
  private _endedTogether: readonly IRecord[] = [];
  private readonly _trace = new Trace();
  private readonly _runs = new Runs();
  private readonly _changed = new Signal<this, Change>(this);
}

/** A run of which only Jupyter has told: nothing of it is known but when it began, and of which cell. */
function begun(request: string, cellId: string | null, startedAt: number): IRunning {
  return {
    run: '',
    request,
    number: 0,
    cellId,
    label: null,
    startedAt,
    elapsedS: 0,
    energyJ: null,
    energyLowJ: null,
    energyHighJ: null,
    co2G: null,
    meanPowerW: null,
    others: 0
  };
}
