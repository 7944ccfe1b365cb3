import { describe, expect, it } from 'vitest';

import * as series from '../../src/panel/series';
import type { ISample } from '../../src/trace';
import { decode, type IRecord, type IRunning } from '../../src/wire';
import { golden } from './golden';

const sample = (t: number, ...watts: number[]): ISample => ({
  t,
  byComponentW: new Map(watts.map((value, index) => [['cpu', 'dram', 'gpu'][index] ?? '?', value]))
});

function record(startedAt: number, durationS: number, change: Partial<IRecord> = {}): IRecord {
  const decoded = decode(golden('cell-end'));
  if (!decoded.ok || decoded.message.kind !== 'cell-end') {
    throw new Error('the record does not decode');
  }
  return { ...decoded.message.record, startedAt, durationS, parent: null, executionCount: 7, label: 'fit', ...change };
}

function runningFrom(startedAt: number): IRunning {
  const decoded = decode(golden('tick'));
  if (!decoded.ok || decoded.message.kind !== 'tick') {
    throw new Error('the tick does not decode');
  }
  return { ...decoded.message.running, startedAt };
}

describe('the window', () => {
  const samples = [sample(0, 1), sample(500, 1)];

  it('ends with the last sample and is as long as is set', () => {
    expect(series.windowOf(samples, 300, false)).toEqual([200, 500]);
    expect(series.windowOf(samples, 3600, false)).toEqual([0, 500]);
  });

  it('is a minute at least, unless less is set', () => {
    expect(series.windowOf([sample(495, 1), sample(500, 1)], 300, false)).toEqual([440, 500]);
    expect(series.windowOf([sample(495, 1), sample(500, 1)], 30, false)).toEqual([470, 500]);
  });

  it('goes on in steps for those who want nothing to glide', () => {
    const ends = [501, 515, 529].map(t => series.windowOf([sample(0, 1), sample(t, 1)], 300, true)[1]);

    expect(ends).toEqual([510, 540, 540]);
  });

  it('zooms around a moment, within what there is, and ends where all is shown', () => {
    expect(series.zoomed([200, 500], [200, 500], 300, 0.5)).toEqual([225, 375]);
    expect(series.zoomed([200, 500], [200, 500], 490, 0.5)).toEqual([350, 500]);
    expect(series.zoomed([200, 500], [200, 500], 300, 2)).toBeNull();
    expect(series.zoomed([300, 301], [200, 500], 300, 0.5)).toEqual([299, 301]);
  });
});

describe('the stack', () => {
  it('sums from the lowest up, the topmost first, with a gap where nothing was read', () => {
    const samples = [sample(1, 5, 1), sample(2, 6), sample(3)];

    expect(series.componentsOf(samples)).toEqual(['cpu', 'dram']);
    expect(series.stacked(samples, ['cpu', 'dram'])).toEqual([
      [1, 2, 3],
      [6, 6, null],
      [5, 6, null]
    ]);
  });

  it('takes a neighbour on either side of the span', () => {
    const samples = [1, 2, 3, 4, 5].map(t => sample(t, 1));

    expect(series.within(samples, [2.5, 3.5]).map(({ t }) => t)).toEqual([2, 3, 4]);
    expect(series.within(samples, [-9, 9])).toEqual(samples);
    expect(series.within([], [0, 1])).toEqual([]);
  });

  it('has a top that does not move with every sample', () => {
    expect([0, 0.5, 3.1, 3.2, 3.4, 60, 86, 1234].map(series.topOf)).toEqual([1, 1, 4, 4, 4, 80, 100, 1500]);
  });
});

describe('a moment', () => {
  const samples = [sample(0, 5), sample(4, 9), sample(4.001), sample(10, 2), sample(12, 2)];
  const bands = series.bandsIn([record(0, 4)], runningFrom(10), [0, 12]);

  it('has the power of the nearer sample and the cell that ran', () => {
    expect(series.momentAt(1, samples, bands)).toMatchObject({ band: { prompt: '[7]', label: 'fit' } });
    expect(series.momentAt(1, samples, bands).byComponentW.get('cpu')).toBe(5);
    expect(series.momentAt(3, samples, bands).byComponentW.get('cpu')).toBe(9);
    expect(series.momentAt(12, samples, bands)).toMatchObject({ band: { prompt: '[*]', label: 'train' } });
    expect(series.momentAt(12, samples, bands).byComponentW.get('cpu')).toBe(2);
  });

  it('knows nothing of the time between cells, before and after', () => {
    for (const t of [-1, 7, 13]) {
      expect(series.momentAt(t, samples, []).byComponentW.size).toBe(0);
    }
    expect(series.momentAt(7, samples, bands).band).toBeNull();
    expect(series.momentAt(1, [], []).byComponentW.size).toBe(0);
  });

  it('was last known before the gap that ends a cell', () => {
    expect(series.lastKnown(samples)).toBe(12);
    expect(series.lastKnown(samples.slice(0, 3))).toBe(4);
    expect(series.lastKnown([])).toBe(0);
  });
});

describe('bands', () => {
  it('are the top-level cells of the span by their beginning, whatever the order of the records', () => {
    const records = [record(50, 5), record(0, 5), record(20, 5), record(21, 1, { parent: 3 }), record(90, 5)];

    expect(series.bandsIn(records, null, [10, 60]).map(({ from, to }) => [from, to])).toEqual([
      [20, 25],
      [50, 55]
    ]);
  });
});
