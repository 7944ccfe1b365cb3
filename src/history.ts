/** The past of a notebook: the kernel's answer about its earlier sessions, and its guard. */
import { attempt, list, number, object, oneOf, type Raw, text, textOrNull } from './guard';
import { figures, type IFigures, type Provenance, provenance, textsIfAny } from './wire';

const MAX_SESSIONS = 51;
const MAX_CELLS = 200;
export const MAX_RUNS = 10;

export interface IPast extends IFigures {
  provenance: Provenance;
  flags: readonly string[];
  /** What the intensities in the CO2 count; two of them are a mixture. */
  bases: readonly string[];
  cells: number;
}

export interface IPastSession extends IPast {
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
  total: IPast | null;
  cells: readonly IPastCell[];
}

/** Read the content of a reply; `null` if it is something else. */
export function decodeHistory(content: unknown): IHistory | null {
  const read = attempt(() => {
    const raw = object(object(content)['history']);
    return {
      sessions: list(raw['sessions'], session).slice(-MAX_SESSIONS),
      more: raw['more'] === true,
      total: attempt(() => past(object(raw['total']))) ?? null,
      cells: list(raw['cells'], cell)
        .slice(0, MAX_CELLS)
        .filter(({ runs }) => runs.length > 1)
    };
  });
  return read ?? null;
}

function past(raw: Raw): IPast {
  return {
    ...figures(raw),
    provenance: provenance(raw['provenance']),
    flags: textsIfAny(raw['flags']),
    bases: textsIfAny(raw['bases']),
    cells: number(raw['cells'])
  };
}

function session(value: unknown): IPastSession {
  const raw = object(value);
  return {
    ...past(raw),
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
