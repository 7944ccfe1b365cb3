/** What if: this session elsewhere, in greener hours, in everyday things. Asked when opened. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { decodeWhatIf, type IWhatIf } from '../whatif';
import type { ITotals } from '../wire';
import { Asked, type Asker, type Follower } from './asked';
import { element, marked } from '../dom';
import { elsewhereList } from './elsewhere';
import { hoursAhead } from './hours';

export class WhatIf extends Asked<IWhatIf> {
  constructor(
    trans: TranslationBundle,
    asker: Asker,
    private readonly _nowMs: () => number = Date.now,
    totals: () => ITotals | null = () => null
  ) {
    super('what-if', trans.__('What if'), trans, asker, decodeWhatIf, totals);
  }

  protected override _shown(answer: IWhatIf, _then: ITotals | null, followers: Follower[]): HTMLElement[] {
    const trans = this._trans;
    const { ahead, aheadNote, equivalents } = answer;
    const nodes = [
      element('h3', 'gc-Subtitle', trans.__('Elsewhere')),
      ...elsewhereList(answer, trans, followers),
      element('h3', 'gc-Subtitle', trans.__('Later')),
      ...(ahead ? hoursAhead(ahead, trans, this._nowMs()) : [element('p', 'gc-Small', aheadNote)])
    ];
    if (equivalents.length > 0) {
      const things = equivalents.map(({ words, source }) =>
        marked('li', 'equivalent', '', words, ' ', element('span', 'gc-Small', source))
      );
      nodes.push(
        element('h3', 'gc-Subtitle', trans.__('As much as')),
        element('ul', 'gc-Things', ...things)
      );
    }
    return nodes;
  }
}
