/**
 * The table of finished cells: what each cost, and a bar for how it compares.
 *
 * Few rows are all there; of many only those in view are, so that ten thousand cost no more.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import { Heights, inView, rowAt } from '../table/heights';
import { type Filter, type ISort, sorted, type SortKey } from '../table/rows';
import { Selection } from '../table/selection';
import { sumOf } from '../table/sums';
import type { IRecord } from '../wire';
import { arrange, button, element, marked, section, setText, show } from '../dom';
import { Order } from './order';
import type { Names } from './places';
import { betweenRow, type IRowWords, Row } from './row';

/** Up to so many rows are all drawn. */
const WHOLE = 200;
/** Until some are drawn and can be measured. */
const ROW_PX = 48;
const PAGE_ROWS = 10;

/** What the table asks of its surroundings. */
export interface ICellsOptions {
  /** The cells' first lines of code as they are now. */
  names(): Names;
  /** Whether a cell has other code than when it ran. */
  changedSince(record: IRecord): boolean;
  /** Lead to a cell. */
  reveal(cellId: string): void;
  /** The order was changed. */
  sorted(): void;
  /** Fetch the records that the kernel has and this page has not. */
  fetchAll(): void;
}

export class Cells {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _options: ICellsOptions
  ) {
    this._orderBy = new Order(
      _trans,
      key => {
        this._sortBy(key);
      },
      filter => {
        this._keep(filter);
      }
    );
    this._more = button('', 'gc-mod-link', () => {
      this._options.fetchAll();
    });
    const columns = element('colgroup', '', element('col', 'gc-Cells-count'), element('col'));
    const table = element('table', 'gc-Cells', columns, this._body, this._foot);
    table.setAttribute('role', 'grid');
    table.setAttribute('aria-multiselectable', 'true');
    table.setAttribute('aria-label', _trans.__('Finished cells'));
    this._table = table;
    this._scroller.append(table);
    this._scroller.addEventListener('scroll', () => {
      this._draw();
    });
    this._body.addEventListener('click', event => {
      this._onClick(event);
    });
    this._body.addEventListener('keydown', event => {
      this._onKey(event);
    });
    this._body.addEventListener('focusin', event => {
      this._current = this._runAt(event.target) ?? this._current;
    });
    this._sum.setAttribute('aria-live', 'polite');
    const { sorts, filters } = this._orderBy;
    this.node = section(_trans.__('Cells'), sorts, this._scroller, this._sum, this._empty, this._more);
    this.node.firstElementChild?.append(filters);
  }

  readonly node: HTMLElement;

  /** Show the finished cells of the model. */
  update(model: SessionModel): void {
    this._model = model;
    if (model.session !== this._session) {
      this._session = model.session;
      this._selection.clear();
      this._scroller.scrollTop = 0;
    }
    const held = this._held();
    const beforePx = this._topOf(held);
    this._render();
    const byPx = this._topOf(held) - beforePx;
    if (byPx !== 0) {
      this._scroller.scrollTop += byPx;
    }
  }

  /** The row of a long list that new rows must not push away: the one with the focus, or the first in view. */
  private _held(): string | undefined {
    const { scrollTop } = this._scroller;
    const first = scrollTop > 0 ? this._order[rowAt(this._heights.tops(this._order), scrollTop)] : undefined;
    return this._order.length > WHOLE ? (this._runAt(document.activeElement) ?? first) : undefined;
  }

  private _topOf(run: string | undefined): number {
    const index = run === undefined ? -1 : this._order.indexOf(run);
    return index < 0 ? 0 : (this._heights.tops(this._order)[index] ?? 0);
  }

  /** The table got another width. */
  refit(): void {
    this._draw();
  }

  get sort(): ISort {
    return this._sort;
  }

  set sort(sort: ISort) {
    this._sort = sort;
    this._render();
  }

  /** Select the latest run of a cell and go to its row; whether there is one. */
  select(cellId: string): boolean {
    const runs = this._model?.records.filter(record => record.cellId === cellId && record.parent === null) ?? [];
    const [first, ...others] = runs;
    if (!first) {
      return false;
    }
    const { run } = others.reduce((latest, record) => (record.number > latest.number ? record : latest), first);
    if (!this._order.includes(run)) {
      this._keep('all');
    }
    this._selection.clear();
    this._selection.toggle(run);
    this._moveTo(this._order.indexOf(run), null);
    this._showSum();
    return true;
  }

  /** Sort by this, or the other way round if that is how they are sorted. */
  private _sortBy(key: SortKey): void {
    const { key: former, descending } = this._sort;
    this._sort = { key, descending: key === former ? !descending : true };
    this._scroller.scrollTop = 0;
    this._render();
    this._options.sorted();
  }

  private _keep(filter: Filter): void {
    this._filter = filter;
    this._selection.clear();
    this._scroller.scrollTop = 0;
    this._render();
  }

  private _render(): void {
    const model = this._model;
    if (!model) {
      return;
    }
    const { records, totals } = model;
    this._records = sorted(records, this._sort, this._filter);
    this._order = this._records.map(record => record.run);
    const betweenJ = totals?.betweenCellsJ ?? 0;
    this._largestJ = records.reduce((most, record) => Math.max(most, record.energyJ ?? 0), betweenJ);
    const isWhole = this._filter === 'all' && totals !== null && (records.length > 0 || betweenJ > 0);
    this._foot.replaceChildren(
      ...(isWhole ? [betweenRow(betweenJ, totals.provenance, this._largestJ, this._trans)] : [])
    );
    this._table.setAttribute('aria-rowcount', String(this._records.length));
    const last = records.reduce((most, { executionCount }) => Math.max(most, executionCount ?? 0), 0);
    this._table.style.setProperty('--gc-count', String(Math.max(2, String(last).length)));
    this._orderBy.update(this._sort, this._filter, records);
    this._names = this._options.names();
    this._draw();
    this._showSum();
    setText(
      this._empty,
      records.length === 0 ? this._trans.__('No cell has run yet.') : this._trans.__('No run is like that.')
    );
    show(this._empty, this._records.length === 0);
    show(this._more, model.missingRecords > 0);
    setText(this._more, this._trans._n('Load %1 earlier', 'Load %1 earlier', model.missingRecords));
  }

  /** Make the rows that are in view, and room for the others. */
  private _draw(): void {
    const count = this._records.length;
    if (count <= WHOLE) {
      this._scroller.classList.remove('gc-mod-long');
      arrange(this._body, this._make(0, count));
      return;
    }
    this._scroller.classList.add('gc-mod-long');
    const { scrollTop, clientHeight } = this._scroller;
    const tops = this._heights.tops(this._order);
    const [from, to] = inView(tops, scrollTop, clientHeight);
    arrange(this._body, [this._above, ...this._make(from, to), this._below]);
    this._makeRoom(tops, from, to);
    const drawn = [...this._rows].map(([run, { node }]) => [run, node.getBoundingClientRect().height] as const);
    if (this._heights.measure(drawn)) {
      const known = this._heights.tops(this._order);
      const first = rowAt(tops, scrollTop);
      this._makeRoom(known, from, to);
      // What is in view stays there, whatever is above it.
      this._scroller.scrollTop += Math.round((known[first] ?? 0) - (tops[first] ?? 0));
    }
  }

  private _make(from: number, to: number): HTMLElement[] {
    const rows = new Map<string, Row>();
    this._records.slice(from, to).forEach((record, offset) => {
      const row = this._rows.get(record.run) ?? new Row(this._trans);
      row.show(record, this._words(record));
      row.setShare(this._largestJ);
      row.node.setAttribute('aria-rowindex', String(from + offset + 1));
      row.node.dataset['run'] = record.run;
      rows.set(record.run, row);
    });
    this._rows = rows;
    this._showSelection();
    return [...rows.values()].map(row => row.node);
  }

  private _makeRoom(tops: readonly number[], from: number, to: number): void {
    this._above.style.height = `${tops[from] ?? 0}px`;
    this._below.style.height = `${(tops[this._records.length] ?? 0) - (tops[to] ?? 0)}px`;
  }

  private _words(record: IRecord): IRowWords {
    if (record.parent !== null) {
      return { name: `↳ ${record.label ?? this._trans.__('nested run')}`, fate: '' };
    }
    const found = this._names(record.cellId);
    const name = record.label ?? found ?? this._trans.__('(deleted cell)');
    if (found === null) {
      return { name, fate: record.label === null ? '' : this._trans.__('deleted') };
    }
    return { name, fate: this._options.changedSince(record) ? this._trans.__('changed since') : '' };
  }

  // -- selection ---------------------------------------------------------------------------------

  private _onClick(event: MouseEvent): void {
    const run = this._runAt(event.target);
    if (run === undefined) {
      return;
    }
    this._current = run;
    if (event.shiftKey) {
      this._selection.extend(this._order, run);
    } else if (event.ctrlKey || event.metaKey) {
      this._selection.toggle(run);
    } else {
      this._selection.clear();
      this._selection.anchor(run);
      this._reveal(run);
    }
    this._showSelection();
    this._showSum();
  }

  private _onKey(event: KeyboardEvent): void {
    const run = this._runAt(event.target);
    const index = run === undefined ? -1 : this._order.indexOf(run);
    if (run === undefined || index < 0) {
      return;
    }
    const to = goal(event.key, index, this._order.length);
    if (to !== null) {
      this._moveTo(to, event.shiftKey ? run : null);
    } else if (event.key === 'Enter') {
      this._reveal(run);
    } else if (event.key === ' ') {
      this._selection.toggle(run);
    } else if (event.key === 'Escape' && this._selection.size > 0) {
      this._selection.clear();
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      this._selection.all(this._order);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this._showSelection();
    this._showSum();
  }

  /** Go to a row; with `from` the selection grows from there. */
  private _moveTo(index: number, from: string | null): void {
    const run = this._order[index];
    if (run === undefined) {
      return;
    }
    if (from !== null) {
      if (this._selection.size === 0) {
        this._selection.anchor(from);
      }
      this._selection.extend(this._order, run);
    }
    if (!this._rows.has(run)) {
      const topPx = this._heights.tops(this._order)[index] ?? 0;
      this._scroller.scrollTop = Math.max(0, topPx - this._scroller.clientHeight / 2);
      this._draw();
    }
    this._current = run;
    this._showSelection();
    this._rows.get(run)?.node.focus();
  }

  private _showSelection(): void {
    const current = this._rows.has(this._current) ? this._current : [...this._rows.keys()][0];
    for (const [run, { node }] of this._rows) {
      node.tabIndex = run === current ? 0 : -1;
      node.setAttribute('aria-selected', String(this._selection.has(run)));
    }
  }

  private _showSum(): void {
    const chosen = this._selection.size > 1 ? this._records.filter(record => this._selection.has(record.run)) : [];
    show(this._sum, chosen.length > 1);
    if (chosen.length > 1) {
      const sum = sumOf(chosen);
      const figures = [
        format.energyWithInterval(sum),
        `${format.co2WithInterval(sum)} CO₂e`,
        format.duration(sum.durationS)
      ];
      setText(this._sum, `${this._trans._n('%1 selected', '%1 selected', chosen.length)}: ${figures.join(' · ')}`);
      this._sum.title = format.interval(sum);
    }
  }

  private _reveal(run: string): void {
    const cellId = this._records.find(record => record.run === run)?.cellId;
    if (cellId) {
      this._options.reveal(cellId);
    }
  }

  private _runAt(target: EventTarget | null): string | undefined {
    return target instanceof Element ? target.closest<HTMLElement>('[data-run]')?.dataset['run'] : undefined;
  }

  private _model: SessionModel | null = null;
  private _session = '';
  private _records: readonly IRecord[] = [];
  private _order: readonly string[] = [];
  private _rows: ReadonlyMap<string, Row> = new Map();
  private _names: Names = () => null;
  private _sort: ISort = { key: 'order', descending: true };
  private _filter: Filter = 'all';
  private _current = '';
  private _largestJ = 0;
  private readonly _heights = new Heights(ROW_PX);
  private readonly _selection = new Selection();
  private readonly _scroller = element('div', 'gc-Cells-scroller');
  private readonly _table: HTMLTableElement;
  private readonly _body = element('tbody');
  private readonly _foot = element('tfoot');
  private readonly _above = spacer();
  private readonly _below = spacer();
  private readonly _sum = marked('div', 'selection', 'gc-Selection');
  private readonly _empty = element('div', 'gc-Dim');
  private readonly _orderBy: Order;
  private readonly _more: HTMLButtonElement;
}

/** Where a key leads from a row; `null` if it leads nowhere. */
function goal(key: string, index: number, count: number): number | null {
  const last = count - 1;
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, index + 1);
    case 'ArrowUp':
      return Math.max(0, index - 1);
    case 'PageDown':
      return Math.min(last, index + PAGE_ROWS);
    case 'PageUp':
      return Math.max(0, index - PAGE_ROWS);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}

function spacer(): HTMLElement {
  const node = element('tr', 'gc-Spacer', element('td'));
  node.setAttribute('aria-hidden', 'true');
  return node;
}
