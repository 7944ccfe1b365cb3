/** What was spent on runs that failed, were interrupted, or ran again later. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import { type ISum, type Waste, WASTES, wasteOf } from '../table/sums';
import { element, marked, setData, setText, show } from '../dom';

export class WasteView {
  constructor(private readonly _trans: TranslationBundle) {
    this._words = {
      failed: _trans.__('failed'),
      interrupted: _trans.__('interrupted'),
      overwritten: _trans.__('ran again later')
    };
    this.node.append(
      element('summary', 'gc-Section-title', _trans.__('Waste'), this._headline),
      this._list,
      element('p', 'gc-Small', _trans.__('Runs whose result is not there any more, or never was. Each counts once.'))
    );
  }

  readonly node = marked('details', 'waste', 'gc-Section gc-Method');

  /** Show what there is of it; hidden while there is none. */
  update(model: SessionModel): void {
    const { all, share, groups } = wasteOf(model.records);
    show(this.node, all.runs > 0);
    if (all.runs === 0) {
      return;
    }
    const part = share === null ? '' : ` · ${this._trans.__('%1 of the cells’ energy', format.percent(share))}`;
    setText(this._headline, `${format.energyWithInterval(all)}${part}`);
    setData(this.node, 'energy-j', all.energyJ);
    const known = WASTES.flatMap(kind => {
      const sum = groups.get(kind);
      return sum ? [this._group(kind, sum, all)] : [];
    });
    this._list.replaceChildren(...known);
  }

  private _group(kind: Waste, sum: ISum, all: ISum): HTMLElement {
    const bar = element('div', 'gc-Bar');
    const share = all.energyJ ? (sum.energyJ ?? 0) / all.energyJ : 0;
    bar.style.setProperty('--gc-share', `${(100 * share).toFixed(1)}%`);
    const count = this._trans._n('%1 run', '%1 runs', sum.runs);
    const line = element(
      'div',
      'gc-Row',
      element('span', 'gc-Grow', `${this._words[kind]} · ${count}`),
      element('span', 'gc-Cell-energy', format.energyWithInterval(sum))
    );
    const node = marked('li', 'waste-row', '', line, bar);
    node.title = this._trans.__('CO₂e: %1', format.co2WithInterval(sum));
    setData(node, 'kind', kind);
    setData(node, 'energy-j', sum.energyJ);
    return node;
  }

  private readonly _words: Readonly<Record<Waste, string>>;
  private readonly _headline = element('span', 'gc-Headline-note');
  private readonly _list = element('ul', 'gc-Places');
}
