/** Power over time, for the chart. */
import type { Components, IRecord, ITick } from './wire';

/** As much of the past as a chart may be set to show. */
const KEPT_S = 3600;
export const MAX_SAMPLES = 2000;
/** Older samples may be merged up to this distance: fewer than `MAX_SAMPLES` fill the past. */
const MERGED_S = 4;
/** A run that was heard of this early is drawn from its start. */
const EARLY_S = 3;
/** Of a shorter run the mean power says nothing: it may be many times what was drawn. */
export const POWER_FROM_S = 0.1;
/** Short runs that follow each other this closely are drawn together, up to such a length. */
const JOINED_S = 1;
const TOGETHER_S = 4;
/** The gap that ends an area is this narrow. */
const GAP_S = 1e-3;
/** What is drawn between cells, as if it were a component. */
export const IDLE = 'idle';
const NOTHING: Components = new Map();

/** One reading of power; without components: from here on nothing is known. */
export interface ISample {
  t: number;
  byComponentW: Components;
}

/** Short runs in succession, which have a power only together. */
interface IShortRuns {
  from: number;
  to: number;
  byRun: Map<string, IRecord>;
  /** How many of the last samples draw them. */
  drawn: number;
}

export class Trace {
  get samples(): readonly ISample[] {
    return this._samples;
  }

  /** The samples, and up to now what an idle kernel is known to draw. */
  until(nowS: number): readonly ISample[] {
    const last = this._last;
    return last && isIdle(last) && nowS > last.t ? [...this._samples, { ...last, t: nowS }] : this._samples;
  }

  /** What is drawn from now on between cells; `null`: nothing is known, and nothing is drawn. */
  tellIdle(idleW: number | null): void {
    this._idle = idleW === null ? NOTHING : new Map([[IDLE, idleW]]);
  }

  /** While paused nothing is counted, so nothing is drawn between cells. */
  pause(t: number, paused: boolean): void {
    if (paused !== this._paused) {
      this._paused = paused;
      const last = this._last;
      if (last && (isIdle(last) || last.byComponentW.size === 0)) {
        this._short = null;
        this._restUntil(t);
        this._add({ t: Math.max(t, last.t), byComponentW: this._resting });
      }
    }
  }

  /** Take in a reading of the running cell. */
  addTick({ t, running, byComponentW }: ITick): void {
    this._short = null;
    if (this._ticked !== running.run) {
      this._ticked = running.run;
      this._restUntil(running.startedAt);
      if (running.elapsedS < EARLY_S) {
        this._add({ t: Math.max(running.startedAt, this._lastT), byComponentW });
      }
    }
    this._add({ t, byComponentW });
  }

  /** A run ended that was followed live, or was too short to be; it may be told of twice. */
  addEnd(record: IRecord): void {
    if (record.parent !== null) {
      return;
    }
    const last = this._last;
    if (last && this._ticked === record.run) {
      this._ticked = null;
      this._close(record, last.byComponentW);
    } else if (record.durationS < POWER_FROM_S) {
      this._addShort(record);
    } else if (endOf(record) > this._lastT) {
      this._short = null;
      this._restUntil(record.startedAt);
      this._addMean(record);
    }
  }

  /** A page that came late draws the finished cells by their mean power. */
  addPast(records: readonly IRecord[], beganAt: number, nowS: number): void {
    if (this._samples.length > 0) {
      return;
    }
    const from = nowS - KEPT_S;
    if (isIdle({ t: from, byComponentW: this._resting })) {
      this._add({ t: Math.max(from, beganAt), byComponentW: this._resting });
    }
    for (const record of records) {
      if (record.startedAt >= from) {
        this.addEnd(record);
      }
    }
  }

  clear(): void {
    this._samples = [];
    this._idle = NOTHING;
    this._paused = false;
    this._ticked = null;
    this._short = null;
  }

  private _addMean(record: IRecord): void {
    const mean = record.energyJ === null ? NOTHING : meanPower([record], record.durationS);
    this._add({ t: Math.max(record.startedAt, this._lastT), byComponentW: mean });
    this._close(record, mean);
  }

  /** Its part in the mean of those around it: alone it would be a spike, or nothing at all. */
  private _addShort(record: IRecord): void {
    const end = endOf(record);
    let short = this._short;
    const follows = short !== null && record.startedAt - short.to <= JOINED_S;
    if (!short || !follows || end - short.from > TOGETHER_S) {
      if (end < this._lastT) {
        return; // it has been drawn, as a part of another run's time or of this one's
      }
      const from = short && follows ? short.to : record.startedAt;
      short = this._short = { from: Math.max(from, this._lastT), to: end, byRun: new Map(), drawn: 0 };
    }
    short.byRun.set(record.run, record);
    short.to = Math.max(short.to, end);
    this._drawShort(short);
  }

