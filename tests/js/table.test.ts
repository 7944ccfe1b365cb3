// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import { Edits } from '../../src/edits';
import { SessionModel } from '../../src/model';
import { Cells } from '../../src/panel/cells';
import { WasteView } from '../../src/panel/waste';
import { Heights, inView, rowAt } from '../../src/table/heights';
import { sorted, type SortKey } from '../../src/table/rows';
import { Selection } from '../../src/table/selection';
import { sumOf, wasteOf } from '../../src/table/sums';
import { decode, type IRecord, type Message } from '../../src/wire';
import { golden } from './golden';

const trans = nullTranslator.load('greencell');

function message(data: unknown): Message {
  const decoded = decode(data);
  if (!decoded.ok) {
    throw new Error('the message does not decode');
  }
  return decoded.message;
}

/** A record like the golden one, with these differences. */
function raw(number: number, change: Record<string, unknown> = {}): Record<string, unknown> {
  const [first] = golden('snapshot')['cells'] as Record<string, unknown>[];
  return { ...first, run: `r${number}`, number, cell_id: `c${number}`, execution_count: number, parent: null, status: 'ok', flags: [], final: true, ...change };
}

function modelOf(cells: Record<string, unknown>[]): SessionModel {
  const model = new SessionModel();
  for (let from = 0; from === 0 || from < cells.length; from += 5_000) {
    const some = cells.slice(from, from + 5_000);
    model.receive(message({ ...golden('snapshot'), cells: some, cells_total: cells.length }));
  }
  return model;
}

function recordsOf(cells: Record<string, unknown>[]): readonly IRecord[] {
  return modelOf(cells).records;
}

const energy = (low: number, value: number, high: number): Record<string, unknown> => ({
  energy_j: value, energy_low_j: low, energy_high_j: high,
  co2_g: value / 100, co2_low_g: low / 100, co2_high_g: high / 100
});
const UNKNOWN = { energy_j: null, energy_low_j: null, energy_high_j: null, co2_g: null, co2_low_g: null, co2_high_g: null };

describe('the order of rows', () => {
  const records = recordsOf([
    raw(1, energy(1, 2, 3)), raw(2, UNKNOWN), raw(3, energy(8, 9, 10)), raw(4, energy(4, 5, 6))
  ]);
  const numbers = (key: SortKey, descending: boolean, of = records): number[] =>
    sorted(of, { key, descending }, 'all').map(record => record.number);

  it('goes either way, and what is unknown comes last', () => {
    expect(numbers('energy', true)).toEqual([3, 4, 1, 2]);
    expect(numbers('energy', false)).toEqual([1, 4, 3, 2]);
    expect(numbers('order', true)).toEqual([4, 3, 2, 1]);
  });

  it('puts last what its rows show no figure of, by any figure and either way', () => {
    const some = recordsOf([
      raw(1, { ...energy(8, 9, 10), mean_power_w: 9, duration_s: 1 }),
      raw(2, { ...energy(1, 50, 99), mean_power_w: 50, flags: ['too-short', 'gap'], duration_s: 1 }), // a dash in the row
      raw(3, { ...energy(4, 5, 6), mean_power_w: 5, duration_s: 1 }),
      raw(4, { ...energy(2, 2, 2), mean_power_w: 400, duration_s: 0.005 }), // without a power in the row
      raw(5, { ...UNKNOWN, mean_power_w: null, duration_s: 0 })
    ]);
    expect(numbers('power', true, some)).toEqual([1, 3, 5, 4, 2]);
    expect(numbers('power', false, some)).toEqual([3, 1, 5, 4, 2]);
    for (const key of ['energy', 'co2'] as const) {
      expect(numbers(key, true, some)).toEqual([1, 3, 4, 5, 2]);
      expect(numbers(key, false, some)).toEqual([4, 3, 1, 5, 2]);
    }
    expect(numbers('time', false, some)).toEqual([5, 4, 3, 2, 1]);
  });

  it('leaves the records where they are', () => {
    sorted(records, { key: 'energy', descending: true }, 'all');
    expect(records.map(record => record.number)).toEqual([1, 2, 3, 4]);
  });

  it('keeps what failed, and what ran more than once', () => {
    const some = recordsOf([
      raw(1, { cell_id: 'a' }), raw(2, { cell_id: 'b', status: 'error' }),
      raw(3, { cell_id: 'a' }), raw(4, { cell_id: 'c', status: 'interrupted' }),
      raw(5, { cell_id: 'b2', parent: 4 })
    ]);
    const sort = { key: 'order', descending: false } as const;
    expect(sorted(some, sort, 'failed').map(record => record.number)).toEqual([2, 4]);
    expect(sorted(some, sort, 'again').map(record => record.number)).toEqual([1, 3]);
  });

});

