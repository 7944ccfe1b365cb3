/**
 * The only place where units and rounding meet text.
 *
 * Energy in the Wh family, CO2 equivalents in the gram family; three significant digits, two and
 * a sign for what is not purely measured; unknown is a dash, never 0. A figure whose interval is
 * wide is shown by the interval, rounded outwards so that it still holds.
 */
import type { Hold } from './hold';
import { POWER_FROM_S } from './trace';
import type { IFigures, IIdlePower, Provenance } from './wire';

export const UNKNOWN = '–';
const THIN = '\u202f';
/** How all figures of this page are shown, as the user has set it. */
export interface IStyle {
  energyUnit: 'Wh' | 'J';
  /** Significant digits of what is measured. */
  digits: number;
}

let style: IStyle = { energyUnit: 'Wh', digits: 3 };

/** Show figures like this from now on; views redraw themselves when settings change. */
export function useStyle({ energyUnit, digits: count }: IStyle): void {
  if (energyUnit !== style.energyUnit || count !== style.digits) {
    style = { energyUnit, digits: count };
  }
}

/** How figures are shown now; another object when that changed. */
export function currentStyle(): IStyle {
  return style;
}

/** Up to here an interval is told by one number after ±. */
const NARROW = 0.3;
/** Where the high end is more than this many times the low one, no number stands for both. */
const WIDE = 3;
/** Digits of a figure that is not purely measured, and of the ends of an interval. */
const rough = (): number => style.digits - 1;
/** Rounding outwards must not be driven by the last bit of a division. */
const BIT = 1e-9;
const TOO_SHORT = 'too-short';
/** With these flags a part of the energy is missing: there is more of it than the figure says. */
const INCOMPLETE = ['gap', 'lost', 'stale', 'wrap-ambiguous'];

type Units = readonly [number, string][];

const ENERGY_UNITS: Readonly<Record<IStyle['energyUnit'], Units>> = {
  Wh: [
    [1e3, 'kWh'],
    [1, 'Wh'],
    [1e-3, 'mWh'],
    [1e-6, 'µWh'],
    [1e-9, 'nWh']
  ],
  J: [
    [1e6, 'MJ'],
    [1e3, 'kJ'],
    [1, 'J'],
    [1e-3, 'mJ'],
    [1e-6, 'µJ']
  ]
};
const J_PER_UNIT: Readonly<Record<IStyle['energyUnit'], number>> = { Wh: 3600, J: 1 };
const energyUnits = (): Units => ENERGY_UNITS[style.energyUnit];

/** An energy in the unit of which the others are multiples. */
function inUnit(energyJ: number | null): number | null {
  return energyJ === null ? null : energyJ / J_PER_UNIT[style.energyUnit];
}
const MASS_UNITS: Units = [
  [1e3, 'kg'],
  [1, 'g'],
  [1e-3, 'mg'],
  [1e-6, 'µg'],
  [1e-9, 'ng']
];

/** A number and its unit, for headlines that set them apart. */
export interface IQuantity {
  value: string;
  unit: string;
}

export type EnergyFigures = Pick<IFigures, 'energyJ' | 'energyLowJ' | 'energyHighJ'>;
export type Co2Figures = Pick<IFigures, 'co2G' | 'co2LowG' | 'co2HighG'>;

/** How figures are known. */
export interface IKnown {
  provenance: Provenance;
  flags?: readonly string[];
  /** How many seconds of it nobody has told of: it is marked, also where it is an interval. */
  carriedS?: number;
}

/** What a figure can honestly be shown as: itself, its two ends, what it is below, or a dash. */
export type Form = 'value' | 'range' | 'below' | 'unknown';

/** The form in which an energy is shown. */
export function energyForm(figures: EnergyFigures & IKnown): Form {
  return formOfSpan(energySpan(figures), figures.flags);
}

/** The form in which a mass of CO2 equivalents is shown. */
export function co2Form(figures: Co2Figures & IKnown): Form {
  return formOfSpan(co2Span(figures), figures.flags);
}

/** The energy with all that is known of it: "3.42 Wh", "≈ 3.4 Wh", "0.4–1.9 Wh", "< 0.2 Wh", "≥ 3.42 Wh". */
export function energyWithInterval(figures: EnergyFigures & IKnown, hold?: Hold): string {
  return joined(energyQuantity(figures, hold));
}

/** The same for the mass of CO2 equivalents. */
export function co2WithInterval(figures: Co2Figures & IKnown): string {
  return joined(co2Quantity(figures));
}

/** `hold` is that of a figure that is live. */
export function energyQuantity(figures: EnergyFigures & IKnown, hold?: Hold): IQuantity {
  return spanQuantity(energySpan(figures), figures, energyUnits(), hold);
}

export function co2Quantity(figures: Co2Figures & IKnown, hold?: Hold): IQuantity {
  return spanQuantity(co2Span(figures), figures, MASS_UNITS, hold);
}

type RunFigures = EnergyFigures & IKnown & { durationS: number; meanPowerW: number | null };