  private _drawShort(short: IShortRuns): void {
    const { from, to } = short;
    this._samples.splice(this._samples.length - short.drawn);
    if (to - from >= POWER_FROM_S) {
      const mean = this._meanOf(short);
      short.drawn =
        this._restUntil(from) +
        this._add({ t: from, byComponentW: mean }) +
        this._add({ t: to, byComponentW: mean }) +
        this._add({ t: to + GAP_S, byComponentW: this._resting });
    } else {
      const rests = this._last !== undefined && isIdle(this._last);
      short.drawn = rests ? 0 : this._add({ t: to, byComponentW: this._resting });
    }
  }

  /** Over all the time they took together, the idle moments between them among it. */
  private _meanOf({ from, to, byRun }: IShortRuns): Components {
    const known = [...byRun.values()].filter(({ energyJ }) => energyJ !== null);
    const mean = meanPower(known, to - from);
    const idleW = this._resting.get(IDLE);
    if (idleW !== undefined && known.length > 0) {
      const ranS = known.reduce((sum, { durationS }) => sum + durationS, 0);
      mean.set(IDLE, idleW * Math.max(0, 1 - ranS / (to - from)));
    }
    return mean;
  }

  /** The area ends; what follows is the power of an idle kernel, or nothing where that is unknown. */
  private _close(record: IRecord, last: Components): void {
    const endedAt = Math.max(endOf(record), this._lastT);
    this._add({ t: endedAt, byComponentW: last });
    this._add({ t: endedAt + GAP_S, byComponentW: this._resting });
  }

  /** The kernel was idle until then, if it was before; how many samples that took. */
  private _restUntil(t: number): number {
    const last = this._last;
    return last && isIdle(last) && last.t < t - GAP_S ? this._add({ ...last, t: t - GAP_S }) : 0;
  }

  /** Samples go forward in time, whatever the kernel's clock does; how many were taken. */
  private _add(sample: ISample): number {
    const isBlank = sample.byComponentW.size === 0 && (this._last?.byComponentW.size ?? 0) === 0;
    if (sample.t < this._lastT || isBlank) {
      return 0;
    }
    this._samples.push(sample);
    const oldest = sample.t - KEPT_S;
    this._samples.splice(0, this._samples.findIndex(one => one.t >= oldest));
    if (this._samples.length > MAX_SAMPLES) {
      const half = MAX_SAMPLES / 2; // what is new stays fine
      this._samples = [...thinned(this._samples.slice(0, half)), ...this._samples.slice(half)];
      // Many short cells have nothing to merge: their oldest go, several at once.
      this._samples.splice(0, Math.max(0, this._samples.length - 0.95 * MAX_SAMPLES));
    }
    return 1;
  }

  private get _resting(): Components {
    return this._paused ? NOTHING : this._idle;
  }

  private get _last(): ISample | undefined {
    return this._samples[this._samples.length - 1];
  }

  private get _lastT(): number {
    return this._last?.t ?? -Infinity;
  }

  private _samples: ISample[] = [];
  private _idle: Components = NOTHING;
  private _paused = false;
  /** The run that the last reading was of. */
  private _ticked: string | null = null;
  private _short: IShortRuns | null = null;
}

function endOf({ startedAt, durationS }: IRecord): number {
  return startedAt + durationS;
}

/** Whether nothing but idle power is drawn. */
function isIdle({ byComponentW }: ISample): boolean {
  return byComponentW.size === 1 && byComponentW.has(IDLE);
}

/** What the runs drew on average over a time. */
function meanPower(records: readonly IRecord[], overS: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { byComponentJ } of records) {
    for (const [name, energyJ] of byComponentJ) {
      sums.set(name, (sums.get(name) ?? 0) + energyJ / overS);
    }
  }
  return sums;
}

/** Two neighbours become their mean where both are inside an area; its edges stay where they are. */
function thinned(samples: readonly ISample[]): ISample[] {
  const inside = (index: number): boolean => {
    const sample = samples[index];
    return sample !== undefined && sample.byComponentW.size > 0 && !isIdle(sample);
  };
  const kept: ISample[] = [];
  for (let index = 0; index < samples.length; index++) {
    const [one, two] = [samples[index], samples[index + 1]];
    if (!one) {
      break;
    }
    const within = [index - 1, index, index + 1, index + 2].every(inside);
    if (two && within && two.t - one.t < MERGED_S) {
      kept.push(mean(one, two));
      index += 1;
    } else {
      kept.push(one);
    }
  }
  return kept;
}

function mean(one: ISample, two: ISample): ISample {
  const byComponentW = new Map(one.byComponentW);
  for (const name of new Set([...one.byComponentW.keys(), ...two.byComponentW.keys()])) {
    byComponentW.set(name, ((one.byComponentW.get(name) ?? 0) + (two.byComponentW.get(name) ?? 0)) / 2);
  }
  return { t: (one.t + two.t) / 2, byComponentW };
}
