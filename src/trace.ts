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
/** The gap that ends an area is this narrow. */
const GAP_S = 1e-3;

/** One reading of power; without components: from here on nothing is known. */
export interface ISample {
  t: number;
  byComponentW: Components;
}

export class Trace {
  get samples(): readonly ISample[] {
    return this._samples;
  }

  /** Take in a reading of the running cell. */
  addTick({ t, running, byComponentW }: ITick): void {
    if (this._lastT < running.startedAt && running.elapsedS < EARLY_S) {
      this._add({ t: running.startedAt, byComponentW });
    }
    this._add({ t, byComponentW });
  }

  /** A run ended that was followed live, or was too short to be. */
  addEnd(record: IRecord): void {
    const last = this._samples[this._samples.length - 1];
    if (last && last.t > record.startedAt) {
      this._close(record, last.byComponentW);
    } else {
      this._addMean(record);
    }
  }

  /** A page that came late draws the finished cells by their mean power. */
  addPast(records: readonly IRecord[], nowS: number): void {
    if (this._samples.length > 0) {
      return;
    }
    for (const record of records) {
      const from = Math.max(this._lastT, nowS - KEPT_S);
      if (record.parent === null && record.startedAt >= from) {
        this._addMean(record);
      }
    }
  }

  clear(): void {
    this._samples = [];
  }

  private _addMean(record: IRecord): void {
    if (record.energyJ === null || record.durationS < POWER_FROM_S) {
      return;
    }
    const mean = new Map(
      [...record.byComponentJ].map(([name, energyJ]) => [name, energyJ / record.durationS])
    );
    this._add({ t: record.startedAt, byComponentW: mean });
    this._close(record, mean);
  }

  /** A sample without values ends the area: between cells nothing is told. */
  private _close(record: IRecord, last: Components): void {
    const endedAt = Math.max(record.startedAt + record.durationS, this._lastT);
    this._add({ t: endedAt, byComponentW: last });
    this._add({ t: endedAt + GAP_S, byComponentW: new Map() });
  }

  /** Samples go forward in time, whatever the kernel's clock does. */
  private _add(sample: ISample): void {
    if (sample.t < this._lastT) {
      return;
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
  }

  private get _lastT(): number {
    return this._samples[this._samples.length - 1]?.t ?? -Infinity;
  }

  private _samples: ISample[] = [];
}

/** Two neighbours become their mean where both are inside an area; its edges stay where they are. */
function thinned(samples: readonly ISample[]): ISample[] {
  const inside = (index: number): boolean => (samples[index]?.byComponentW.size ?? 0) > 0;
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
