/** The table of finished cells: what each cost, and a bar for how it compares. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { IRecord, Provenance } from '../wire';
import { figureHints, intervalLines, machineLine, PROVISIONAL_MARK, statusWord } from '../words';
import { arrange, button, element, marked, section, setData, setText, show } from './dom';
import type { Names } from './places';

const FIRST_ROWS = 200;

export type Order = 'latest' | 'energy';

/** What the table asks of its surroundings. */
export interface ICellsOptions {
  /** The cells' first lines of code as they are now. */
  names(): Names;
  /** Lead to a cell. */
  reveal(cellId: string): void;
  /** Fetch the records that the kernel has and this page has not. */
  fetchAll(): void;
}

/** A row that stands as long as its run is known, and what it shows. */
interface IRow {
  record: IRecord;
  name: string;
  node: HTMLElement;
  bar: HTMLElement;
}

export class Cells {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _options: ICellsOptions
  ) {
    this._toggle = button('', 'gc-mod-link', () => {
      this._order = this._order === 'latest' ? 'energy' : 'latest';
      this._render();
    });
    this._more = button('', 'gc-mod-link', () => {
      this._limit = Infinity;
      if (this._model && this._model.missingRecords > 0) {
        this._options.fetchAll();
      }
      this._render();
    });
    this._body.addEventListener('keydown', onArrow);
    const table = element('table', 'gc-Cells', this._body);
    table.setAttribute('aria-label', _trans.__('Finished cells'));
    this.node = section(_trans.__('Cells'), table, this._empty, this._more);
    this.node.firstElementChild?.append(this._toggle);
    setText(this._empty, _trans.__('No cell has run yet.'));
  }

  readonly node: HTMLElement;

  /** Show the finished cells of the model. */
  update(model: SessionModel): void {
    this._model = model;
    this._render();
  }

  private _render(): void {
    const model = this._model;
    if (!model) {
      return;
    }
    setText(this._toggle, this._order === 'latest' ? this._trans.__('latest first ▾') : this._trans.__('by energy ▾'));
    this._toggle.title = this._trans.__('Change the order');
    const names = this._options.names();
    const records = this._ordered(model.records);
    const betweenJ = model.totals?.betweenCellsJ ?? 0;
    const largestJ = records.reduce((most, r) => Math.max(most, r.energyJ ?? 0), betweenJ);
    const rows = records.slice(0, this._limit).map(record => this._row(record, this._name(record, names)));
    for (const row of rows) {
      setShare(row.bar, row.record.energyJ, largestJ);
    }
    this._rows = new Map(rows.map(row => [row.record.run, row]));
    const nodes = rows.map(row => row.node);
    if (model.totals && (records.length > 0 || betweenJ > 0)) {
      nodes.push(this._betweenRow(betweenJ, model.totals.provenance, largestJ));
    }
    arrange(this._body, nodes);
    show(this._empty, records.length === 0);
    const hidden = Math.max(0, records.length - this._limit) + model.missingRecords;
    show(this._more, hidden > 0);
    setText(this._more, this._trans._n('Show %1 more', 'Show %1 more', hidden));
  }

  private _ordered(records: readonly IRecord[]): IRecord[] {
    const ordered = [...records];
    if (this._order === 'energy') {
      ordered.sort((a, b) => (b.energyJ ?? 0) - (a.energyJ ?? 0));
    } else {
      ordered.sort((a, b) => b.number - a.number);
    }
    return ordered;
  }

  /** The row of a run: the element stays, with the focus, also when its figures become final. */
  private _row(record: IRecord, name: string): IRow {
    const standing = this._rows.get(record.run);
    if (standing?.record === record && standing.name === name) {
      return standing;
    }
    const node = standing?.node ?? this._newRow(record.cellId);
    const row = { record, name, node, bar: element('div', 'gc-Bar') };
    this._fill(row);
    return row;
  }

  private _newRow(cellId: string | null): HTMLElement {
    const row = marked('tr', 'cell-row', 'gc-Cell');
    row.tabIndex = 0;
    if (cellId !== null) {
      row.addEventListener('click', () => {
        this._options.reveal(cellId);
      });
      row.addEventListener('keydown', event => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          this._options.reveal(cellId);
        }
      });
    }
    return row;
  }

  private _fill({ record, name, node, bar }: IRow): void {
    const energy = format.energyWithInterval(record);
    const count = record.executionCount === null ? '' : `[${record.executionCount}]`;
    node.replaceChildren(
      element('td', 'gc-Cell-count gc-Code', count),
      main(
        element('div', 'gc-Code gc-Grow', name),
        energy,
        bar,
        element('div', 'gc-Dim gc-Ellipsis', this._details(record))
      )
    );
    node.title = this._tooltip(record, name);
    setData(node, 'cell-id', record.cellId);
    setData(node, 'energy-j', record.energyJ);
    setData(node, 'co2-g', record.co2G);
    setData(node, 'status', record.status);
  }

  private _name(record: IRecord, names: Names): string {
    return record.parent === null
      ? (record.label ?? names(record.cellId))
      : `↳ ${record.label ?? this._trans.__('nested run')}`;
  }

  private _details(record: IRecord): string {
    const parts = [
      statusWord(record.status, this._trans),
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

  private _betweenRow(energyJ: number, provenance: Provenance, largestJ: number): HTMLElement {
    const name = element('div', 'gc-Dim gc-Grow', this._trans.__('between cells'));
    const bar = element('div', 'gc-Bar gc-mod-idle');
    setShare(bar, energyJ, largestJ);
    const row = marked(
      'tr',
      'between-cells',
      'gc-Cell gc-mod-between',
      element('td', 'gc-Cell-count'),
      main(
        name,
        format.energy(energyJ, provenance),
        bar
      )
    );
    row.title = this._trans.__('Idle power and background threads while no cell runs');
    setData(row, 'energy-j', energyJ);
    return row;
  }

  private _model: SessionModel | null = null;
  private _rows: ReadonlyMap<string, IRow> = new Map();
  private _order: Order = 'latest';
  private _limit = FIRST_ROWS;
  private readonly _body = element('tbody');
  private readonly _empty = element('div', 'gc-Dim');
  private readonly _toggle: HTMLButtonElement;
  private readonly _more: HTMLButtonElement;
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

/** The arrow keys go from row to row. */
function onArrow(event: KeyboardEvent): void {
  const row = event.target instanceof HTMLElement ? event.target.closest('tr') : null;
  const next =
    event.key === 'ArrowDown'
      ? row?.nextElementSibling
      : event.key === 'ArrowUp'
        ? row?.previousElementSibling
        : null;
  if (next instanceof HTMLElement) {
    event.preventDefault();
    next.focus();
  }
}
