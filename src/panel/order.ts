/** What stands over the table: how its rows are sorted, and which runs it keeps. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { button, element, marked, show } from '../dom';
import { type Filter, hasAny, type ISort, SORT_KEYS, type SortKey } from '../table/rows';
import type { IRecord } from '../wire';

export class Order {
  /** `sortBy` and `keep` hear what somebody chose. */
  constructor(trans: TranslationBundle, sortBy: (key: SortKey) => void, keep: (filter: Filter) => void) {
    const names: Record<SortKey, string> = {
      order: trans.__('Latest'),
      energy: trans.__('Energy'),
      co2: 'CO₂e',
      time: trans.__('Time'),
      power: trans.__('Power')
    };
    this._sorts = new Map(
      SORT_KEYS.map(key => {
        const node = button(names[key], 'gc-mod-link gc-Sort', () => {
          sortBy(key);
        });
        node.dataset['gc'] = `sort-${key}`;
        return [key, node];
      })
    );
    this.sorts.append(...this._sorts.values());
    grouped(this.sorts, trans.__('Sort by'));
    const filters = [
      ['failed', trans.__('failed'), trans.__('failed or interrupted')],
      ['again', trans.__('repeated'), trans.__('run more than once')]
    ] as const;
    this._filters = new Map(
      filters.map(([filter, name, title]) => {
        const node = button(name, 'gc-mod-link gc-Sort', () => {
          keep(node.getAttribute('aria-pressed') === 'true' ? 'all' : filter);
        });
        node.dataset['gc'] = `filter-${filter}`;
        node.title = title;
        return [filter, node];
      })
    );
    this.filters.append(...this._filters.values());
    grouped(this.filters, trans.__('Which runs to show'));
  }

  readonly sorts = element('div', 'gc-Row gc-Sorts');
  readonly filters = marked('div', 'filter', 'gc-Row gc-Filters');

  /** Show what is chosen; a filter that keeps all or none of the runs is no choice. */
  update(sort: ISort, filter: Filter, records: readonly IRecord[]): void {
    show(this.sorts, records.length > 1);
    for (const [key, node] of this._sorts) {
      const isSorted = key === sort.key;
      node.setAttribute('aria-pressed', String(isSorted));
      node.dataset['direction'] = isSorted ? (sort.descending ? 'descending' : 'ascending') : '';
    }
    for (const [key, node] of this._filters) {
      const kept = key === filter;
      node.setAttribute('aria-pressed', String(kept));
      show(node, kept || hasAny(records, key));
    }
  }

  private readonly _sorts: ReadonlyMap<SortKey, HTMLButtonElement>;
  private readonly _filters: ReadonlyMap<Filter, HTMLButtonElement>;
}

function grouped(node: HTMLElement, name: string): void {
  node.setAttribute('role', 'group');
  node.setAttribute('aria-label', name);
}
