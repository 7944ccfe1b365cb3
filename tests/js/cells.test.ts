// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import { SessionModel } from '../../src/model';
import { Cells } from '../../src/panel/cells';
import { decode } from '../../src/wire';
import { golden } from './golden';

const HOSTILE = '<img src=x onerror=alert(1)>';

function table(change: (records: Record<string, unknown>[]) => void): { node: HTMLElement; reveal: ReturnType<typeof vi.fn>; model: SessionModel; cells: Cells } {
  const data = golden('snapshot');
  change(data['cells'] as Record<string, unknown>[]);
  const model = new SessionModel();
  const decoded = decode(data);
  if (!decoded.ok) {
    throw new Error('the snapshot does not decode');
  }
  model.receive(decoded.message);
  const reveal = vi.fn();
  const cells = new Cells(nullTranslator.load('greencell'), { names: () => () => 'code', reveal, fetchAll: () => undefined });
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

    const decoded = decode({ ...golden('cell-end'), seq: 9 });
    if (decoded.ok) {
      model.receive(decoded.message);
    }
    cells.update(model);

    const after = [...node.querySelectorAll('[data-gc="cell-row"]')];
    expect(after.length).toBe(3);
    expect(after.slice(1)).toEqual(before);
    expect(after[1] === before[0]).toBe(true);
  });

  it('leads to a cell by click and by keyboard', () => {
    const { node, reveal } = table(() => undefined);
    const row = node.querySelector<HTMLElement>('[data-cell-id="a1"]');

    row?.click();
    row?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));

    expect(reveal.mock.calls).toEqual([['a1'], ['a1']]);
  });
});
