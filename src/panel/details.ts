/** Where the energy went, and what a person should know about the figures. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { INotice, ITotals } from '../wire';
import { componentClass, componentName, componentRank } from './components';
import { button, element, marked, section, setText, show } from './dom';

/** By component, and the machine's whole beside the kernel's part. */
export class Where {
  constructor(private readonly _trans: TranslationBundle) {
    this.node = section(_trans.__('Where it went'), this._stack, this._legend, this._machine);
  }

  readonly node: HTMLElement;

  update(model: SessionModel): void {
    const { totals, info } = model;
    const parts = [...(totals?.byComponentJ ?? [])].sort(([a], [b]) => componentRank(a) - componentRank(b));
    const sum = parts.reduce((total, [, energyJ]) => total + energyJ, 0);
    show(this.node, totals !== null && sum > 0);
    if (!totals || sum <= 0) {
      return;
    }
    this._stack.replaceChildren(
      ...parts.map(([component, energyJ]) => {
        const part = element('i', `gc-Stack-part gc-mod-${componentClass(component)}`);
        part.style.setProperty('--gc-share', `${((100 * energyJ) / sum).toFixed(1)}%`);
        return part;
      })
    );
    this._legend.replaceChildren(
      ...parts.map(([component, energyJ]) => {
        const key = element('i', `gc-Key gc-mod-${componentClass(component)}`);
        const words = `${componentName(component)} ${format.energy(energyJ, totals.provenance)} (${format.percent(energyJ / sum)})`;
        return element('span', 'gc-Legend-item', key, words);
      })
    );
    setText(this._machine, info?.attribution === 'machine' ? this._trans.__('The whole machine is counted.') : this._beside(totals));
  }

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

  private readonly _stack = element('div', 'gc-Stack');
  private readonly _legend = element('div', 'gc-Legend');
  private readonly _machine = element('div', 'gc-Dim');
}

/** Notices with what to do about them. */
export class Notices {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _onWhy: () => void
  ) {}

  readonly node = element('div', 'gc-Notices');

  update(model: SessionModel): void {
    const shown = JSON.stringify([model.notices, model.ended?.totals.energyJ, model.ended?.by]);
    if (shown === this._shown) {
      return; // a remedy may be being copied
    }
    this._shown = shown;
    const notices = model.notices.map(notice => this._notice(notice));
    if (model.ended) {
      notices.unshift(this._endedNotice(model));
    }
    this.node.replaceChildren(...notices);
    show(this.node, notices.length > 0);
  }

  private _notice(notice: INotice): HTMLElement {
    const node = marked('div', 'notice', `gc-Notice gc-mod-${notice.level}`, notice.text);
    if (notice.id === 'estimated') {
      node.append(' ', button(this._trans.__('Why, and what would improve it'), 'gc-mod-link', this._onWhy));
    } else if (notice.remedy !== '') {
      node.append(' ', element('code', 'gc-Remedy', notice.remedy));
    }
    return node;
  }

  private _endedNotice(model: SessionModel): HTMLElement {
    const totals = model.ended?.totals;
    const figure = totals
      ? format.energyWithInterval(totals)
      : format.UNKNOWN;
    const cells = this._trans._n('%1 cell', '%1 cells', totals?.cells ?? 0);
    const text = this._endedText(model, this._trans.__('%1 in %2', figure, cells));
    return marked('div', 'notice', 'gc-Notice gc-mod-info', text);
  }

  private _endedText(model: SessionModel, figures: string): string {
    switch (model.ended?.by) {
      case 'restarted':
        return this._trans.__('Kernel restarted: a new session began. The one before it ended with %1.', figures);
      case 'died':
        return this._trans.__('The kernel died, and a new session began. The one before it ended with %1.', figures);
      default:
        return this._trans.__('A new session began. The one before it ended with %1.', figures);
    }
  }

  private _shown = '';
}