/** The mean power of a run; empty where it was too short, or the energy is not known well enough. */
export function meanPower(figures: RunFigures): string {
  if (!showsMeanPower(figures)) {
    return '';
  }
  const sign = energyForm(figures) === 'range' ? mark() : '';
  return sign + power(figures.meanPowerW, isEstimated(figures.provenance));
}

/** Whether a run's mean power says anything. */
export function showsMeanPower(figures: RunFigures): boolean {
  const form = energyForm(figures);
  return form !== 'below' && form !== 'unknown' && figures.meanPowerW !== null && figures.durationS >= POWER_FROM_S;
}

export function isTooShort(flags: readonly string[]): boolean {
  return flags.includes(TOO_SHORT);
}

export function isIncomplete(flags: readonly string[]): boolean {
  return flags.some(flag => INCOMPLETE.includes(flag));
}

/** An energy without its interval, where there is none or another figure carries it. */
export function energy(energyJ: number | null, provenance: Provenance, hold?: Hold): string {
  return joined(valueQuantity(inUnit(energyJ), provenance, energyUnits(), hold));
}

export function power(powerW: number | null, estimated: boolean, hold?: Hold): string {
  return powerW === null ? UNKNOWN : `${digits(powerW, estimated ? rough() : style.digits, hold?.of(powerW))}${THIN}W`;
}

/** A power that is only estimated, within its interval: "≈ 3.1 W", or "2–19 W" where that is wide. */
export function powerWithInterval({ powerW, lowW, highW }: IIdlePower): string {
  return joined(
    highW > WIDE * lowW ? range(lowW, highW, [[1, 'W']]) : prefixed(powerW > 0 ? mark() : '', quantity(powerW, [[1, 'W']], true))
  );
}

/** A round number of watts, at the axis of a chart. */
export function watts(powerW: number): string {
  return `${powerW}${THIN}W`;
}

