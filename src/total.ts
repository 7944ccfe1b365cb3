/**
 * The session's total as it stands: what the kernel told last, carried on while it is idle.
 *
 * An idle kernel sends nothing, for any message would keep a hub from ending it. It has told what
 * it draws meanwhile; this adds it up, with its interval, until the kernel speaks again.
 */
import type { Components, ICarbon, IIdlePower, IInfo, IStanding, ITotals, Provenance } from './wire';

const J_PER_KWH = 3.6e6;
/** The figure is renewed when it has grown by this part, which its last digit shows. */
const VISIBLE_PART = 0.002;
const MIN_BEAT_S = 1;
const MAX_BEAT_S = 30;

/** The total of now; where a part of it is carried on, that is an estimate. */
export interface ITotal extends ITotals {
  /** What the kernel itself has said. */
  told: ITotals;
  /** Up to when that counts, by this page's clock. */
  toldAsOfS: number;
  /** Up to when this counts, by this page's clock. */
  asOfS: number;
  /** How much of the time in it nobody has told of. */
  carriedS: number;
}

export class Total {
  get now(): ITotal | null {
    return this._now;
  }

  /** What is known of the power of the idle session. */
  get idle(): IIdlePower | null {
    return this._idle;
  }

  /** In how long from its last renewal a carried total looks different. */
  get beatS(): number | null {
    const [now, idle] = [this._now, this._idle];
    if (!now || !idle || idle.highW <= 0) {
      return null;
    }
    const fastestJ = VISIBLE_PART * (now.energyJ ?? 0);
    return Math.min(MAX_BEAT_S, Math.max(MIN_BEAT_S, fastestJ / Math.max(idle.powerW, Number.MIN_VALUE)));
  }

  /** The kernel told it; a tick has no `standing`, and changes nothing in what is known of idle. */
  take(told: ITotals, standing: IStanding | null, asOfS: number): void {
    this._idle = standing ? standing.idle : this._idle;
    this._now = { ...told, told, toldAsOfS: asOfS, asOfS, carriedS: 0 };
  }

  /** The session was idle up to here. */
  carryTo(nowS: number, info: IInfo | null): void {
    const now = this._now;
    if (now && this._idle && nowS > now.asOfS) {
      const forS = nowS - now.asOfS;
      this._now = { ...now, ...carried(now, this._idle, info, forS), asOfS: nowS, carriedS: now.carriedS + forS };
    }
  }

  /** Nothing was counted up to here. */
  skipTo(nowS: number): void {
    if (this._now) {
      this._now = { ...this._now, asOfS: Math.max(nowS, this._now.asOfS) };
    }
  }

  clear(): void {
    this._now = null;
    this._idle = null;
  }

  private _now: ITotal | null = null;
  private _idle: IIdlePower | null = null;
}

/** The totals after so long a time at idle. */
export function carried(totals: ITotals, idle: IIdlePower, info: IInfo | null, forS: number): ITotals {
  const [energyJ, lowJ, highJ] = [idle.powerW * forS, idle.lowW * forS, idle.highW * forS];
  const { carbon } = info ?? { carbon: null };
  const error = Math.min(1, carbon?.relativeError ?? totals.gridRelativeError ?? 0);
  return {
    ...totals,
    energyJ: plus(totals.energyJ, energyJ),
    energyLowJ: plus(totals.energyLowJ, lowJ),
    energyHighJ: plus(totals.energyHighJ, highJ),
    co2G: plus(totals.co2G, massG(energyJ, carbon)),
    co2LowG: plus(totals.co2LowG, massG(lowJ * (1 - error), carbon)),
    co2HighG: plus(totals.co2HighG, massG(highJ * (1 + error), carbon)),
    betweenCellsJ: totals.betweenCellsJ + energyJ,
    machineJ: totals.machineJ + energyJ,
    byComponentJ: spread(totals.byComponentJ, energyJ, info),
    provenance: mixedWithEstimate(totals.provenance),
    durationS: totals.durationS + forS
  };
}

function plus(value: number | null, more: number | null): number | null {
  return value === null || more === null ? null : value + more;
}

/** Without a known intensity there is no mass, which is not none. */
function massG(energyJ: number, carbon: ICarbon | null): number | null {
  return carbon && (energyJ / J_PER_KWH) * carbon.intensityGPerKwh * carbon.pue;
}

function mixedWithEstimate(provenance: Provenance): Provenance {
  return provenance === 'measured' ? 'mixed' : provenance;
}

/** Idle energy goes to the components as their known idle power does, else as energy went so far. */
function spread(byComponentJ: Components, energyJ: number, info: IInfo | null): Components {
  const baselines = new Map<string, number>();
  for (const { component, scope, baselineW } of info?.sources ?? []) {
    if (scope === 'component' && baselineW !== null && byComponentJ.has(component)) {
      baselines.set(component, (baselines.get(component) ?? 0) + Math.max(0, baselineW));
    }
  }
  const weights = sumOf(baselines) > 0 ? baselines : byComponentJ;
  const sum = sumOf(weights);
  return sum <= 0
    ? byComponentJ
    : new Map([...byComponentJ].map(([name, usedJ]) => [name, usedJ + (energyJ * (weights.get(name) ?? 0)) / sum]));
}

function sumOf(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, value) => sum + value, 0);
}
