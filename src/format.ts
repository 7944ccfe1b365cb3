/**
 * The only place where units and rounding meet text.
 *
 * Energy in the Wh family, CO2 equivalents in the gram family; three significant digits, two and
 * a sign for what is not purely measured; unknown is a dash, never 0.
 */
import type { IFigures, Provenance } from './wire';

export const UNKNOWN = '–';
const THIN = '\u202f';
const J_PER_WH = 3600;
/** A wider interval is shown by its two ends. */
const NARROW = 0.3;

const ENERGY_UNITS: readonly [number, string][] = [
  [1e3, 'kWh'],
  [1, 'Wh'],
  [1e-3, 'mWh'],
  [1e-6, 'µWh'],
  [1e-9, 'nWh']
];
const MASS_UNITS: readonly [number, string][] = [
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

export function energyQuantity(energyJ: number | null, estimated: boolean): IQuantity {
  return quantity(energyJ === null ? null : energyJ / J_PER_WH, ENERGY_UNITS, estimated);
}

export function co2Quantity(co2G: number | null, estimated: boolean): IQuantity {
  return quantity(co2G, MASS_UNITS, estimated);
}

export function energy(energyJ: number | null, estimated: boolean): string {
  return joined(energyQuantity(energyJ, estimated));
}

export function co2(co2G: number | null, estimated: boolean): string {
  return joined(co2Quantity(co2G, estimated));
}

export function power(powerW: number | null, estimated: boolean): string {
  return powerW === null ? UNKNOWN : `${digits(powerW, estimated ? 2 : 3)}${THIN}W`;
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
  if (seconds < 60) {
    return `${seconds}${THIN}s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes}${THIN}min ${String(seconds % 60).padStart(2, '0')}${THIN}s`;
  }
  return `${Math.floor(minutes / 60)}${THIN}h ${String(minutes % 60).padStart(2, '0')}${THIN}min`;
}

/** The sign before a figure that is not purely measured. */
export function mark(provenance: Provenance): string {
  return provenance === 'measured' ? '' : `≈${THIN}`;
}

export function isEstimated(provenance: Provenance): boolean {
  return provenance !== 'measured';
}

/** The interval of an energy: "± 4 %" or its two ends, "1.7–6.8 Wh"; empty if unknown. */
export function interval(figures: Pick<IFigures, 'energyJ' | 'energyLowJ' | 'energyHighJ'>): string {
  return ends(figures.energyLowJ, figures.energyJ, figures.energyHighJ, energyQuantity);
}

/** The interval of a mass of CO2 equivalents. */
export function co2Interval(figures: Pick<IFigures, 'co2G' | 'co2LowG' | 'co2HighG'>): string {
  return ends(figures.co2LowG, figures.co2G, figures.co2HighG, co2Quantity);
}

export function intensity(gPerKwh: number): string {
  return `${digits(gPerKwh, 3)}${THIN}g/kWh`;
}

export function percent(share: number): string {
  return share > 0 && share < 0.005 ? `<${THIN}1${THIN}%` : `${Math.round(100 * share)}${THIN}%`;
}

/** A number with `count` significant digits and no exponent. */
export function digits(value: number, count: number): string {
  if (value === 0 || !Number.isFinite(value)) {
    return value === 0 ? '0' : UNKNOWN;
  }
  // Rounded first: 0.9997 is 1.00, with the digits of the rounded number.
  const rounded = Number(value.toPrecision(count));
  const magnitude = Math.floor(Math.log10(Math.abs(rounded)));
  return rounded.toFixed(Math.min(100, Math.max(0, count - 1 - magnitude)));
}

function ends(
  low: number | null,
  value: number | null,
  high: number | null,
  quantityOf: (value: number, estimated: boolean) => IQuantity
): string {
  if (low === null || value === null || high === null || value <= 0) {
    return '';
  }
  const above = high / value - 1;
  const below = 1 - low / value;
  if (Math.max(above, below) <= NARROW && Math.abs(above - below) < 0.1) {
    return `±${THIN}${Math.max(1, Math.round(100 * Math.max(above, below)))}${THIN}%`;
  }
  const [from, to] = [quantityOf(low, true), quantityOf(high, true)];
  return from.unit === to.unit || low === 0
    ? `${from.value}–${joined(to)}`
    : `${joined(from)} – ${joined(to)}`;
}

function quantity(
  value: number | null,
  units: readonly [number, string][],
  estimated: boolean
): IQuantity {
  if (value === null) {
    return { value: UNKNOWN, unit: '' };
  }
  const count = estimated ? 2 : 3;
  const unit = units.find(([scale]) => Math.abs(value) >= scale * 0.9995);
  if (unit) {
    return { value: digits(value / unit[0], count), unit: unit[1] };
  }
  const base = units.find(([scale]) => scale === 1)?.[1] ?? '';
  const smallest = units[units.length - 1]?.[1] ?? '';
  return value === 0 ? { value: '0', unit: base } : { value: `<${THIN}1`, unit: smallest };
}

function joined({ value, unit }: IQuantity): string {
  return unit ? `${value}${THIN}${unit}` : value;
}
