/** The figures of a session whose kernel is gone, as far as the page knows them, to paste. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import { provenanceWord, statusWord } from '../words';
import type { Names } from './places';

/** A table in Markdown, which says what it lacks. */
export function lastFigures(
  title: string,
  model: SessionModel,
  names: Names,
  trans: TranslationBundle
): string {
  const { totals, carbon, missingRecords } = model;
  if (!totals) {
    return '';
  }
  const sum = [
    format.energyWithInterval(totals),
    `${format.co2WithInterval(totals)} CO₂e`,
    provenanceWord(totals.provenance, trans),
    carbon ? `${carbon.zoneName} ${format.intensity(carbon.intensityGPerKwh)}` : ''
  ].filter(part => part !== '');
  const rows = model.records.map(record => [
    record.executionCount === null ? '' : `[${record.executionCount}]`,
    record.label ?? names(record.cellId) ?? trans.__('(deleted cell)'),
    format.energyWithInterval(record),
    format.co2WithInterval(record),
    format.duration(record.durationS),
    statusWord(record.status, trans)
  ]);
  const head = ['', trans.__('Cell'), trans.__('Energy'), trans.__('CO₂e'), trans.__('Time'), ''];
  return [
    `${inTable(title)}: ${sum.join(' · ')}`,
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.map(line),
    '',
    trans.__('Copied from the page after the kernel had gone.') +
      (missingRecords > 0 ? ' ' + trans._n('%1 more cell is in the sum.', '%1 more cells are in the sum.', missingRecords) : ''),
    ''
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map(inTable).join(' | ')} |`;
}

/** Names are code and file names: nothing in them may be markup. */
function inTable(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|~#]/g, '\\$&');
}