describe('rows of different heights', () => {
  const order = Array.from({ length: 100 }, (_, index) => `r${index}`);

  it('are drawn where they are in view and a little beyond, never beyond the ends', () => {
    const tops = new Heights(48).tops(order);
    expect(inView(tops, 0, 480)).toEqual([0, 19]);
    expect(inView(tops, 2400, 480)).toEqual([42, 69]);
    expect(inView(tops, 1e9, 480)).toEqual([91, 100]);
    expect(inView(new Heights(48).tops([]), 0, 480)).toEqual([0, 0]);
  });

  it('lie where those above them end, and the others are thought to be like the first', () => {
    const heights = new Heights(48);
    expect(heights.measure([['r0', 40], ['r1', 60]])).toBe(true);
    const tops = heights.tops(order);
    expect([tops[0], tops[1], tops[2], tops[3], tops[100]]).toEqual([0, 40, 100, 150, 5000]);
    expect([0, 39, 40, 99, 100, 4999, 9999].map(px => rowAt(tops, px))).toEqual([0, 0, 1, 1, 2, 99, 99]);
    expect(heights.measure([['r0', 40], ['r2', 50]])).toBe(false);
    expect(heights.measure([['r3', 70]])).toBe(true);
  });

  it('are all measured anew where one has changed, as by another width', () => {
    const heights = new Heights(48);
    heights.measure([['r0', 40], ['r1', 60]]);
    expect(heights.measure([['r1', 30]])).toBe(true);
    expect(heights.tops(order)[100]).toBe(3000);
    expect(heights.measure([['r1', 0]])).toBe(false); // nobody sees the table
  });
});

describe('sums', () => {
  it('add ends to ends, and say "at least" where one is unknown', () => {
    const sum = sumOf(recordsOf([raw(1, energy(1, 2, 3)), raw(2, energy(10, 20, 40)), raw(3, UNKNOWN)]));
    expect([sum.energyLowJ, sum.energyJ, sum.energyHighJ]).toEqual([11, 22, 43]);
    expect(sum.flags).toContain('gap');
    expect(sum.runs).toBe(3);
  });

  it('of nothing known is unknown, not 0', () => {
    expect(sumOf(recordsOf([raw(1, UNKNOWN)])).energyJ).toBeNull();
  });

  it('count a nested run with its outer cell only', () => {
    const sum = sumOf(recordsOf([raw(1, energy(10, 20, 30)), raw(2, { ...energy(5, 6, 7), parent: 1 })]));
    expect([sum.runs, sum.energyJ]).toEqual([1, 20]);
  });

  it('of what was spent again count each run once, and add up', () => {
    const waste = wasteOf(
      recordsOf([
        raw(1, { ...energy(1, 1, 1), cell_id: 'a', status: 'error' }), // and overwritten
        raw(2, { ...energy(2, 2, 2), cell_id: 'a' }), // overwritten
        raw(3, { ...energy(4, 4, 4), cell_id: 'a' }),
        raw(4, { ...energy(8, 8, 8), cell_id: 'b', status: 'interrupted' }),
        raw(5, { ...energy(16, 16, 16), cell_id: null })
      ])
    );
    const parts = [...waste.groups].map(([kind, sum]) => [kind, sum.energyJ]);
    expect(parts).toEqual([['failed', 1], ['interrupted', 8], ['overwritten', 2]]);
    expect(waste.all.energyJ).toBe(11);
    expect(waste.share).toBeCloseTo(11 / 31);
  });
});

describe('a selection', () => {
  const order = ['a', 'b', 'c', 'd'];

  it('grows from where it began, either way', () => {
    const selection = new Selection();
    selection.anchor('c');
    selection.extend(order, 'a');
    expect(order.filter(key => selection.has(key))).toEqual(['a', 'b', 'c']);
    selection.extend(order, 'd');
    expect(order.filter(key => selection.has(key))).toEqual(['c', 'd']);
  });

  it('takes one in and out', () => {
    const selection = new Selection();
    selection.toggle('b');
    selection.toggle('d');
    selection.toggle('b');
    expect(order.filter(key => selection.has(key))).toEqual(['d']);
  });
});

