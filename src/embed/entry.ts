/** What a cell's metadata may tell of its last run, key `greencell`. Pure; a file is nobody's word. */
import { attempt, list, Misfit, number, numberOrNull, object, oneOf, type Raw, text } from '../guard';
import type { CellStatus, IFigures, IRecord, Provenance } from '../wire';

export const KEY = 'greencell';
export const SCHEMA = 'greencell.cell.v1';
const J_PER_KWH = 3.6e6;
const G_PER_KG = 1000;
const STATUSES: readonly CellStatus[] = ['ok', 'error', 'interrupted', 'lost'];
const PROVENANCES: readonly Provenance[] = ['measured', 'estimated', 'mixed'];
const HASH = /^[0-9a-f]{16}$/;
const HASH_DIGITS = 16;

export interface IEntry extends IFigures {
  /** Of the cell that ran; a copy has another. */
  cellId: string;
  /** Of the code that ran; see `sourceHash`. */
  sourceHash: string;
  status: CellStatus;
  durationS: number;
  provenance: Provenance;
  flags: readonly string[];
  meanPowerW: number | null;
}

/** The entry of a finished run. */
export function entryOf(record: IRecord, cellId: string, hash: string): Record<string, string | number | null | string[]> {
  const kwh = (energyJ: number | null): number | null => (energyJ === null ? null : energyJ / J_PER_KWH);
  const kg = (massG: number | null): number | null => (massG === null ? null : massG / G_PER_KG);
  return {
    schema: SCHEMA,
    cell_id: cellId,
    source_hash: hash,
    run: record.run,
    status: record.status,
    started_at: new Date(record.startedAt * 1000).toISOString(),
    duration_s: record.durationS,
    energy_kwh: kwh(record.energyJ),
    energy_low_kwh: kwh(record.energyLowJ),
    energy_high_kwh: kwh(record.energyHighJ),
    co2_kg: kg(record.co2G),
    co2_low_kg: kg(record.co2LowG),
    co2_high_kg: kg(record.co2HighG),
    provenance: record.provenance,
    zone: record.zone,
    intensity_g_per_kwh: record.intensityGPerKwh,
    flags: [...record.flags]
  };
}

/** What a file says, if it is exactly that; else nothing. */
export function readEntry(value: unknown): IEntry | null {
  const entry = attempt(() => {
    const raw = object(value);
    if (raw['schema'] !== SCHEMA || !HASH.test(text(raw['source_hash']))) {
      throw new Misfit();
    }
    const [energyLowJ, energyJ, energyHighJ] = interval(raw, 'energy', 'kwh', J_PER_KWH);
    const [co2LowG, co2G, co2HighG] = interval(raw, 'co2', 'kg', G_PER_KG);
    const durationS = positive(number(raw['duration_s']));
    return {
      cellId: text(raw['cell_id']),
      sourceHash: text(raw['source_hash']),
      status: oneOf(raw['status'], STATUSES),
      durationS,
      provenance: oneOf(raw['provenance'], PROVENANCES),
      flags: list(raw['flags'], text),
      energyJ, energyLowJ, energyHighJ, co2G, co2LowG, co2HighG,
      meanPowerW: energyJ !== null && durationS > 0 ? energyJ / durationS : null
    };
  });
  return entry ?? null;
}

type Ends = [number, number, number] | [null, null, null];

/** All three in their order, or none of them. */
function interval(raw: Raw, name: string, unit: string, perUnit: number): Ends {
  const ends = [`${name}_low_${unit}`, `${name}_${unit}`, `${name}_high_${unit}`].map(key => numberOrNull(raw[key]));
  const [low, value, high] = ends;
  if (ends.every(end => end === null)) {
    return [null, null, null];
  }
  if (low == null || value == null || high == null || low < 0 || low > value || value > high) {
    throw new Misfit();
  }
  return [low * perUnit, value * perUnit, high * perUnit];
}

function positive(value: number): number {
  if (value < 0) {
    throw new Misfit();
  }
  return value;
}

/** By which an edited cell is recognised; `null` where the page may not compute it (plain http). */
export async function sourceHash(source: string): Promise<string | null> {
  // Not there on a page that came by plain http from another machine, whatever its type says.
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (!subtle) {
    return null;
  }
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(source));
  const hex = [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('');
  return hex.slice(0, HASH_DIGITS);
}
