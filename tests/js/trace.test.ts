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

  it('draws the idle power between cells, and nothing where it is unknown', () => {
    const trace = new Trace();
    trace.addEnd(record(0, 1));
    trace.tellIdle(3);
    trace.addEnd(record(10, 1));
    trace.tellIdle(4);
    trace.addEnd(record(20, 1));

    expect(at(trace, 5)).toEqual({});
    expect(at(trace, 10.5)).toEqual({ cpu: 1 });
    for (const t of [11.1, 15, 19.9]) {
      expect(at(trace, t)).toEqual({ idle: 3 });
    }
    expect(trace.until(60).at(-1)).toEqual({ t: 60, byComponentW: new Map([['idle', 4]]) });
    trace.tellIdle(null);
    trace.addEnd(record(70, 1));
    expect(trace.until(90)).toEqual(trace.samples);
  });

  it('begins with the session, for a page that comes late, too', () => {
    const trace = new Trace();
    trace.tellIdle(3);
    trace.addPast([record(10, 1)], 2, 30);

    expect(at(trace, 1)).toEqual({});
    expect([5, 10.5, 20].map(t => at(trace, t))).toEqual([{ idle: 3 }, { cpu: 1 }, { idle: 3 }]);
  });

  it('rests up to the start of a cell that is followed live, and again from its end', () => {
    const trace = new Trace();
    trace.tellIdle(3);
    trace.addEnd(record(0, 1));
    trace.addTick({ ...tick(11, 9), running: { ...TICK.running, run: 'live', startedAt: 10, elapsedS: 1 } });
    trace.addEnd({ ...record(10, 1.5), run: 'live' });

    expect([5, 9.9, 10.1, 11.4, 12].map(t => at(trace, t))).toEqual([
      { idle: 3 }, { idle: 3 }, { cpu: 9 }, { cpu: 9 }, { idle: 3 }
    ]);
  });

  it('draws nothing between cells while it is paused', () => {
    const trace = new Trace();
    trace.tellIdle(3);
    trace.addEnd(record(0, 1));
    trace.pause(5, true);
    trace.pause(8, false);

    expect([4, 6, 9].map(t => at(trace, t))).toEqual([{ idle: 3 }, {}, { idle: 3 }]);
  });

  it('draws many short runs as their mean over the time they took together: no spike, no gap', () => {
    const trace = new Trace();
    trace.tellIdle(2);
    const runs = Array.from({ length: 300 }, (_, index) => ({
      ...record(100 + 0.1 * index, 0.02),
      run: `r${index}`,
      energyJ: 1,
      byComponentJ: new Map([['cpu', 1]]) // 50 W while it runs
    }));
    runs.forEach(run => {
      trace.addEnd({ ...run, final: false });
      trace.addEnd(run); // told of twice
    });

    const last = trace.samples.at(-1)?.t ?? 0;
    expect(last).toBeGreaterThan(129.9);
    for (let t = 100.05; t < 129.9; t += 0.1) {
      const { cpu, idle } = at(trace, t);
      expect(cpu).toBeGreaterThan(9);
      expect(cpu).toBeLessThan(11.5);
      expect(idle).toBeGreaterThan(1.5);
      expect(idle).toBeLessThan(1.65);
    }
    const drawnJ = area(trace, 'cpu');
    expect(drawnJ).toBeGreaterThan(295);
    expect(drawnJ).toBeLessThan(305);
  });

  it('draws short runs of which nothing else is known, without an idle power, too', () => {
    const trace = new Trace();
    for (const [index, startedAt] of [10, 10.1, 10.2].entries()) {
      trace.addEnd({ ...record(startedAt, 0.05), run: `r${index}` });
    }

    expect(at(trace, 10.1)['cpu']).toBeCloseTo(0.15 / 0.25, 6);
    expect(at(trace, 11)).toEqual({});
  });

  it('draws no power for a single run that is too short to have one: the idle power goes on', () => {
    const trace = new Trace();
    trace.addEnd({ ...record(10, 0.05), run: 'first' });
    expect(trace.samples.every(({ byComponentW }) => byComponentW.size === 0)).toBe(true);
    trace.addEnd(record(20, 0.2));
    expect(at(trace, 20.1)).toEqual({ cpu: 1 });

    const idle = new Trace();
    idle.tellIdle(3);
    idle.addEnd(record(0, 1));
    idle.addEnd({ ...record(10, 0.05), run: 'short' });
    idle.addEnd({ ...record(20, 1), run: 'long' });
    expect([9.9, 10.02, 10.1, 15].map(t => at(idle, t))).toEqual(Array(4).fill({ idle: 3 }));
  });

  it('leaves the time of a run blank whose energy is unknown', () => {
    const trace = new Trace();
    trace.tellIdle(3);
    trace.addEnd(record(0, 1));
    trace.addEnd({ ...record(5, 2), run: 'unknown', energyJ: null, byComponentJ: new Map() });

    expect([4, 6, 8].map(t => at(trace, t))).toEqual([{ idle: 3 }, {}, { idle: 3 }]);
  });

  it('has a run that follows at once begin where the last one ended', () => {
    const trace = new Trace();
    trace.tellIdle(3);
    trace.addEnd(record(0, 1));
    trace.addEnd({ ...record(1.0003, 1), run: 'next', byComponentJ: new Map([['cpu', 8]]) });

    expect(at(trace, 1.1)).toEqual({ cpu: 8 });
    expect(at(trace, 1.9)).toEqual({ cpu: 8 });
  });
});

/** What the chart draws at a moment: a straight line between two samples that have the component. */
function at(trace: Trace, t: number): Record<string, number> {
  const after = trace.until(1e9).findIndex(sample => sample.t > t);
  const [one, two] = [trace.until(1e9)[after - 1], trace.until(1e9)[after]];
  const drawn: Record<string, number> = {};
  for (const [name, watts] of one?.byComponentW ?? []) {
    const end = two?.byComponentW.get(name);
    if (one && two && end !== undefined) {
      drawn[name] = watts + ((end - watts) * (t - one.t)) / (two.t - one.t);
    }
  }
  return drawn;
}

function area(trace: Trace, name: string): number {
  let sum = 0;
  trace.samples.forEach((two, index) => {
    const one = trace.samples[index - 1];
    sum += one ? ((one.byComponentW.get(name) ?? 0) + (two.byComponentW.get(name) ?? 0)) * 0.5 * (two.t - one.t) : 0;
  });
  return sum;
}
