/** Words that more than one view says. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from './format';
import type { SessionModel } from './model';
import type { IPrice } from './settings';
import type { CellStatus, ICarbon, IReading, IRecord, ISurroundings, ITotals, Provenance } from './wire';

const COMMAND =
  /^(?:[%!]\S|(?:sudo|pip|conda|mamba|docker|podman|modprobe|chmod|setcap|usermod|export)\s)/;
/** A line break in the clipboard would run what is pasted before it is read. */
const CONTROL = /\p{Cc}/u;

const J_PER_KWH = 3.6e6;
/** For so long a total may be carried on before its age is told. */
const AGE_FROM_S = 60;
/** A smaller part of others is noise. */
const OTHERS_FROM = 0.005;

/** "≈ 0.0021 EUR": what the energy costs; empty where no price is set, or no energy known. */
export function costWords(totals: ITotals, price: IPrice | null): string {
  const { energyJ, flags } = totals;
  if (!price || energyJ === null) {
    return '';
  }
  const sign = format.isIncomplete(flags) ? '≥' : '≈';
  const count = format.energyForm(totals) === 'value' ? 2 : 1;
  return `${sign} ${format.digits((energyJ / J_PER_KWH) * price.perKwh, count)} ${price.currency}`;
}

/** How a run ended, if not well. */
export function statusWord(status: CellStatus, trans: TranslationBundle): string {
  switch (status) {
    case 'ok':
      return '';
    case 'error':
      return trans.__('failed');
    case 'interrupted':
      return trans.__('interrupted');
    case 'lost':
      return trans.__('end not seen');
  }
}

/** How a figure is known. */
export function provenanceWord(provenance: Provenance, trans: TranslationBundle): string {
  switch (provenance) {
    case 'measured':
      return trans.__('Measured');
    case 'estimated':
      return trans.__('Estimated');
    case 'mixed':
      return trans.__('Partly estimated');
  }
}

/** What stands after a figure that will be replaced in a moment. */
export const PROVISIONAL_MARK = '…';

/** What a person should know about the figure of one run, line by line. */
export function figureHints(record: IRecord, trans: TranslationBundle): string[] {
  const lines: string[] = [];
  if (format.isTooShort(record.flags)) {
    lines.push(trans.__('too short for this meter; %1 repeats it until it can tell', '%%energy'));
  }
  if (format.isIncomplete(record.flags)) {
    lines.push(trans.__('incomplete: at least this much'));
  }
  if (!record.final) {
    lines.push(trans.__('provisional: final at the meter’s next tick'));
  }
  return lines;
}

/** The energy with its interval and, where only the interval is shown, the best guess within. */
export function intervalLines(record: IRecord, trans: TranslationBundle): string[] {
  const form = format.energyForm(record);
  if (form === 'unknown' || form === 'below') {
    return [];
  }
  const lines = [
    trans.__('Energy: %1', format.interval(record) || format.UNKNOWN),
    trans.__('CO₂e: %1', format.co2Interval(record) || format.UNKNOWN)
  ];
  return form === 'range' ? [...lines, bestGuess(record, trans)] : lines;
}

/** The value within an interval that is shown by its ends. */
export function bestGuess(
  figures: format.EnergyFigures & format.IKnown,
  trans: TranslationBundle
): string {
  return trans.__('best guess %1', format.energy(figures.energyJ, figures.provenance));
}

/** What else the machine used, as far as it is known and of weight; else empty. */
export function machineLine(
  figures: ISurroundings & { machineJ: number | null; provenance: Provenance },
  trans: TranslationBundle
): string {
  const { machineJ, othersJ, nodeJ, provenance } = figures;
  const parts: string[] = [];
  if (machineJ !== null && machineJ > 0 && othersJ !== null && othersJ / machineJ > OTHERS_FROM) {
    const share = format.percent(Math.min(1, othersJ / machineJ));
    parts.push(trans.__('machine %1', format.energy(machineJ, provenance)), trans.__('others %1', share));
  }
  if (nodeJ !== null) {
    parts.push(trans.__('whole machine (meter) %1', format.energy(nodeJ, 'measured')));
  }
  return parts.join(' · ');
}

/**
 * The age of the session's total, where it is not of now: "as of 18:19"; "as of 18:19, idle since"
 * where it is carried on. Empty where there is nothing to say.
 */
export function ageWords(model: SessionModel, trans: TranslationBundle, nowS: number): string {
  const total = model.totals;
  if (!total || model.over || model.paused) {
    return '';
  }
  if (!model.isFresh) {
    return trans.__('as of %1', format.moment(total.asOfS, nowS));
  }
  return model.idlePower && total.carriedS >= AGE_FROM_S
    ? trans.__('as of %1, idle since', format.moment(total.toldAsOfS, nowS))
    : '';
}

/** How a place is known, where it is not certain: behind its name. */
export function placeMark(carbon: ICarbon, trans: TranslationBundle): string {
  switch (carbon.locatedBy) {
    case 'timezone':
      return trans.__(' (guessed)');
    case 'default':
      return trans.__(' (place unknown)');
    default:
      return '';
  }
}

/** What CO2 is uncertain by, cause by cause: "energy ± 4 %, grid ± 20 %". */
export function co2Causes(totals: ITotals, trans: TranslationBundle): string {
  const energy = format.interval(totals);
  return energy === '' || totals.gridRelativeError === null
    ? ''
    : trans.__('energy %1, grid %2', energy, format.plusMinus(totals.gridRelativeError));
}

/** What two bases in one sum make of it; empty for one. */
export function mixture(bases: readonly string[], trans: TranslationBundle): string {
  return bases.length > 1 ? trans.__('CO₂e mixes %1 figures', bases.join(trans.__(' and '))) : '';
}

/** What a provider of live figures said, and when. */
export function readingWords(reading: IReading, trans: TranslationBundle, nowMs: number): string {
  const minutes = Math.round((nowMs - Date.parse(reading.at)) / 60_000);
  const age = Number.isFinite(minutes) ? trans.__('%1 ago', format.duration(Math.max(1, minutes) * 60)) : '';
  const kind = reading.isEstimated ? trans.__('%1, estimated', reading.basis) : reading.basis;
  return [
    format.intensity(reading.intensityGPerKwh),
    `${reading.provider} ${reading.zone}`,
    kind,
    age
  ]
    .filter(part => part !== '')
    .join(' · ');
}

/** Whether a remedy is for a shell or a cell, as it stands; others are advice in words. */
export function isCommand(remedy: string): boolean {
  return COMMAND.test(remedy) && !CONTROL.test(remedy);
}
