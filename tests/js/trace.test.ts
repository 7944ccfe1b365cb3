import { describe, expect, it } from 'vitest';

import { MAX_SAMPLES, Trace } from '../../src/trace';
import { decode, type IRecord, type ITick, type Message } from '../../src/wire';
import { golden } from './golden';

function decoded(name: string): Message {
  const result = decode(golden(name));
  if (!result.ok) {
    throw new Error(`${name} does not decode`);
  }
  return result.message;
}

const TICK = decoded('tick') as ITick;
const RECORD = (decoded('cell-end') as Extract<Message, { kind: 'cell-end' }>).record;

const tick = (t: number, cpuW: number): ITick => ({
  ...TICK,
  t,
  running: { ...TICK.running, startedAt: 0, elapsedS: t },
  byComponentW: new Map([['cpu', cpuW]])
});

const record = (startedAt: number, durationS: number): IRecord => ({
  ...RECORD,
  startedAt,
  durationS,
  parent: null,
  byComponentJ: new Map([['cpu', durationS]])
});

describe('Trace', () => {
  it('holds an hour at a tick a second in 2,000 samples, the newest as they came', () => {
    const trace = new Trace();
    let most = 0;
    for (let t = 1; t <= 3 * 3600; t++) {
      trace.addTick(tick(t, t));
      most = Math.max(most, trace.samples.length);
    }
    const times = trace.samples.map(sample => sample.t);

    expect(most).toBe(MAX_SAMPLES);
    expect(times.at(-1)).toBe(3 * 3600);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(3590);
    expect(times.slice(-900)).toEqual(Array.from({ length: 900 }, (_, index) => 3 * 3600 - 899 + index));
    expect(Math.max(...times.slice(1).map((t, index) => t - (times[index] ?? 0)))).toBeLessThanOrEqual(8);
  });

  it('keeps the mean power where it merges', () => {
    const trace = new Trace();
    for (let t = 1; t <= 3600; t++) {
      trace.addTick(tick(t, t)); // a straight line
    }

    for (const { t, byComponentW } of trace.samples.slice(1, -1)) {
      expect(byComponentW.get('cpu')).toBeCloseTo(t, 6);
    }
  });

  it('leaves the edges of cells where they are, and lets the oldest of many short ones go', () => {
    const trace = new Trace();
    for (let number = 0; number < 1000; number++) {
      trace.addEnd(record(2 * number, 1));
    }

    expect(trace.samples.length).toBeLessThanOrEqual(MAX_SAMPLES);
    expect(trace.samples.length).toBeGreaterThan(0.9 * MAX_SAMPLES);
    const starts = trace.samples.filter(({ t }) => t % 2 === 0);
    expect(starts.length).toBeGreaterThan(600);
    expect(starts.every(({ byComponentW }) => byComponentW.get('cpu') === 1)).toBe(true);
    expect(trace.samples.at(-1)?.byComponentW.size).toBe(0);
  });

  it('draws no power for a run that is too short to have one', () => {
    const trace = new Trace();
    trace.addEnd(record(10, 0.05));
    expect(trace.samples).toEqual([]);
    trace.addEnd(record(20, 0.2));
    expect(trace.samples.length).toBe(3);
  });
});
