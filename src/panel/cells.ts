/** The table of finished cells: what each cost, and a bar for how it compares. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { IRecord, Provenance } from '../wire';
import { button, element, marked, section, setData, setText, show } from './dom';

const FIRST_ROWS = 200;

export type Order = 'latest' | 'energy';

/** What the table asks of the notebook. */
export interface ICellPlaces {
  /** A cell's first line of code, or what to call it if it is gone. */
  nameOf(cellId: string | null): string;
  reveal(cellId: string): void;
}

export class Cells {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _places: ICellPlaces
  ) {
    this._toggle = button('', 'gc-mod-link', () => {
      this._order = this._order === 'latest' ? 'energy' : 'latest';
      this._render();
    });
    this._more = button('', 'gc-mod-link', () => {
      this._limit = Infinity;
      this._render();
    });
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
    const records = this._ordered(model.records);
    const betweenJ = model.totals?.betweenCellsJ ?? 0;
    const largestJ = records.reduce((most, r) => Math.max(most, r.energyJ ?? 0), betweenJ);
    const rows = records.slice(0, this._limit).map(record => this._row(record, largestJ));
    if (model.totals && (records.length > 0 || betweenJ > 0)) {
      rows.push(this._betweenRow(betweenJ, model.totals.provenance, largestJ));
    }
    this._body.replaceChildren(...rows);
    show(this._empty, records.length === 0);
    const hidden = Math.max(0, records.length - this._limit) + model.missingRecords;
    show(this._more, hidden > 0);
    setText(this._more, this._trans._n('%1 more', '%1 more', hidden));
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

  private _row(record: IRecord, largestJ: number): HTMLElement {
    const estimated = format.isEstimated(record.provenance);
    const energy = markOf(record) + format.energy(record.energyJ, estimated);
    const count = record.executionCount === null ? '' : `[${record.executionCount}]`;
    const name = element('div', 'gc-Code gc-Grow', this._name(record));
    const row = marked(
      'tr',
      'cell-row',
      'gc-Cell',
      element('td', 'gc-Cell-count gc-Code', count),
      main(name, energy, bar(record.energyJ, largestJ, ''), element('div', 'gc-Dim gc-Ellipsis', this._details(record)))
    );
    row.tabIndex = 0;
    row.title = this._tooltip(record);
    setData(row, 'cell-id', record.cellId);
    setData(row, 'energy-j', record.energyJ);
    setData(row, 'co2-g', record.co2G);
    setData(row, 'status', record.status);
    const { cellId } = record;
    if (cellId !== null) {
      row.addEventListener('click', () => {
        this._places.reveal(cellId);
      });
      row.addEventListener('keydown', event => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          this._places.reveal(cellId);
        }
      });
    }
    return row;
  }

  private _name(record: IRecord): string {
    const name = record.label ?? this._places.nameOf(record.cellId);
    return record.parent === null ? name : `↳ ${record.label ?? this._trans.__('nested run')}`;
  }

  private _details(record: IRecord): string {
    const estimated = format.isEstimated(record.provenance);
    const parts = [
      this._statusWord(record),
      format.co2(record.co2G, estimated),
      format.duration(record.durationS),
      format.power(record.meanPowerW, estimated)
    ];
    if (record.flags.includes('concurrent')) {
      parts.push(this._trans.__('shared time'));
    }
    if (record.flags.includes('gap') || record.flags.includes('lost')) {
      parts.push(this._trans.__('readings missing'));
    }
    return parts.filter(part => part !== '').join(' · ');
  }

  private _statusWord(record: IRecord): string {
    switch (record.status) {
      case 'ok':
        return '';
      case 'error':
        return this._trans.__('failed');
      case 'interrupted':
        return this._trans.__('interrupted');
      case 'lost':
        return this._trans.__('end not seen');
    }
  }

  private _tooltip(record: IRecord): string {
    const interval = format.interval(record);
    return interval === '' ? '' : this._trans.__('Energy: %1', interval);
  }

  private _betweenRow(energyJ: number, provenance: Provenance, largestJ: number): HTMLElement {
    const name = element('div', 'gc-Dim gc-Grow', this._trans.__('between cells'));
    const row = marked(
      'tr',
      'between-cells',
      'gc-Cell gc-mod-between',
      element('td', 'gc-Cell-count'),
      main(
        name,
        (energyJ > 0 ? format.mark(provenance) : '') +
          format.energy(energyJ, format.isEstimated(provenance)),
        bar(energyJ, largestJ, 'gc-mod-idle')
      )
    );
    row.title = this._trans.__('Idle power and background threads while no cell runs');
    setData(row, 'energy-j', energyJ);
    return row;
  }

  private _model: SessionModel | null = null;
  private _order: Order = 'latest';
  private _limit = FIRST_ROWS;
  private readonly _body = element('tbody');
  private readonly _empty = element('div', 'gc-Dim');
  private readonly _toggle: HTMLButtonElement;
  private readonly _more: HTMLButtonElement;
}

function markOf(record: IRecord): string {
  return record.energyJ ? format.mark(record.provenance) : '';
}

/** Name and energy on one line, and what else there is below, over the whole width. */
function main(name: HTMLElement, energy: string, ...below: HTMLElement[]): HTMLElement {
  const line = element('div', 'gc-Row', name, element('span', 'gc-Cell-energy', energy));
  return element('td', 'gc-Cell-main', line, ...below);
}

function bar(energyJ: number | null, largestJ: number, className: string): HTMLElement {
  const share = energyJ !== null && largestJ > 0 ? energyJ / largestJ : 0;
  const node = element('div', `gc-Bar ${className}`.trim());
  node.style.setProperty('--gc-share', `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`);
  return node;
}
