// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { SessionModel } from '../../src/model';
import { Method } from '../../src/panel/method';
import { Summary } from '../../src/panel/summary';
import { Where } from '../../src/panel/where';
import { decode } from '../../src/wire';
import { golden } from './golden';

const trans = nullTranslator.load('greencell');
const COMMAND = 'sudo modprobe -a intel_rapl_common intel_rapl_msr';

type Fields = Record<string, unknown>;

/** A session whose snapshot has these fields in its info and totals. */
function session(info: Fields = {}, totals: Fields = {}): SessionModel {
  const data = golden('snapshot');
  const decoded = decode({
    ...data,
    info: { ...(data['info'] as Fields), ...info },
    totals: { ...(data['totals'] as Fields), ...totals }
  });
  if (!decoded.ok) {
    throw new Error('the snapshot does not decode');
  }
  const model = new SessionModel();
  model.receive(decoded.message);
  return model;
}

const plain = (node: Element | null): string => (node?.textContent ?? '').replace(/\u202f/g, ' ');

describe('Summary', () => {
  const shown = (info: Fields, totals: Fields): HTMLElement => {
    const summary = new Summary(trans, () => undefined, () => undefined);
    summary.update(session(info, totals), []);
    return summary.node;
  };
  const machine = (totals: Fields): HTMLElement => {
    const line = shown({}, totals).querySelector<HTMLElement>('[data-gc="machine"]');
    if (!line) {
      throw new Error('no line about the machine');
    }
    return line;
  };

  it('shows a wide interval in the headline, and the best guess below', () => {
    const node = shown({}, {});
    const energy = node.querySelector('[data-gc="session-energy"]');

    expect(plain(energy)).toBe('Energy10–52mWh');
    expect(energy?.getAttribute('data-energy-j')).toBe('92.5');
    expect(plain(node)).toContain('best guess ≈ 26 mWh');
  });

  it('shows a narrow one by a number and ±', () => {
    const node = shown({}, { energy_low_j: 90, energy_high_j: 95, provenance: 'measured' });

    expect(plain(node.querySelector('[data-gc="session-energy"]'))).toBe('Energy25.7mWh');
    expect(plain(node)).toContain('± 3 %');
  });

  it('says what else used the machine, if it is known and of weight', () => {
    expect(plain(machine({ others_j: 26 }))).toBe('machine ≈ 29 mWh · others 25 %');
    expect(plain(machine({ others_j: 26, node_j: 3600 }))).toBe(
      'machine ≈ 29 mWh · others 25 % · whole machine (meter) 1.00 Wh'
    );
    expect(plain(machine({ others_j: 0.5, node_j: 3600 }))).toBe('whole machine (meter) 1.00 Wh');
    expect(machine({}).hidden).toBe(true);
    expect(machine({ others_j: null, node_j: null }).hidden).toBe(true);
    expect(machine({ others_j: 26 }).hidden).toBe(false);
  });
});

describe('Where', () => {
  const shown = (totals: Fields): string => {
    const where = new Where(trans);
    where.update(session({}, totals));
    return plain(where.node);
  };

  it('tells others and idle apart where the kernel does', () => {
    expect(shown({ others_j: 26, idle_j: 10.4 })).toContain('not counted here: 25 % by others, 10 % idle.');
    expect(shown({})).toContain('11 % of it by others');
  });

  const sources = [
    { id: 'rapl', component: 'cpu', kind: 'counter', provenance: 'measured', detail: 'package 0', relative_error: 0.02, baseline_w: 4.2 },
    { id: 'model:dram', component: 'dram', kind: 'model', provenance: 'estimated', detail: '', relative_error: 0.5 },
    { id: 'psys', component: 'cpu', kind: 'counter', provenance: 'measured', detail: 'beside', scope: 'node' }
  ];
  const parts = (totals: Fields): HTMLElement[] => {
    const where = new Where(trans);
    where.update(session({ sources }, { provenance: 'mixed', by_component_j: { dram: 18, cpu: 72 }, energy_j: 90, ...totals }));
    return [...where.node.querySelectorAll<HTMLElement>('[data-gc="part"]')];
  };

  it('lists each component with its share, its source and how that knows, in the order of the chart', () => {
    const [cpu, dram] = parts({});

    expect(plain(cpu ?? null)).toBe('CPU20.0 mWh80 %package 0 · measured ± 2 % · idle 4.2 W');
    expect(plain(dram ?? null)).toBe('RAM≈ 5.0 mWh20 %model:dram · estimated ± 50 %');
  });

  it('adds up to the session twice: by component, and in and between cells', () => {
    const joules = parts({ between_cells_j: 12 }).map(part => Number(part.dataset['energyJ']));

    expect(joules).toEqual([72, 18, 78, 12]);
    expect(parts({ between_cells_j: 100 }).map(part => Number(part.dataset['energyJ']))).toEqual([72, 18, 0, 90]);
  });

  it('keeps its rows while their figures change', () => {
    const where = new Where(trans);
    where.update(session({}, {}));
    const before = where.node.querySelector('[data-gc="part"]');
    where.update(session({}, { by_component_j: { cpu: 100 } }));

    expect(where.node.querySelector('[data-gc="part"]') === before).toBe(true);
    expect(before?.getAttribute('data-energy-j')).toBe('100');
  });
});

