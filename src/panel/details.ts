/** Where the energy went, and how all of it was computed, one click away. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { IInfo, INotice } from '../wire';
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
    const estimated = format.isEstimated(totals.provenance);
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
        const words = `${componentName(component)} ${format.energy(energyJ, estimated)} (${format.percent(energyJ / sum)})`;
        return element('span', 'gc-Legend-item', key, words);
      })
    );
    const others = totals.machineJ - (totals.energyJ ?? 0);
    const whole = info?.attribution === 'machine';
    setText(
      this._machine,
      whole
        ? this._trans.__('The whole machine is counted.')
        : this._trans.__(
            'The whole machine used %1; %2 of it by others, not counted here.',
            format.energy(totals.machineJ, estimated),
            format.percent(totals.machineJ > 0 ? Math.max(0, others) / totals.machineJ : 0)
          )
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
    const shown = JSON.stringify([model.notices, model.ended?.totals.energyJ]);
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
      ? format.mark(totals.provenance) + format.energy(totals.energyJ, format.isEstimated(totals.provenance))
      : format.UNKNOWN;
    const cells = this._trans._n('%1 cell', '%1 cells', totals?.cells ?? 0);
    const text = this._endedText(model, this._trans.__('%1 in %2', figure, cells));
    return marked('div', 'notice', 'gc-Notice gc-mod-info', text);
  }

  private _endedText(model: SessionModel, figures: string): string {
    if (model.phase === 'dead' || model.phase === 'no-kernel') {
      return this._trans.__('The last session ended with %1.', figures);
    }
    return model.ended?.withKernel === true
      ? this._trans.__('Kernel restarted: a new session began. The one before it ended with %1.', figures)
      : this._trans.__('A new session began. The one before it ended with %1.', figures);
  }

  private _shown = '';
}

/** How the figures are computed: sources, what is not used and why, carbon, intervals. */
export class Method {
  constructor(private readonly _trans: TranslationBundle) {
    this.node.append(element('summary', 'gc-Section-title', _trans.__('How this is computed')), this._list);
  }

  readonly node = marked('details', 'method', 'gc-Section gc-Method');

  /** Open it and bring it into view. */
  reveal(): void {
    this.node.open = true;
    this.node.scrollIntoView({ block: 'nearest' });
  }

  update(model: SessionModel): void {
    const { info, carbon } = model;
    show(this.node, info !== null);
    if (!info || !carbon || info === this._shown) {
      return;
    }
    this._shown = info;
    const trans = this._trans;
    const items: HTMLElement[] = [];
    const add = (term: string, ...words: (Node | string)[]): void => {
      items.push(element('dt', '', term), element('dd', '', ...words));
    };
    for (const source of info.sources) {
      const how = source.provenance === 'measured' ? trans.__('measured') : trans.__('estimated');
      add(componentName(source.component), `${source.detail || source.id} (${how})`);
    }
    for (const skipped of info.skipped) {
      add(skipped.id, trans.__('not used: %1.', skipped.reason));
      if (skipped.remedy !== '') {
        add('', trans.__('To enable:'), ' ', element('code', 'gc-Remedy', skipped.remedy));
      }
    }
    const year = carbon.year === null ? '' : `, ${carbon.year}`;
    add(
      trans.__('Carbon'),
      `${carbon.zoneName} (${carbon.zone}), ${format.intensity(carbon.intensityGPerKwh)}, ${carbon.basis}${year}. ${carbon.source}. ${carbon.note}`
    );
    add('PUE', format.digits(carbon.pue, 3));
    add(
      trans.__('Counted'),
      info.attribution === 'machine'
        ? trans.__('everything this machine used')
        : trans.__('what this kernel and its child processes caused: idle power, and their share of CPU time')
    );
    add(trans.__('Intervals'), trans.__('about 95 %; those of CO₂e include ± 20 % for the grid’s figure'));
    add(trans.__('Not counted'), trans.__('screen, disks, network, losses of the power supply'));
    add('', `greencell ${info.version} · ${info.cpu}${info.gpus.map(gpu => ` · ${gpu}`).join('')}`);
    this._list.replaceChildren(...items);
  }

  private _shown: IInfo | null = null;
  private readonly _list = element('dl', 'gc-List');
}
