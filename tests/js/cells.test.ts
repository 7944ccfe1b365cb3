// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import { SessionModel } from '../../src/model';
import { Cells } from '../../src/panel/cells';
import { decode, type Message } from '../../src/wire';
import { golden } from './golden';

const HOSTILE = '<img src=x onerror=alert(1)>';

function message(data: unknown): Message {
  const decoded = decode(data);
  if (!decoded.ok) {
    throw new Error('the message does not decode');
  }
  return decoded.message;
}

function table(change: (records: Record<string, unknown>[]) => void): { node: HTMLElement; reveal: ReturnType<typeof vi.fn>; model: SessionModel; cells: Cells } {
  const data = golden('snapshot');
  change(data['cells'] as Record<string, unknown>[]);
  const model = new SessionModel();
  model.receive(message(data));
  const reveal = vi.fn();
  const cells = new Cells(nullTranslator.load('greencell'), { names: () => () => 'code', sorted: () => undefined, changedSince: () => false, reveal, fetchAll: () => undefined });
  cells.update(model);
  return { node: cells.node, reveal, model, cells };
}

describe('Cells', () => {
  it('shows a row for each finished cell, the latest first, with its figures', () => {
    const { node } = table(() => undefined);

    const rows = [...node.querySelectorAll('[data-gc="cell-row"]')];

    expect(rows.map(row => row.getAttribute('data-cell-id'))).toEqual(['b2', 'a1']);
    expect(rows[1]?.getAttribute('data-energy-j')).toBe('40');
    expect(rows[0]?.hasAttribute('data-energy-j')).toBe(false);
    expect(rows[0]?.textContent).toContain('–');
    expect(rows[0]?.textContent).toContain('failed');
  });

  it('shows what lies between cells, so that the rows add up', () => {
    const { node } = table(() => undefined);

    expect(node.querySelectorAll('[data-gc="between-cells"]').length).toBe(1);
  });

  it('takes hostile texts for text', () => {
    const { node } = table(records => {
      for (const record of records) {
        record['label'] = HOSTILE;
        record['cell_id'] = HOSTILE;
      }
    });

    expect(node.querySelector('img')).toBeNull();
    expect(node.textContent).toContain(HOSTILE);
  });

  it('leaves rows that did not change in place, with what has the focus', () => {
    const { node, model, cells } = table(() => undefined);
    const before = [...node.querySelectorAll('[data-gc="cell-row"]')];

    model.receive(message({ ...golden('cell-end'), seq: 9 }));
    cells.update(model);

    const after = [...node.querySelectorAll('[data-gc="cell-row"]')];
    expect(after.length).toBe(3);
    expect(after.slice(1)).toEqual(before);
    expect(after[1] === before[0]).toBe(true);
  });

  it('marks a provisional figure quietly, and keeps the row when it becomes final', () => {
    const { node, model, cells, reveal } = table(() => undefined);
    model.receive(message({ ...golden('cell-end-provisional'), seq: 8 }));
    cells.update(model);
    const row = node.querySelector<HTMLElement>('[data-cell-id="c3f0"]');
    expect(row?.textContent).toMatch(/ …$/);
    expect(row?.title).toContain('provisional: final at the meter’s next tick');
    expect(row?.title).toContain('others 25');

    model.receive(message({ ...golden('cell-end'), seq: 9 }));
    cells.update(model);
    const final = node.querySelector<HTMLElement>('[data-cell-id="c3f0"]');
    final?.click();

    expect(final).toBe(row);
    expect(final?.textContent).not.toContain('…');
    expect(final?.title).not.toContain('provisional');
    expect(reveal.mock.calls).toEqual([['c3f0']]);
    expect(node.querySelectorAll('[data-gc="cell-row"]').length).toBe(3);
  });

  it('shows a range where no number stands for it, and sorts and draws by the value', () => {
    const { node } = table(() => undefined);
    const row = node.querySelector<HTMLElement>('[data-cell-id="a1"]');

    expect(row?.querySelector('.gc-Cell-energy')?.textContent).toBe('4–23\u202fmWh');
    expect(row?.getAttribute('data-energy-j')).toBe('40');
    expect(row?.title).toContain('best guess ≈\u202f11\u202fmWh');
    expect(row?.querySelector<HTMLElement>('.gc-Bar')?.style.getPropertyValue('--gc-share')).toBe('100.0%');
  });

  it('says why a figure is only a bound', () => {
    const { node } = table(records => {
      Object.assign(records[0] ?? {}, { flags: ['too-short'], energy_low_j: 0 });
      Object.assign(records[1] ?? {}, { energy_j: 5, energy_low_j: 4, energy_high_j: 6, flags: ['stale'] });
    });
    const [short, incomplete] = ['a1', 'b2'].map(id => node.querySelector<HTMLElement>(`[data-cell-id="${id}"]`));

    expect(short?.querySelector('.gc-Cell-energy')?.textContent).toBe('<\u202f23\u202fmWh');
    expect(short?.title).toContain('too short for this meter; %%energy repeats it until it can tell');
    expect(incomplete?.querySelector('.gc-Cell-energy')?.textContent).toMatch(/^≥/);
    expect(incomplete?.title).toContain('incomplete');
  });

  it('leads to a cell by click and by keyboard', () => {
    const { node, reveal } = table(() => undefined);
    const row = node.querySelector<HTMLElement>('[data-cell-id="a1"]');

    row?.click();
    row?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));

    expect(reveal.mock.calls).toEqual([['a1'], ['a1']]);
  });
});
