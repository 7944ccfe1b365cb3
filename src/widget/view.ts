/**
 * The panel in an output: the views of the side panel over one model, without JupyterLab.
 *
 * It knows neither the notebook's cells nor other notebooks; it draws only while it is seen.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Change, SessionModel } from '../model';
import { Cells } from '../panel/cells';
import { Notices } from '../panel/details';
import { button, element, marked, setText, show } from '../dom';
import { History } from '../panel/history';
import { Method } from '../panel/method';
import { Now } from '../panel/now';
import { Summary } from '../panel/summary';
import { WasteView } from '../panel/waste';
import { WhatIf } from '../panel/whatif';
import { Where } from '../panel/where';
import { Settings } from '../settings';
import type { WidgetChannel } from './channel';
import { Frame } from '../frame';
import type { ITotals } from '../wire';
import { suggestions } from '../zones';
import { ZoneForm } from './zone';

const COUNT_MS = 1000;

export class WidgetView {
  constructor(
    private readonly _model: SessionModel,
    private readonly _trans: TranslationBundle,
    channel: Pick<WidgetChannel, 'request' | 'fetchAll'>
  ) {
    const totals = (): ITotals | null => _model.totals;
    const name = (): string => _trans.__('cell');
    const names = () => name;
    const reveal = (): void => undefined;
    this._zone = new ZoneForm(
      _trans,
      zone => channel.request('set-zone', { zone }),
      suggestions(query => channel.request('zones', { query }))
    );
    this._method = new Method(_trans, text => void navigator.clipboard.writeText(text));
    const toMethod = (): void => {
      this._method.reveal();
    };
    this._summary = new Summary(_trans, () => this._zone.open(_model.carbon?.zone ?? ''), toMethod, () => void channel.fetchAll());
    this._notices = new Notices(_trans, toMethod);
    this._now = new Now(_trans, { settings: new Settings(), nameOf: name, reveal });
    this._cells = new Cells(_trans, {
      names,
      reveal,
      changedSince: () => false,
      sorted: reveal,
      fetchAll: () => void channel.fetchAll()
    });
    this._whatIf = new WhatIf(_trans, () => channel.request('what-if'), Date.now, totals);
    this._history = new History(_trans, () => channel.request('history'), { names, reveal, totals });
    this._waste = new WasteView(_trans);
    this._where = new Where(_trans);
    this._pause.addEventListener('click', () => {
      void channel.request(_model.paused ? 'resume' : 'pause');
    });
    this._waits.setAttribute('role', 'status');
    show(this._waits, false);
    this._figures.append(
      this._summary.node,
      this._zone.node,
      this._notices.node,
      this._now.node,
      this._cells.node,
      this._waste.node,
      this._where.node,
      this._whatIf.node,
      this._history.node,
      this._method.node
    );
    this.node.append(
      element('header', 'gc-Head', this._dot, element('span', 'gc-Title gc-Grow', 'greencell'), this._word, this._pause),
      this._waits,
      this._figures
    );
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Energy and CO₂ of this notebook'));
    _model.changed.connect(this._onChange, this);
  }

  readonly node = marked('div', 'panel', 'gc-Panel gc-Widget');

  /** Whether somebody can see it; out of sight it does no work. */
  setVisible(visible: boolean): void {
    this._visible = visible;
    this._update();
    this._count();
  }

  /** It got another width. */
  refit(): void {
    if (this._visible) {
      this._now.refit(this._model);
      this._cells.refit();
    }
  }

  /** So many requests wait for an answer. */
  setPending(pending: number): void {
    this._pending = pending;
    this._updateWaits();
  }

  dispose(): void {
    this._visible = false;
    this._frame.cancel();
    this._count();
    this._model.changed.disconnect(this._onChange, this);
    this._now.dispose();
  }

  private _onChange(_: SessionModel, change: Change): void {
    if (this._visible) {
      this._frame.request(change);
    }
    this._count();
  }

  private readonly _frame = new Frame<Change>(due => {
    if ([...due].every(change => change === 'live')) {
      this._updateLive();
    } else {
      this._update();
    }
  });

  private _update(): void {
    if (!this._visible) {
      return;
    }
    const { totals, paused, running, phase } = this._model;
    const trans = this._trans;
    const word = paused ? trans.__('Paused') : running ? trans.__('Measuring') : trans.__('Idle');
    setText(this._word, totals ? word : trans.__('Starting…'));
    this._dot.className = `gc-Dot gc-mod-${running ? 'running' : phase}`;
    this._pause.title = paused ? trans.__('Count again') : trans.__('Pause');
    this._pause.setAttribute('aria-label', this._pause.title);
    setText(this._pause, paused ? '▶' : '❚❚');
    show(this._figures, totals !== null);
    if (totals) {
      this._updateLive();
      this._notices.update(this._model);
      this._cells.update(this._model);
      this._waste.update(this._model);
      this._method.update(this._model);
    }
    this._updateWaits();
  }

  private _updateLive(): void {
    this._summary.update(this._model, []);
    this._now.update(this._model, true);
    this._where.update(this._model);
    this._whatIf.follow();
    this._history.follow();
  }

  private _updateWaits(): void {
    setText(this._waits, this._trans.__('A cell is running; what you ask here is answered when it has ended.'));
    show(this._waits, this._pending > 0 && this._model.running !== null);
  }

  /** Count seconds by this page's clock while a cell runs and somebody looks. */
  private _count(): void {
    const due = this._visible && this._model.running !== null;
    if (due && this._timer === null) {
      this._timer = window.setInterval(() => {
        this._now.update(this._model, false);
      }, COUNT_MS);
    } else if (!due && this._timer !== null) {
      window.clearInterval(this._timer);
      this._timer = null;
    }
  }

  private _visible = false;
  private _pending = 0;
  private _timer: number | null = null;
  private readonly _dot = element('span', 'gc-Dot');
  private readonly _word = element('span', 'gc-Dim');
  private readonly _pause = button('', 'gc-mod-icon', () => undefined);
  private readonly _waits = element('p', 'gc-Dim gc-Waits');
  private readonly _figures = element('div', 'gc-Figures');
  private readonly _zone: ZoneForm;
  private readonly _summary: Summary;
  private readonly _notices: Notices;
  private readonly _now: Now;
  private readonly _cells: Cells;
  private readonly _waste: WasteView;
  private readonly _where: Where;
  private readonly _method: Method;
  private readonly _whatIf: WhatIf;
  private readonly _history: History;
}