/** How long before now, at the axis of a chart. */
export function ago(durationS: number): string {
  const seconds = Math.round(durationS);
  return seconds < 60
    ? `−${seconds}${THIN}s`
    : `−${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** A moment, in this page's time and language. */
export function timeOfDay(epochS: number): string {
  return new Date(epochS * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** A moment that may be some days ago: "18:19", "29 Jan, 18:19". */
export function moment(epochS: number, nowS: number): string {
  const [at, now] = [new Date(epochS * 1000), new Date(nowS * 1000)];
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const isToday = at.toDateString() === now.toDateString();
  return isToday ? time : `${at.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`;
}

export function duration(durationS: number): string {
  if (durationS < 0.9995) {
    return `${Math.round(durationS * 1000)}${THIN}ms`;
  }
  if (durationS < 59.95) {
    return `${durationS.toFixed(1)}${THIN}s`;
  }
  return clock(Math.round(durationS));
}

/** A duration without fractions, for what counts live. */
export function clock(durationS: number): string {
  const seconds = Math.floor(durationS);
  if (durationS > 0 && seconds === 0) {
    return `<${THIN}1${THIN}s`;
  }
  if (seconds < 60) {
    return `${seconds}${THIN}s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes}${THIN}min ${String(seconds % 60).padStart(2, '0')}${THIN}s`;
  }
  return `${Math.floor(minutes / 60)}${THIN}h ${String(minutes % 60).padStart(2, '0')}${THIN}min`;
}

export function isEstimated(provenance: Provenance): boolean {
  return provenance !== 'measured';
}

/** The interval of an energy: "± 4 %" or its two ends, "1.7–6.8 Wh"; empty if unknown. */
export function interval(figures: EnergyFigures): string {
  return spanInterval(energySpan(figures), energyUnits());
}

/** The interval of a mass of CO2 equivalents. */
export function co2Interval(figures: Co2Figures): string {
  return spanInterval(co2Span(figures), MASS_UNITS);
}

export function intensity(gPerKwh: number): string {
  return `${digits(gPerKwh, 3)}${THIN}g/kWh`;
}

/** A relative uncertainty: "± 20 %". */
export function plusMinus(relative: number): string {
  return `±${THIN}${Math.max(1, Math.round(100 * relative))}${THIN}%`;
}

export function percent(share: number): string {
  return share > 0 && share < 0.005 ? `<${THIN}1${THIN}%` : `${Math.round(100 * share)}${THIN}%`;
}

/** A number with `count` significant digits and no exponent; as many decimals as `ruler` takes. */
export function digits(value: number, count: number, ruler = value): string {
  if (value === 0 || !Number.isFinite(value)) {
    return value === 0 ? '0' : UNKNOWN;
  }
  // Rounded first: 0.9997 is 1.00, with the digits of the rounded number.
  const rounded = Number(ruler.toPrecision(count));
  const magnitude = Math.floor(Math.log10(Math.abs(rounded)));
  const step = 10 ** Math.max(0, magnitude - count + 1);
  return (step > 1 ? Math.round(value / step) * step : value).toFixed(Math.min(100, Math.max(0, count - 1 - magnitude)));
}

/** A value with its two ends, in Wh, J or g. */
interface ISpan {
  low: number | null;
  value: number | null;
  high: number | null;
}

function energySpan({ energyJ, energyLowJ, energyHighJ }: EnergyFigures): ISpan {
  return { low: inUnit(energyLowJ), value: inUnit(energyJ), high: inUnit(energyHighJ) };
}

function co2Span({ co2G, co2LowG, co2HighG }: Co2Figures): ISpan {
  return { low: co2LowG, value: co2G, high: co2HighG };
}

function formOfSpan({ low, value, high }: ISpan, flags: readonly string[] = []): Form {
  if (value === null) {
    return 'unknown';
  }
  if (isTooShort(flags)) {
    // With readings missing, the high end is no bound either.
    return high === null || isIncomplete(flags) ? 'unknown' : 'below';
  }
  return low !== null && high !== null && high > WIDE * Math.max(0, low) ? 'range' : 'value';
}

function spanQuantity(span: ISpan, { provenance, flags = [], carriedS = 0 }: IKnown, units: Units, hold?: Hold): IQuantity {
  const least = isIncomplete(flags) ? `≥${THIN}` : '';
  switch (formOfSpan(span, flags)) {
    case 'unknown':
      return { value: UNKNOWN, unit: '' };
    case 'below':
      return below(span.high ?? 0, units);
    case 'range':
      return prefixed(least || (carriedS > 0 ? mark() : ''), range(span.low ?? 0, span.high ?? 0, units, hold));
    case 'value':
      return least === ''
        ? valueQuantity(span.value, provenance, units, hold)
        : prefixed(least, quantity(span.value, units, isEstimated(provenance), hold));
  }
}

/** A value, with a sign if it is not purely measured; nothing is nothing, without one. */
function valueQuantity(value: number | null, provenance: Provenance, units: Units, hold?: Hold): IQuantity {
  const sign = value && isEstimated(provenance) ? mark() : '';
  return prefixed(sign, quantity(value, units, isEstimated(provenance), hold));
}

/** Two ends in one unit, as many decimals as the high one needs, rounded outwards. */
function range(low: number, high: number, units: Units, hold?: Hold): IQuantity {
  const ruler = hold?.of(roundedUp(high)) ?? roundedUp(high);
  const unit = unitOf(ruler, units);
  if (!unit) {
    return quantity(high, units, true);
  }
  const [scale, name] = unit;
  const decimals = decimalsOf(ruler / scale);
  const step = 10 ** -decimals;
  const from = Math.floor(Math.max(0, low) / scale / step + BIT) * step;
  const to = Math.ceil(roundedUp(high) / scale / step - BIT) * step;
  return { value: `${from < step / 2 ? '0' : from.toFixed(decimals)}–${to.toFixed(decimals)}`, unit: name };
}

/** What a figure is certainly below. */
function below(high: number, units: Units): IQuantity {
  const unit = unitOf(roundedUp(high), units);
  return unit
    ? { value: `<${THIN}${digits(roundedUp(high) / unit[0], rough())}`, unit: unit[1] }
    : quantity(high, units, true);
}

function spanInterval({ low, value, high }: ISpan, units: Units): string {
  if (low === null || value === null || high === null || value <= 0) {
    return '';
  }
  const above = high / value - 1;
  const beneath = 1 - low / value;
  if (Math.max(above, beneath) <= NARROW && Math.abs(above - beneath) < 0.1) {
    return plusMinus(Math.max(above, beneath));
  }
  return joined(range(low, high, units));
}

function quantity(value: number | null, units: Units, estimated: boolean, hold?: Hold): IQuantity {
  if (value === null) {
    return { value: UNKNOWN, unit: '' };
  }
  const ruler = hold?.of(value) ?? value;
  const unit = unitOf(ruler, units, estimated ? rough() : style.digits);
  if (unit) {
    return { value: digits(value / unit[0], estimated ? rough() : style.digits, ruler / unit[0]), unit: unit[1] };
  }
  const base = units.find(([scale]) => scale === 1)?.[1] ?? '';
  const smallest = units[units.length - 1]?.[1] ?? '';
  return value === 0 ? { value: '0', unit: base } : { value: `<${THIN}1`, unit: smallest };
}

/** The largest unit of which it is one or more, once it is rounded to so many digits. */
function unitOf(value: number, units: Units, places = rough()): [number, string] | undefined {
  const least = 1 - 0.5 * 10 ** -places;
  return units.find(([scale]) => Math.abs(value) >= scale * least);
}

/** The next number with two digits that is not less. */
function roundedUp(value: number): number {
  if (value <= 0) {
    return 0;
  }
  const step = 10 ** (Math.floor(Math.log10(value)) - rough() + 1);
  return Math.ceil(value / step - BIT) * step;
}

/** How many decimals two digits take. */
function decimalsOf(value: number): number {
  return Math.max(0, rough() - 1 - Math.floor(Math.log10(value) + BIT));
}

function mark(): string {
  return `≈${THIN}`;
}

function prefixed(sign: string, { value, unit }: IQuantity): IQuantity {
  return { value: sign + value, unit };
}

function joined({ value, unit }: IQuantity): string {
  return unit ? `${value}${THIN}${unit}` : value;
}
