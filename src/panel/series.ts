/** The chart's numbers: what it spans, what it stacks, which cell ran when. No pixels. */
import type { ISample } from '../trace';
import type { Components, IRecord, IRunning } from '../wire';
import { componentRank } from './components';

/** The past that is shown at least, so that a first cell does not fill the chart at once. */
const MIN_SPAN_S = 60;
/** A zoom goes no further. */
const MIN_ZOOM_S = 2;
/** Where nothing may glide, the window goes on in steps of this part of it. */
const STEP = 0.1;
/** Tops of the axis: it must not move with every sample. */
const TOPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
const HEADROOM = 1.15;
/** A cell's last tick may be made just after its end. */
const SLACK_S = 0.05;
/** As a notebook shows it. */
export const RUNNING_PROMPT = '[*]';

export type Span = [from: number, to: number];

/** A top-level cell on the time axis. */
export interface IBand {
  from: number;
  to: number;
  cellId: string | null;
  label: string | null;
  /** "[7]", or "[*]" while it runs. */
  prompt: string;
}

/** What held at one moment. */
export interface IMoment {
  t: number;
  byComponentW: Components;
  band: IBand | null;
}

/** The window that ends with the latest sample; `still` for those who want nothing to glide. */
export function windowOf(samples: readonly ISample[], windowS: number, still: boolean): Span {
  const last = samples[samples.length - 1]?.t ?? 0;
  const step = windowS * STEP;
  const to = still ? Math.ceil(last / step) * step : last;
  const first = Math.min(samples[0]?.t ?? to, to - Math.min(MIN_SPAN_S, windowS));
  return [Math.max(to - windowS, first), to];
}

/** A part of `whole` that is `factor` times as long as `span`, around `t`; `null` if it is all. */
export function zoomed(span: Span, whole: Span, t: number, factor: number): Span | null {
  const length = Math.max(MIN_ZOOM_S, (span[1] - span[0]) * factor);
  if (length >= whole[1] - whole[0]) {
    return null;
  }
  const from = Math.min(Math.max(whole[0], t - length / 2), whole[1] - length);
  return [from, from + length];
}

/** When power was last told. */
export function lastKnown(samples: readonly ISample[]): number {
  // The last but one, where the last is the gap that ends a cell.
  return samples.slice(-2).reduce((t, sample) => (sample.byComponentW.size > 0 ? sample.t : t), 0);
}

/** The samples that a span needs, with one on either side. */
export function within(samples: readonly ISample[], [from, to]: Span): readonly ISample[] {
  return samples.slice(Math.max(0, indexAt(samples, from)), indexAt(samples, to) + 2);
}

/** The components that were read, bottom first. */
export function componentsOf(samples: readonly ISample[]): string[] {
  const found = new Set<string>();
  for (const sample of samples) {
    for (const component of sample.byComponentW.keys()) {
      found.add(component);
    }
  }
  return [...found].sort((a, b) => componentRank(a) - componentRank(b));
}

/** Times, and sums from the topmost to the lowest; `null` where nothing was read. */
export function stacked(
  samples: readonly ISample[],
  components: readonly string[]
): [number[], ...(number | null)[][]] {
  const sums = components.map((): (number | null)[] => []);
  for (const { byComponentW } of samples) {
    let sum = 0;
    for (const [level, column] of sums.entries()) {
      sum += byComponentW.get(components[level] ?? '') ?? 0;
      column.push(byComponentW.size === 0 ? null : sum);
    }
  }
  return [samples.map(sample => sample.t), ...sums.reverse()];
}

/** The top of the axis for the highest power. */
export function topOf(highestW: number): number {
  const wanted = Math.max(1, highestW * HEADROOM);
  const scale = 10 ** Math.floor(Math.log10(wanted));
  return scale * (TOPS.find(top => top * scale >= wanted) ?? 10);
}

/** The cells that ran in a span, by their beginning. */
export function bandsIn(records: readonly IRecord[], running: IRunning | null, [from, to]: Span): IBand[] {
  const bands: IBand[] = [];
  for (const { parent, startedAt, durationS, executionCount, cellId, label } of records) {
    const end = startedAt + durationS;
    if (parent === null && end >= from && startedAt <= to) {
      bands.push({ from: startedAt, to: end, cellId, label, prompt: executionCount === null ? '' : `[${executionCount}]` });
    }
  }
  if (running && running.startedAt <= to) {
    const { startedAt, cellId, label } = running;
    bands.push({ from: startedAt, to: Infinity, cellId, label, prompt: RUNNING_PROMPT });
  }
  return bands.sort((a, b) => a.from - b.from);
}

/** What held at `t`: between cells the idle power, where it is known. */
export function momentAt(t: number, samples: readonly ISample[], bands: readonly IBand[]): IMoment {
  const index = indexAt(samples, t);
  const [before, after] = [samples[index], samples[index + 1]];
  let sample = before;
  if (before && after && before.byComponentW.size > 0 && after.byComponentW.size > 0 && after.t - t < t - before.t) {
    sample = after;
  }
  return {
    t,
    byComponentW: sample && (after || sample.t === t) ? sample.byComponentW : new Map(),
    band: bands.filter(band => band.from - SLACK_S <= t && t <= band.to + SLACK_S).pop() ?? null
  };
}

/** The place of the last sample up to `t`; -1 if all are later. */
function indexAt(samples: readonly ISample[], t: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.t ?? Infinity) <= t) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}
