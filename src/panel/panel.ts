/** The side panel: follows the notebook the user is in. Hidden, it does no work. */
import { Dialog, Notification, SessionContextDialogs, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { type ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { greencellIcon } from '../icons';
import type { Change, SessionModel } from '../model';
import type { IFeed, ITracked } from '../tokens';
import type { IViewState } from '../viewstate';
import type { ExportFormat, ITotals, Statement } from '../wire';
import { Announcer } from './announcer';
import { Cells } from './cells';
import { Notices } from './details';
import { button, element, setText, show } from '../dom';
import { Frame } from '../frame';
import { Now } from './now';
import { exportButton } from './exportmenu';
import { copyAs, copyText, download, type IExportAsking, namingOf, statementTitles } from './exports';
import { History } from './history';
import { lastFigures } from './last';
import { Method } from './method';
import { Places } from './places';
import { Summary } from './summary';
import { WasteView } from './waste';
import { WhatIf } from './whatif';
import { Where } from './where';
import { suggestions } from '../zones';
import { askZoneName } from './zone';
import { Welcome, type WelcomePhase } from './welcome';

const COUNT_MS = 1000;
/** Sections that ask the kernel when somebody opens them: a reload opens none of them. */
const ASKING = new Set(['what-if', 'history']);

export class GreencellPanel extends Widget {
  constructor(
    private readonly _feed: IFeed,
    private readonly _trans: TranslationBundle,
    activate: (panel: NotebookPanel) => void,
    commands: CommandRegistry
  ) {
    super();
    this.id = 'greencell-panel';
    this.addClass('gc-Panel');
    this.title.icon = greencellIcon;
    this.title.caption = _trans.__('Energy and CO₂ of this notebook');
    this.node.dataset['gc'] = 'panel';
    this.node.tabIndex = -1; // for the key that opens it; its first control is one Tab away
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Energy and CO₂ of this notebook'));

    const reveal = (): void => {
      this._method.reveal();
    };
    this._summary = new Summary(_trans, () => void this.askZone(), reveal, () => void this._tracked?.connection.refresh(), () => _feed.settings.price);
    this._notices = new Notices(_trans, reveal, exportButton(commands, _trans, true));
    this._places = new Places(_feed, _trans, activate);
    this._now = new Now(_trans, {
      settings: _feed.settings,
      nameOf: id => this._places.nameOf(id),
      reveal: id => void this._places.reveal(id)
    });
    this._cells = new Cells(_trans, {
      names: () => this._places.names(),
      sorted: () => this._viewStateChanged.emit(),
      changedSince: record => this._tracked?.edits.changedSince(record) ?? false,
      reveal: id => void this._places.reveal(id),
      fetchAll: () => void this._tracked?.connection.fetchAll()
    });
    this._welcome = new Welcome(_trans, _feed.settings, {
      enable: () => void this._tracked?.connection.enable(),
      startKernel: () => void this._startKernel(),
      copy: copyText,
      copyLast: () => {
        this._copyLast();
      }
    });
    this._waste = new WasteView(_trans);
    this._where = new Where(_trans);
    const totals = (): ITotals | null => this._tracked?.model.totals ?? null;
    this._whatIf = new WhatIf(_trans, () => this._tracked?.connection.request('what-if') ?? null, Date.now, totals);
    this._history = new History(_trans, () => this._tracked?.connection.request('history') ?? null, {
      totals,
      names: () => this._places.names(),
      reveal: id => void this._places.reveal(id)
    });
    this._method = new Method(_trans, copyText);
    this._figures.append(
      this._summary.node,
      this._notices.node,
      this._now.node,
      this._cells.node,
      this._waste.node,
      this._where.node,
      this._whatIf.node,
      this._history.node,
      this._footer(commands),
      this._method.node
    );
    this._announcer = new Announcer(_trans, id => this._places.nameOf(id));
    this.node.append(this._head(), this._welcome.node, this._figures, this._announcer.node);
    // States and notices change rarely; figures, which do not, are left to the announcer.
    this._welcome.node.ariaLive = this._notices.node.ariaLive = 'polite';
    // The event of a section does not bubble.
    this._figures.addEventListener('toggle', () => this._viewStateChanged.emit(), true);

    _feed.all().forEach(tracked => this._followTitle(tracked));
    _feed.added.connect((_, tracked) => this._followTitle(tracked), this);
    _feed.currentChanged.connect(this._onCurrentChanged, this);
    _feed.settings.changed.connect(this._update, this);
    this._onCurrentChanged();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._stopCounting();
      this._frame.cancel();
      this._tracked?.model.changed.disconnect(this._onChange, this);
      this._feed.currentChanged.disconnect(this._onCurrentChanged, this);
      this._feed.settings.changed.disconnect(this._update, this);
      this._now.dispose();
      this._announcer.dispose();
      super.dispose();
    }
  }

  get hasFocus(): boolean {
    return this.node.contains(document.activeElement);
  }

  /** Go to the row of a cell's latest run, if it has run. */
  async showCell(cellId: string): Promise<void> {
    const tracked = this._tracked;
    if (tracked && !this._cells.select(cellId) && tracked.model.missingRecords > 0) {
      await tracked.connection.fetchAll();
      this._update();
      this._cells.select(cellId);
    }
  }

  /** Ask where the electricity comes from, and tell the kernel; a name it does not know stays. */
  async askZone(): Promise<void> {
    const tracked = this._tracked?.model.over === false ? this._tracked : null;
    let name = tracked?.model.carbon?.zone ?? '';
    let refusal = '';
    while (tracked) {
      const answer = await askZoneName(this._trans, name, refusal, suggestions(query => tracked.connection.request('zones', { query })));
      if (answer === null) {
        return;
      }
      const reply = await tracked.connection.request('set-zone', { zone: answer });
      if (reply.ok) {
        return;
      }
      [name, refusal] = [answer, reply.error];
    }
  }

  /** Ask whether to begin a new session, and tell the kernel. */
  async askReset(): Promise<void> {
    const tracked = this._tracked;
    const answer = await showDialog({
      title: this._trans.__('Begin a new session?'),
      body: this._trans.__('The figures shown so far end here. Export them first if you need them.'),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: this._trans.__('Begin') })]
    });
    if (tracked && answer.button.accept) {
      await this._ask(tracked, 'reset');
    }
  }

  /** Start a kernel like the last one, or let the user choose. */
  private async _startKernel(): Promise<void> {
    const tracked = this._tracked;
    if (tracked && !(await tracked.connection.startKernel())) {
      await new SessionContextDialogs().selectKernel(tracked.panel.sessionContext);
    }
  }

  /** What this page knows of a session whose kernel is gone. */
  private _copyLast(): void {
    const tracked = this._tracked;
    if (tracked) {
      copyText(lastFigures(tracked.panel.title.label, tracked.model, this._places.names(), this._trans));
      Notification.success(this._trans.__('Copied: %1', 'Markdown'), { autoClose: 2000 });
    }
  }

  /** Ask something of the kernel; a refusal is shown in one line. */
  private async _ask(tracked: ITracked, op: string, extra: Record<string, string> = {}): Promise<void> {
    const reply = await tracked.connection.request(op, extra);
    if (!reply.ok) {
      Notification.error(reply.error, { autoClose: 8000 });
    }
  }

  /** Fetch the session in a format and hand it to the browser as a download. */
  async export(format: ExportFormat, last = false): Promise<void> {
    if (this._tracked) {
      await download(this._tracked, format, this._trans, this._asking(this._tracked, last));
    }
  }

  /** Put the session in a format on the clipboard. */
  async copy(form: 'md' | Statement, last = false): Promise<void> {
    if (this._tracked) {
      const title = form === 'md' ? 'Markdown' : statementTitles(this._trans)[form];
      await copyAs(this._tracked, form, title, this._trans, this._asking(this._tracked, last));
    }
  }

  /** Names are exported only where the user has ticked that, on this page. */
  private _asking(tracked: ITracked, last: boolean): IExportAsking {
    return { last, ...(this._named.checked ? namingOf(tracked, this._places.names()) : {}) };
  }

  /** Count no more, or again. */
  async togglePause(): Promise<void> {
    if (this._tracked) {
      await this._ask(this._tracked, this._tracked.model.paused ? 'resume' : 'pause');
    }
  }

  /** Which sections are open, and how the rows are sorted. */
  get viewState(): IViewState {
    const open = this._sections().filter(section => section.open);
    return { open: open.map(section => section.dataset['gc'] ?? ''), sort: this._cells.sort };
  }

  set viewState({ open, sort }: IViewState) {
    for (const section of this._sections()) {
      section.open = open.includes(section.dataset['gc'] ?? '');
    }
    this._cells.sort = sort;
  }

  get viewStateChanged(): ISignal<this, void> {
    return this._viewStateChanged;
  }

  /** The sections that may be opened without asking the kernel anything. */
  private _sections(): HTMLDetailsElement[] {
    return [...this._figures.querySelectorAll<HTMLDetailsElement>(':scope > details')].filter(
      section => !ASKING.has(section.dataset['gc'] ?? '')
    );
  }

  /** The theme changed. */
  refresh(): void {
    if (this._tracked && this.isVisible) {
      this._now.refit(this._tracked.model);
      this._cells.refit();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._update();
    this._count();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._stopCounting();
  }

  protected override onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    this.refresh();
  }

  private _head(): HTMLElement {
    this._pause.addEventListener('click', () => {
      void this.togglePause();
    });
    return element('div', 'gc-Head', this._dot, this._title, this._phaseWord, this._pause);
  }

  private _footer(commands: CommandRegistry): HTMLElement {
    const copy = button(this._trans.__('Copy'), '', () => {
      void this.copy('md');
    });
    copy.title = this._trans.__('Copy the session as Markdown');
    return element('div', 'gc-Section gc-Footer', exportButton(commands, this._trans), copy, this._namedBox());
  }

  private _namedBox(): HTMLElement {
    this._named.type = 'checkbox';
    this._named.dataset['gc'] = 'export-names';
    const box = element('label', 'gc-Check', this._named, this._trans.__('with names'));
    box.title = this._trans.__('Exports and copies name the notebook, and cells by their first line. Else no text of a cell leaves this page.');
    return box;
  }

  /** A notebook that is renamed is called so at once. */
  private _followTitle({ panel: { title } }: ITracked): void {
    let { label } = title;
    title.changed.connect(() => {
      if (label !== title.label) {
        label = title.label;
        this._update();
      }
    }, this);
  }

  private _onCurrentChanged(): void {
    const current = this._feed.current;
    if (current !== this._tracked) {
      this._tracked?.model.changed.disconnect(this._onChange, this);
      this._tracked = current;
      current?.model.changed.connect(this._onChange, this);
      this._whatIf.forget();
      this._now.forget();
      this._history.forget();
    }
    this._update();
    this._count();
  }

  private _onChange(_: SessionModel, change: Change): void {
    if (this.isVisible) {
      this._frame.request(change);
    }
  }

  /** Messages may come by the hundred: what they changed is drawn once in a frame. */
  private readonly _frame = new Frame<Change>(due => {
    const model = this._tracked?.model;
    const isAll = [...due].some(change => change !== 'live' && change !== 'total');
    if (isAll || !model || !this.isVisible) {
      this._update();
    } else {
      this._updateLive(model, true);
      if (due.has('total')) {
        this._cells.update(model);
      }
    }
    this._count();
  });

  private _update(): void {
    if (!this.isVisible) {
      return;
    }
    const tracked = this._tracked;
    const model = tracked?.model ?? null;
    const phase: WelcomePhase = model?.phase ?? 'no-notebook';
    setText(this._title, tracked?.panel.title.label ?? 'greencell');
    setText(this._phaseWord, this._wordOf(phase, model));
    this._dot.className = `gc-Dot gc-mod-${model?.running ? 'running' : phase}`;
    const known = phase !== 'other-version' && model?.totals !== null && model?.totals !== undefined;
    const over = model?.over === true;
    show(this._pause, known && !over);
    this._pause.title = model?.paused ? this._trans.__('Count again') : this._trans.__('Pause');
    setText(this._pause, model?.paused ? '▶' : '❚❚');
    this._pause.setAttribute('aria-label', this._pause.title);
    show(this._figures, known);
    this._figures.classList.toggle('gc-mod-over', over);
    this._figures.classList.toggle('gc-mod-next', over && phase === 'measuring');
    this._welcome.update(phase, model, this._kernelName());
    if (model && known) {
      this._updateLive(model, true);
      this._notices.update(model);
      this._cells.update(model);
      this._waste.update(model);
      this._method.update(model);
      this._announcer.update(model);
    }
  }

  private _updateLive(model: SessionModel, redraw: boolean): void {
    this._summary.update(
      model,
      this._places.companions().map(other => other.panel.title.label)
    );
    this._now.update(model, redraw);
    this._where.update(model);
    this._whatIf.follow();
    this._history.follow();
    this._announcer.updateLive(model);
  }

  /** Count seconds by this page's clock while a cell runs and somebody looks. */
  private _count(): void {
    const due = this.isVisible && this._tracked?.model.running;
    if (due && this._timer === null) {
      this._timer = window.setInterval(() => {
        const model = this._tracked?.model;
        if (model?.running && this.isVisible) {
          this._now.update(model, false);
        } else {
          this._stopCounting();
        }
      }, COUNT_MS);
    } else if (!due) {
      this._stopCounting();
    }
  }

  private _stopCounting(): void {
    if (this._timer !== null) {
      window.clearInterval(this._timer);
      this._timer = null;
    }
  }

  private _wordOf(phase: WelcomePhase, model: SessionModel | null): string {
    if (model?.connected === false || (model?.running && model.stale && model.silence === 'offline')) {
      return this._trans.__('No connection');
    }
    switch (phase) {
      case 'measuring':
        if (model?.over) {
          return this._trans.__('Ended');
        }
        return model?.paused
          ? this._trans.__('Paused')
          : model?.running
            ? this._trans.__('Measuring')
            : this._trans.__('Idle');
      case 'no-channel':
        return this._trans.__('Measuring');
      case 'queued':
      case 'loading':
        return this._trans.__('Starting…');
      case 'asking':
      case 'silent':
      case 'no-notebook':
        return '';
      default:
        return model?.over ? this._trans.__('Ended') : this._trans.__('Not measuring');
    }
  }

  private _kernelName(): string {
    return this._tracked?.panel.sessionContext.kernelDisplayName ?? '';
  }

  private readonly _viewStateChanged = new Signal<this, void>(this);
  private _tracked: ITracked | null = null;
  private _timer: number | null = null;
  private readonly _named = element('input');
  private readonly _dot = element('span', 'gc-Dot');
  private readonly _title = element('span', 'gc-Title gc-Grow');
  private readonly _phaseWord = element('span', 'gc-Dim');
  private readonly _pause = button('', 'gc-mod-icon', () => undefined);
  private readonly _figures = element('div', 'gc-Figures');
  private readonly _welcome: Welcome;
  private readonly _places: Places;
  private readonly _summary: Summary;
  private readonly _notices: Notices;
  private readonly _now: Now;
  private readonly _cells: Cells;
  private readonly _announcer: Announcer;
  private readonly _waste: WasteView;
  private readonly _where: Where;
  private readonly _whatIf: WhatIf;
  private readonly _history: History;
  private readonly _method: Method;
}
