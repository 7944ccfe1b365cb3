/** Power over time, for the chart. */
import type { Components, IRecord, ITick } from './wire';

/** How much of the past the chart shows. */
export const CHART_WINDOW_S = 300;
const MAX_SAMPLES = 2000;
/** A run that was heard of this early is drawn from its start. */
const EARLY_S = 3;
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
      const from = Math.max(this._lastT, nowS - CHART_WINDOW_S);
      if (record.parent === null && record.startedAt >= from) {
        this._addMean(record);
      }
    }
  }

  clear(): void {
    this._samples = [];
  }

  private _addMean(record: IRecord): void {
    if (record.energyJ === null || record.durationS <= 0) {
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
    const oldest = sample.t - 2 * CHART_WINDOW_S;
    while ((this._samples[0]?.t ?? oldest) < oldest || this._samples.length > MAX_SAMPLES) {
      this._samples.shift();
    }
  }

  private get _lastT(): number {
    return this._samples[this._samples.length - 1]?.t ?? -Infinity;
  }

  private _samples: ISample[] = [];
}
