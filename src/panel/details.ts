/** What a person should know about the figures. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { INotice } from '../wire';
import { told } from '../told';
import { isCommand } from '../words';
import { button, element, marked, show } from '../dom';

/** Notices with what to do about them. */
export class Notices {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _onWhy: () => void,
    private readonly _exportLast: HTMLElement | null = null
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
    const node = marked('div', 'notice', `gc-Notice gc-mod-${notice.level}`, told(notice.text, this._trans, notice.about));
    if (notice.id === 'estimated') {
      node.append(' ', button(this._trans.__('Why, and what would improve it'), 'gc-mod-link', this._onWhy));
    } else if (notice.remedy !== '') {
      node.append(' ', isCommand(notice.remedy) ? element('code', 'gc-Remedy', notice.remedy) : told(notice.remedy, this._trans));
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
    const node = marked('div', 'notice', 'gc-Notice gc-mod-info', text);
    if (this._exportLast) {
      node.append(' ', this._exportLast);
    }
    return node;
  }

  private _endedText(model: SessionModel, figures: string): string {
    switch (model.ended?.by) {
      case 'restarted':
        return this._trans.__('Kernel restarted: a new session began. The one before it ended with %1.', figures);
      case 'died':
        return this._trans.__('The kernel died, and a new session began. The one before it ended with %1.', figures);
      case 'switched':
        return this._trans.__('This notebook has another kernel. Its session in the one before had used %1.', figures);
      default:
        return this._trans.__('A new session began. The one before it ended with %1.', figures);
    }
  }

  private _shown = '';
}
