/** The past of a notebook: the kernel's answer about its earlier sessions, and its guard. */
import { attempt, list, number, numberOrNull, object, oneOf, type Raw, text, textOrNull } from './guard';

const MAX_SESSIONS = 51;
const MAX_CELLS = 200;
export const MAX_RUNS = 10;

type Provenance = 'measured' | 'estimated' | 'mixed';

/** Energies in J, masses in g; `null` where nothing is known. */
export interface IPastFigures {
  energyJ: number | null;
  energyLowJ: number | null;
  energyHighJ: number | null;
  co2G: number | null;
  co2LowG: number | null;
  co2HighG: number | null;
  provenance: Provenance;
  flags: readonly string[];
  /** What the intensities in the CO2 count; two of them are a mixture. */
  bases: readonly string[];
  cells: number;
}

export interface IPastSession extends IPastFigures {
  state: 'running' | 'ended' | 'lost';
  /** In s since the epoch. */
  startedAt: number;
  durationS: number;
  label: string | null;
  zoneName: string;
  isHere: boolean;
}

/** What one run of a cell cost. */
export interface IPastRun {
  at: number;
  energyJ: number;
  energyLowJ: number;
  energyHighJ: number;
  provenance: Provenance;
}

export interface IPastCell {
  cellId: string;
  label: string | null;
  /** Oldest first, two at least. */
  runs: readonly IPastRun[];
}

export interface IHistory {
  /** Oldest first. */
  sessions: readonly IPastSession[];
  /** Whether there are earlier ones. */
  more: boolean;
  total: IPastFigures | null;
  cells: readonly IPastCell[];
}

/** Read the content of a reply; `null` if it is something else. */
export function decodeHistory(content: unknown): IHistory | null {
  const read = attempt(() => {
    const raw = object(object(content)['history']);
    return {
      sessions: list(raw['sessions'], session).slice(-MAX_SESSIONS),
      more: raw['more'] === true,
      total: attempt(() => figures(object(raw['total']))) ?? null,
      cells: list(raw['cells'], cell)
        .slice(0, MAX_CELLS)
        .filter(({ runs }) => runs.length > 1)
    };
  });
  return read ?? null;
}

function figures(raw: Raw): IPastFigures {
  return {
    energyJ: numberOrNull(raw['energy_j']),
    energyLowJ: numberOrNull(raw['energy_low_j']),
    energyHighJ: numberOrNull(raw['energy_high_j']),
    co2G: numberOrNull(raw['co2_g']),
    co2LowG: numberOrNull(raw['co2_low_g']),
    co2HighG: numberOrNull(raw['co2_high_g']),
    provenance: provenance(raw['provenance']),
    flags: list(raw['flags'], text),
    bases: list(raw['bases'], text),
    cells: number(raw['cells'])
  };
}

function session(value: unknown): IPastSession {
  const raw = object(value);
  return {
    ...figures(raw),
    state: oneOf(raw['state'], ['running', 'ended', 'lost'] as const),
    startedAt: number(raw['started_at']),
    durationS: number(raw['duration_s']),
    label: textOrNull(raw['label']),
    zoneName: text(raw['zone_name']),
    isHere: raw['is_here'] === true
  };
}

function cell(value: unknown): IPastCell {
  const raw = object(value);
  return {
    cellId: text(raw['cell_id']),
    label: textOrNull(raw['label']),
    runs: list(raw['runs'], run).slice(-MAX_RUNS)
  };
}

function run(value: unknown): IPastRun {
  const raw = object(value);
  return {
    at: number(raw['at']),
    energyJ: number(raw['energy_j']),
    energyLowJ: number(raw['energy_low_j']),
    energyHighJ: number(raw['energy_high_j']),
    provenance: provenance(raw['provenance'])
  };
}

function provenance(value: unknown): Provenance {
  return oneOf(value, ['measured', 'estimated', 'mixed'] as const);
}
