/** What if: the kernel's answer about other places, other hours and everyday things, and its guard. */
import {
  attempt,
  list,
  longText,
  number,
  numberIfAny,
  numberOrNull,
  object,
  text
} from './guard';

const MAX_ROWS = 20;
const MAX_POINTS = 500;

/** The session in one place. */
export interface IElsewhere {
  zone: string;
  zoneName: string;
  co2G: number;
  co2LowG: number;
  co2HighG: number;
  intensityGPerKwh: number;
  pue: number;
  basis: string;
  year: number | null;
  isHere: boolean;
  /** Whether its figure counts the same as that of here. */
  isComparable: boolean;
  /** To here; `null` where it must not be told. */
  ratio: number | null;
}

/** A step of a forecast: the intensity from `at` on, in s since the epoch. */
export interface IForecastPoint {
  at: number;
  intensityGPerKwh: number;
}

/** The hour in which the same work would cause the least. */
export interface IBestStart {
  at: number;
  saving: number;
  durationS: number;
}

export interface IAhead {
  provider: string;
  zone: string;
  basis: string;
  points: readonly IForecastPoint[];
  best: IBestStart | null;
}

export interface IEquivalent {
  words: string;
  source: string;
}

export interface IWhatIf {
  /** Ascending. */
  rows: readonly IElsewhere[];
  note: string;
  ahead: IAhead | null;
  /** Why there is no forecast. */
  aheadNote: string;
  equivalents: readonly IEquivalent[];
}

/** Read the content of a reply; `null` if it is something else. */
export function decodeWhatIf(content: unknown): IWhatIf | null {
  const read = attempt(() => {
    const raw = object(object(content)['what_if']);
    const elsewhere = object(raw['elsewhere']);
    return {
      rows: list(elsewhere['rows'], row).slice(0, MAX_ROWS),
      note: longText(elsewhere['note']),
      ahead: raw['ahead'] === null ? null : ahead(raw['ahead']),
      aheadNote: longText(raw['ahead_note']),
      equivalents: list(raw['equivalents'], equivalent).slice(0, MAX_ROWS)
    };
  });
  return read ?? null;
}

function row(value: unknown): IElsewhere {
  const raw = object(value);
  return {
    zone: text(raw['zone']),
    zoneName: text(raw['zone_name']),
    co2G: number(raw['co2_g']),
    co2LowG: number(raw['co2_low_g']),
    co2HighG: number(raw['co2_high_g']),
    intensityGPerKwh: number(raw['intensity_g_per_kwh']),
    pue: number(raw['pue']),
    basis: text(raw['basis']),
    year: numberOrNull(raw['year']),
    isHere: raw['is_here'] === true,
    isComparable: raw['is_comparable'] === true,
    ratio: numberIfAny(raw['ratio'])
  };
}

function ahead(value: unknown): IAhead {
  const raw = object(value);
  return {
    provider: text(raw['provider']),
    zone: text(raw['zone']),
    basis: text(raw['basis']),
    points: list(raw['points'], point).slice(0, MAX_POINTS),
    best: attempt(() => best(raw['best'])) ?? null
  };
}

function point(value: unknown): IForecastPoint {
  const raw = object(value);
  return { at: number(raw['at']), intensityGPerKwh: number(raw['intensity_g_per_kwh']) };
}

function best(value: unknown): IBestStart {
  const raw = object(value);
  return { at: number(raw['at']), saving: number(raw['saving']), durationS: number(raw['duration_s']) };
}

function equivalent(value: unknown): IEquivalent {
  const raw = object(value);
  return { words: text(raw['words']), source: text(raw['source']) };
}