describe('Method', () => {
  const skipped = {
    id: 'rapl',
    reason: 'its counter may not be read',
    remedy: COMMAND,
    caution: 'any program of yours can then read it',
    benefit: 'cpu measured instead of estimated'
  };
  const copy = vi.fn();
  const shown = (info: Fields): HTMLElement => {
    const made = new Method(trans, copy);
    made.update(session(info));
    return made.node;
  };

  beforeEach(() => {
    vi.useFakeTimers();
    copy.mockReset();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('says of each source tried why not, how to, what that opens and what it brings', () => {
    const node = shown({ skipped: [skipped, { id: 'nvml', reason: 'no driver', remedy: '' }] });
    const [rapl, nvml] = node.querySelectorAll('[data-gc="skipped"]');

    expect(node.textContent).toContain('Why this is an estimate');
    expect(plain(rapl ?? null)).toContain('its counter may not be read');
    expect(plain(rapl ?? null)).toContain('It would bring: cpu measured instead of estimated');
    expect(rapl?.querySelector('code')?.textContent).toBe(COMMAND);
    expect(rapl?.querySelector('small')?.textContent).toBe('any program of yours can then read it');
    expect(plain(nvml ?? null)).toBe('nvml no driver');
  });

  it('copies exactly the command, and says so for a moment', () => {
    const button = shown({ skipped: [skipped] }).querySelector('button');
    button?.click();

    expect(copy.mock.calls).toEqual([[COMMAND]]);
    expect(button?.textContent).toBe('Copied');
    vi.advanceTimersByTime(3000);
    expect(button?.textContent).toBe('Copy');
  });

  it.each(['run on bare metal', 'nvidia-smi shows what is wrong', 'sudo true\nrm -rf ~'])(
    'offers no copy of what is no command to paste: %j',
    remedy => {
      const node = shown({ skipped: [{ ...skipped, remedy }] });

      expect(node.querySelector('button')).toBeNull();
      expect(node.textContent).toContain(`To enable: ${remedy}`);
    }
  );

  it('lists meters of the whole machine apart, beside the sum', () => {
    const source = { id: 'model:vcpu', component: 'cpu', kind: 'model', provenance: 'estimated', detail: 'a model' };
    const psys = { ...source, id: 'rapl:psys', component: 'node', provenance: 'measured', detail: 'psys', scope: 'node' };
    const node = shown({ sources: [{ ...source, baseline_w: 4.2, lag_s: 0 }, { ...psys, lag_s: 1.5 }] });
    const lists = [...node.querySelectorAll('dl')].map(plain);

    expect(lists[0]).toBe('CPUa model (estimated) · idle 4.2 W');
    expect(lists[1]).toBe('nodepsys (measured) · 1.5 s late');
    expect(node.textContent).toContain('Beside the sum');
    expect(shown({}).textContent).not.toContain('Beside the sum');
  });

  it('stays as it is while nothing changes: a command may be being copied', () => {
    const made = new Method(trans, copy);
    const model = session({ skipped: [skipped] });
    made.update(model);
    const code = made.node.querySelector('code');
    made.update(model);

    expect(made.node.querySelector('code') === code).toBe(true);
  });

  it('takes hostile texts for text', () => {
    const hostile = '<img src=x onerror=alert(1)>';
    const node = shown({ skipped: [{ id: hostile, reason: hostile, remedy: hostile, caution: hostile, benefit: hostile }] });

    expect(node.querySelector('img')).toBeNull();
  });
});