describe('the table', () => {
  function table(cells: Record<string, unknown>[]): { view: Cells; node: HTMLElement; reveal: ReturnType<typeof vi.fn>; rows: () => HTMLElement[] } {
    const reveal = vi.fn();
    const view = new Cells(trans, {
      names: () => id => (id === 'gone' ? null : `code of ${id}`),
      sorted: () => undefined,
      changedSince: record => record.number === 2,
      reveal,
      fetchAll: () => undefined
    });
    view.update(modelOf(cells));
    document.body.replaceChildren(view.node);
    return { view, node: view.node, reveal, rows: () => [...view.node.querySelectorAll<HTMLElement>('[data-gc="cell-row"]')] };
  }
  const three = [raw(1, energy(1, 2, 3)), raw(2, energy(8, 9, 10)), raw(3, energy(4, 5, 6))];
  const ids = (rows: HTMLElement[]): (string | null)[] => rows.map(row => row.getAttribute('data-cell-id'));

  it('sorts by a button, and the other way round by the same', () => {
    const { node, rows } = table(three);
    const by = node.querySelector<HTMLElement>('[data-gc="sort-energy"]');
    by?.click();
    expect(ids(rows())).toEqual(['c2', 'c3', 'c1']);
    expect(by?.getAttribute('aria-pressed')).toBe('true');
    by?.click();
    expect(ids(rows())).toEqual(['c1', 'c3', 'c2']);
  });

  it('sums what is selected by mouse and by keys, and leads to a cell only when plainly clicked', () => {
    const { node, reveal, rows } = table(three);
    const sum = node.querySelector<HTMLElement>('[data-gc="selection"]');
    expect(sum?.hidden).toBe(true);
    rows()[0]?.dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }));
    rows()[2]?.dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }));
    expect(sum?.hidden).toBe(false);
    expect(sum?.textContent).toContain('3 selected');
    expect(reveal).not.toHaveBeenCalled();
    rows()[2]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(sum?.hidden).toBe(true);
    rows()[1]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', shiftKey: true, bubbles: true }));
    expect(sum?.textContent).toContain('2 selected');
    expect(rows().map(row => row.getAttribute('aria-selected'))).toEqual(['false', 'true', 'true']);
    rows()[1]?.click();
    expect(reveal).toHaveBeenCalledWith('c2');
    expect(sum?.hidden).toBe(true);
  });

  it('has one row in the order of the keyboard, and it follows the arrows', () => {
    const { rows } = table(three);
    expect(rows().map(row => row.tabIndex)).toEqual([0, -1, -1]);
    rows()[0]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    expect(rows().map(row => row.tabIndex)).toEqual([-1, -1, 0]);
    expect(document.activeElement).toBe(rows()[2]);
  });

  it('keeps some runs by a button, and all by the same; there is none where it would keep nothing', () => {
    const { node, rows } = table([raw(1, { status: 'error' }), raw(2), raw(3)]);
    const failed = node.querySelector<HTMLElement>('[data-gc="filter-failed"]');
    expect(node.querySelector<HTMLElement>('[data-gc="filter-again"]')?.hidden).toBe(true);
    failed?.click();
    expect(ids(rows())).toEqual(['c1']);
    expect(failed?.getAttribute('aria-pressed')).toBe('true');
    failed?.click();
    expect(rows().length).toBe(3);
  });

  it('leads to the latest run of a cell, also to one that the filter leaves out', () => {
    const { node, rows, view } = table([raw(1, { cell_id: 'a' }), raw(2, { cell_id: 'b', status: 'error' }), raw(3, { cell_id: 'a' })]);
    node.querySelector<HTMLElement>('[data-gc="filter-failed"]')?.click();
    expect(view.select('a')).toBe(true);
    expect(rows().map(row => row.getAttribute('aria-selected'))).toEqual(['true', 'false', 'false']);
    expect(document.activeElement).toBe(rows()[0]);
    expect(view.select('never ran')).toBe(false);
  });

  it('begins at its top, with nothing selected, when another session is shown', () => {
    const { node, view, rows } = table(three);
    rows().slice(0, 2).forEach(row => row.dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true })));
    expect(node.querySelector<HTMLElement>('[data-gc="selection"]')?.hidden).toBe(false);
    const other = new SessionModel();
    other.receive(message({ ...golden('snapshot'), session: 'another', cells: three, cells_total: 3 }));
    view.update(other);
    expect(node.querySelector<HTMLElement>('[data-gc="selection"]')?.hidden).toBe(true);
  });

  it('says what became of cells', () => {
    const { rows } = table([raw(1, { cell_id: 'gone' }), raw(2), raw(3, { cell_id: 'gone', label: 'train' })]);
    const texts = rows().map(row => row.textContent);
    expect(texts[0]).toContain('deleted');
    expect(texts[1]).toContain('changed since');
    expect(texts[2]).toContain('(deleted cell)');
  });

  it('draws of ten thousand only a few, and says how many there are', () => {
    const { node, rows } = table(Array.from({ length: 10_000 }, (_, index) => raw(index + 1)));
    expect(rows().length).toBeLessThan(60);
    expect(node.querySelector('table')?.getAttribute('aria-rowcount')).toBe('10000');
    expect(rows()[0]?.getAttribute('aria-rowindex')).toBe('1');
    rows()[0]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    expect(rows().some(row => row.getAttribute('aria-rowindex') === '10000')).toBe(true);
  }, 20_000);
});

describe('what was spent again', () => {
  it('is hidden while there is none', () => {
    const view = new WasteView(trans);
    view.update(modelOf([raw(1), raw(2)]));
    expect(view.node.hidden).toBe(true);
    view.update(modelOf([raw(1, { status: 'error' }), raw(2)]));
    expect(view.node.hidden).toBe(false);
    expect(view.node.querySelectorAll('[data-gc="waste-row"]').length).toBe(1);
  });
});

describe('edits', () => {
  it('are told by the code that ran', () => {
    const model = new SessionModel();
    let source = 'x = 1';
    const edits = new Edits(model, () => source);
    model.receive(message(golden('cell-start')));
    model.receive(message({ ...golden('cell-end'), seq: 99 }));
    const record = model.records[model.records.length - 1];
    if (!record) {
      throw new Error('nothing ended');
    }
    expect(edits.changedSince(record)).toBe(false);
    source = 'x = 2';
    expect(edits.changedSince(record)).toBe(true);
    expect(edits.changedSince({ ...record, run: 'another', request: 'another' })).toBe(false);
  });
});
