/** One row of the table: name and energy, a bar for its share, and the rest in small. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { IRecord, Provenance } from '../wire';
import { figureHints, intervalLines, machineLine, PROVISIONAL_MARK, statusWord } from '../words';
import { element, marked, setData } from '../dom';

/** What the row says besides its figures. */
export interface IRowWords {
  name: string;
  /** "deleted", "changed since": what became of the cell; else empty. */
  fate: string;
}

/** A row that stands as long as its run is in view. */
export class Row {
  constructor(private readonly _trans: TranslationBundle) {
    this.node.tabIndex = -1;
  }

  readonly node = marked('tr', 'cell-row', 'gc-Cell');

  /** Show a run; the element stays, with the focus, also when its figures become final. */
  show(record: IRecord, words: IRowWords): void {
    const style = format.currentStyle();
    const same = words.name === this._words?.name && words.fate === this._words.fate;
    if (record === this._record && same && style === this._style) {
      return;
    }
    [this._record, this._words, this._style] = [record, words, style];
    const count = record.executionCount === null ? '' : `[${record.executionCount}]`;
    this.node.replaceChildren(
      element('td', 'gc-Cell-count gc-Code', count),
      main(
        element('div', 'gc-Code gc-Grow', words.name),
        format.energyWithInterval(record),
        this._bar,
        element('div', 'gc-Dim gc-Cell-details', this._details(record, words.fate))
      )
    );
    this.node.title = this._tooltip(record, words.name);
    this.node.classList.toggle('gc-mod-past', words.fate !== '');
    setData(this.node, 'cell-id', record.cellId);
    setData(this.node, 'energy-j', record.energyJ);
    setData(this.node, 'co2-g', record.co2G);
    setData(this.node, 'status', record.status);
  }

  /** How it compares with the largest. */
  setShare(largestJ: number): void {
    setShare(this._bar, this._record?.energyJ ?? null, largestJ);
  }

  private _details(record: IRecord, fate: string): string {
    const parts = [
      statusWord(record.status, this._trans),
      fate,
      format.co2WithInterval(record),
      format.duration(record.durationS),
      format.meanPower(record)
    ];
    if (record.flags.includes('concurrent')) {
      parts.push(this._trans.__('shared time'));
    }
    if (format.isTooShort(record.flags)) {
      parts.push(this._trans.__('too short to tell'));
    }
    if (format.isIncomplete(record.flags)) {
      parts.push(this._trans.__('incomplete'));
    }
    const words = parts.filter(part => part !== '').join(' · ');
    return record.final ? words : `${words} ${PROVISIONAL_MARK}`;
  }

  private _tooltip(record: IRecord, name: string): string {
    const lines = [name, ...intervalLines(record, this._trans)];
    if (record.peakPowerW !== null) {
      const peak = format.power(record.peakPowerW, format.isEstimated(record.provenance));
      lines.push(this._trans.__('Highest power: %1', peak));
    }
    lines.push(machineLine(record, this._trans), ...figureHints(record, this._trans));
    if (record.parent !== null) {
      lines.push(this._trans.__('Part of another cell, so it is in no sum'));
    }
    return lines.filter(line => line !== '').join('\n');
  }

  private _record: IRecord | null = null;
  private _words: IRowWords | null = null;
  private _style: format.IStyle | null = null;
  private readonly _bar = element('div', 'gc-Bar');
}

/** The row that makes the others add up to the session. */
export function betweenRow(
  energyJ: number,
  provenance: Provenance,
  largestJ: number,
  trans: TranslationBundle
): HTMLElement {
  const bar = element('div', 'gc-Bar gc-mod-idle');
  setShare(bar, energyJ, largestJ);
  const row = marked(
    'tr',
    'between-cells',
    'gc-Cell gc-mod-between',
    element('td', 'gc-Cell-count'),
    main(element('div', 'gc-Dim gc-Grow', trans.__('between cells')), format.energy(energyJ, provenance), bar)
  );
  row.title = trans.__('Idle power and background threads while no cell runs');
  setData(row, 'energy-j', energyJ);
  return row;
}

/** Name and energy on one line, and what else there is below, over the whole width. */
function main(name: HTMLElement, energy: string, ...below: HTMLElement[]): HTMLElement {
  const line = element('div', 'gc-Row', name, element('span', 'gc-Cell-energy', energy));
  return element('td', 'gc-Cell-main', line, ...below);
}

function setShare(bar: HTMLElement, energyJ: number | null, largestJ: number): void {
  const share = energyJ !== null && largestJ > 0 ? energyJ / largestJ : 0;
  bar.style.setProperty('--gc-share', `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`);
}
