import { describe, expect, it } from 'vitest';

import { change } from '../../src/compare';
import { entryOf, KEY, readEntry, SCHEMA, sourceHash } from '../../src/embed/entry';
import { decode, type IFigures, type IRecord } from '../../src/wire';
import { golden } from './golden';

interface ICell {
  id?: string;
  source: string | string[];
  metadata: Record<string, unknown>;
}

const notebooks: Record<string, string> = import.meta.glob('../fixtures/figures.ipynb', {
  eager: true, query: '?raw', import: 'default'
});
const { cells } = JSON.parse(Object.values(notebooks)[0] ?? '{}') as { cells: ICell[] };
const good = cells[0]?.metadata[KEY] as Record<string, unknown>;

function record(): IRecord {
  const decoded = decode(golden('cell-end'));
  if (!decoded.ok || decoded.message.kind !== 'cell-end') {
    throw new Error('the message does not decode');
  }
  return decoded.message.record;
}

describe('figures in the metadata of a cell', () => {
  it('are read as the command line reads them, from the same file', () => {
    const entry = readEntry(good);
    expect(entry?.cellId).toBe('c1');
    expect(entry?.energyJ).toBeCloseTo(36);
    expect(entry?.co2G).toBeCloseTo(4.14e-4);
    expect(entry?.provenance).toBe('measured');
    expect(entry?.meanPowerW).toBeCloseTo(18);
  });

  it('have the hash that the command line computes', async () => {
    expect(await sourceHash('x = 1')).toBe(good['source_hash']);
    expect(await sourceHash('x = 2')).not.toBe(good['source_hash']);
  });

  it('of a finished run can be read again', () => {
    const run = record();
    const entry = entryOf(run, 'c3f0', '0123456789abcdef');
    const again = readEntry(JSON.parse(JSON.stringify(entry)));
    expect(entry['schema']).toBe(SCHEMA);
    expect(Object.keys(entry)).not.toContain('source');
    expect(again?.energyJ).toBeCloseTo(run.energyJ ?? NaN, 9);
    expect(again?.co2HighG).toBeCloseTo(run.co2HighG ?? NaN, 9);
    expect(again?.durationS).toBe(run.durationS);
  });

  it.each([
    null, undefined, 1, 'x', [], {},
    { ...good, schema: 'greencell.cell.v2' },
    { ...good, source_hash: '<img src=x>' },
    { ...good, energy_kwh: Infinity },
    { ...good, energy_kwh: '1' },
    { ...good, energy_kwh: null },
    { ...good, energy_low_kwh: 1 },
    { ...good, energy_low_kwh: -1 },
    { ...good, co2_kg: 1e300 },
    { ...good, duration_s: -1 },
    { ...good, status: '__proto__' },
    { ...good, provenance: 'certain' },
    { ...good, flags: 'gap' },
    { ...good, cell_id: {} }
  ])('are none if they are not exactly that: case %#', value => {
    expect(readEntry(value)).toBeNull();
  });

  it('may lack what is unknown', () => {
    const unknown = { energy_kwh: null, energy_low_kwh: null, energy_high_kwh: null };
    expect(readEntry({ ...good, ...unknown })?.energyJ).toBeNull();
  });
});

describe('one run beside the one before', () => {
  const figures = (energyLowJ: number, energyJ: number, energyHighJ: number): IFigures => ({
    energyLowJ, energyJ, energyHighJ, co2G: null, co2LowG: null, co2HighG: null
  });

  it('differs only where the intervals are apart', () => {
    expect(change(figures(70, 80, 90), figures(95, 100, 105))).toBeCloseTo(-0.2);
    expect(change(figures(120, 130, 140), figures(95, 100, 105))).toBeCloseTo(0.3);
    expect(change(figures(70, 80, 96), figures(95, 100, 105))).toBeNull();
  });

  it('says nothing of what is unknown or nothing', () => {
    expect(change({ ...figures(1, 1, 1), energyJ: null }, figures(2, 2, 2))).toBeNull();
    expect(change(figures(1, 1, 1), figures(0, 0, 0))).toBeNull();
  });
});
