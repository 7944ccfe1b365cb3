// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { Badge } from '../../src/badges/badge';
import { SessionModel } from '../../src/model';
import { decode } from '../../src/wire';
import { golden } from './golden';

const trans = nullTranslator.load('greencell');

/** A badge after a cell ended with this record. */
function shown(name: string, change: Record<string, unknown> = {}, edited = false): HTMLElement {
  const data = golden(name);
  const decoded = decode({ ...data, record: { ...(data['record'] as object), ...change } });
  const model = new SessionModel();
  if (decoded.ok) {
    model.receive(decoded.message);
  }
  const runs = model.runsOf('c3f0');
  const badge = new Badge('c3f0');
  if (runs) {
    badge.showRuns(runs, trans, false, edited);
  }
  return badge.node;
}

const plain = (node: HTMLElement): string => node.textContent.replace(/\u202f/g, ' ');

describe('Badge', () => {
  it('shows energy, CO2, time and power of the last run', () => {
    const node = shown('cell-end', { energy_low_j: 38, energy_high_j: 45, co2_low_g: 4e-4, provenance: 'measured' });

    expect(plain(node)).toBe('11.5 mWh · 474 µg CO₂e · 5.0 s · 8.23 W');
    expect(node.getAttribute('data-energy-j')).toBe('41.25');
  });

  it('marks a provisional figure at its end and says so', () => {
    const node = shown('cell-end-provisional', { flags: [] });

    expect(plain(node)).toBe('4–23 mWh · 0.1–1.2 mg CO₂e · 5.0 s · ≈ 8.2 W …');
    expect(node.title).toContain('provisional: final at the meter’s next tick');
    expect(shown('cell-end').textContent).not.toContain('…');
    expect(shown('cell-end').title).not.toContain('provisional');
  });

  it('tells what a run too short for the meter is below, without a power', () => {
    const node = shown('cell-end', { flags: ['too-short'], energy_low_j: 0, co2_low_g: 0 });

    expect(plain(node)).toBe('< 23 mWh · < 1.2 mg CO₂e · 5.0 s');
    expect(node.title).toContain('%%energy repeats it');
    expect(node.getAttribute('data-energy-j')).toBe('41.25');
  });

  it('says that the code has changed since it ran, to the eye and to who listens', () => {
    const node = shown('cell-end', {}, true);

    expect(plain(node)).toMatch(/Wh .* · changed since$/);
    expect(node.getAttribute('aria-label')).toContain('changed since');
    expect(shown('cell-end').textContent).not.toContain('changed since');
  });

  it('says what else used the machine', () => {
    expect(shown('cell-end-provisional').title.replace(/\u202f/g, ' ')).toContain(
      'machine ≈ 17 mWh · others 25 % · whole machine (meter) 19.9 mWh'
    );
  });
});
