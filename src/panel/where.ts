/** Where the energy went: by component, in and between cells, and what the machine used besides. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import { Hold } from '../hold';
import type { SessionModel } from '../model';
import type { ISource, ITotals } from '../wire';
import { componentClass, componentName, componentRank } from './components';
import { arrange, element, marked, section, setData, setText, show } from '../dom';

/** A row that stands while its figures change. */
interface IRow {
  node: HTMLElement;
  energy: HTMLElement;
  share: HTMLElement;
  words: HTMLElement;
  bar: HTMLElement;
  hold: Hold;
}

/** The rows of each list add up to the session. */
export class Where {
  constructor(private readonly _trans: TranslationBundle) {
    this.node = section(_trans.__('Where it went'), this._components, this._times, this._machine);
  }

  readonly node: HTMLElement;

  update(model: SessionModel): void {
    const { totals, info } = model;
    const parts = [...(totals?.byComponentJ ?? [])].sort(([a], [b]) => componentRank(a) - componentRank(b));
    const sumJ = parts.reduce((total, [, energyJ]) => total + energyJ, 0);
    show(this.node, totals !== null && sumJ > 0);
    if (!totals || sumJ <= 0) {
      return;
    }
    const betweenJ = Math.min(totals.betweenCellsJ, sumJ);
    const row = (name: string, mark: string, energyJ: number, known: ITotals['provenance'], words: string): HTMLElement =>
      this._row(name, mark, energyJ, sumJ, known, words);
    arrange(
      this._components,
      parts.map(([component, energyJ]) => {
        const sources = (info?.sources ?? []).filter(
          source => source.component === component && source.scope === 'component'
        );
        const measured = sources.length > 0 && sources.every(source => source.provenance === 'measured');
        const known = measured ? 'measured' : totals.provenance;
        return row(componentName(component), componentClass(component), energyJ, known, sources.map(this._source).join('; '));
      })
    );
    const trans = this._trans;
    const besides = trans.__('idle power, background threads');
    arrange(this._times, [
      row(trans.__('in cells'), 'cells', sumJ - betweenJ, totals.provenance, ''),
      row(trans.__('between cells'), 'between', betweenJ, totals.provenance, besides)
    ]);
    setText(
      this._machine,
      info?.attribution === 'machine' ? trans.__('The whole machine is counted.') : this._beside(totals)
    );
  }

  private _row(
    name: string,
    mark: string,
    energyJ: number,
    sumJ: number,
    provenance: ITotals['provenance'],
    words: string
  ): HTMLElement {
    const key = `${mark} ${name}`;
    const row = this._rows.get(key) ?? newRow(name, mark);
    this._rows.set(key, row);
    setText(row.energy, format.energy(energyJ, provenance, row.hold));
    setText(row.share, format.percent(energyJ / sumJ));
    setText(row.words, words);
    row.bar.style.setProperty('--gc-share', `${((100 * energyJ) / sumJ).toFixed(1)}%`);
    setData(row.node, 'energy-j', energyJ);
    return row.node;
  }

  /** What reads a component, how far that is known, and what it draws at idle. */
  private readonly _source = ({ detail, id, provenance, relativeError, baselineW }: ISource): string => {
    const how = provenance === 'measured' ? this._trans.__('measured') : this._trans.__('estimated');
    const words = [detail || id, relativeError === null ? how : `${how} ${format.plusMinus(relativeError)}`];
    if (baselineW !== null) {
      words.push(this._trans.__('idle %1', format.power(baselineW, true)));
    }
    return words.join(' · ');
  };

  /** What the machine used besides, which is in no figure here. */
  private _beside(totals: ITotals): string {
    const { machineJ, othersJ, idleJ } = totals;
    const share = (energyJ: number): string =>
      format.percent(machineJ > 0 ? Math.min(1, Math.max(0, energyJ) / machineJ) : 0);
    const whole = format.energy(machineJ, totals.provenance);
    if (othersJ === null || idleJ === null) {
      const rest = share(othersJ ?? machineJ - (totals.energyJ ?? 0));
      return this._trans.__('The whole machine used %1; %2 of it by others, not counted here.', whole, rest);
    }
    return this._trans.__(
      'The whole machine used %1; not counted here: %2 by others, %3 idle.',
      whole,
      share(othersJ),
      share(idleJ)
    );
  }

  private readonly _rows = new Map<string, IRow>();
  private readonly _components = element('div', 'gc-Parts');
  private readonly _times = element('div', 'gc-Parts');
  private readonly _machine = element('div', 'gc-Dim');
}

function newRow(name: string, mark: string): IRow {
  const [energy, share, words] = [element('span'), element('span', 'gc-Dim gc-Part-share'), element('div', 'gc-Small')];
  const bar = element('div', `gc-Bar gc-mod-${mark}`);
  const line = element('div', 'gc-Row', element('span', 'gc-Grow', name), energy, share);
  const node = marked('div', 'part', 'gc-Part', line, bar, words);
  node.dataset['part'] = mark;
  return { node, energy, share, words, bar, hold: new Hold() };
}
