/** Which notebook has which session. */
import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { type ISignal, Signal } from '@lumino/signaling';

import { Connection } from './connection';
import { Edits } from './edits';
import { Embedder } from './embed/embedder';
import { SessionModel } from './model';
import type { Settings } from './settings';
import type { IFeed, ITracked } from './tokens';

export class Tracker implements IFeed {
  constructor(
    private readonly _notebooks: INotebookTracker,
    readonly settings: Settings
  ) {
    _notebooks.widgetAdded.connect((_, panel) => {
      this._add(panel);
    });
    _notebooks.forEach(panel => {
      this._add(panel);
    });
    _notebooks.currentChanged.connect(() => {
      this._currentChanged.emit(this.current);
    });
  }

  get current(): ITracked | null {
    const panel = this._notebooks.currentWidget;
    return panel ? (this._tracked.get(panel) ?? null) : null;
  }

  get currentChanged(): ISignal<IFeed, ITracked | null> {
    return this._currentChanged;
  }

  get added(): ISignal<IFeed, ITracked> {
    return this._added;
  }

  all(): readonly ITracked[] {
    return [...this._tracked.values()];
  }

  private _add(panel: NotebookPanel): void {
    if (this._tracked.has(panel)) {
      return;
    }
    const model = new SessionModel();
    const connection = new Connection(panel.sessionContext, model, () => this._autoload());
    connection.wishes = async () => {
      await this.settings.loaded;
      return { zone: this.settings.zone, pue: this.settings.pue };
    };
    connection.refused.connect((_, line) => {
      Notification.error(line, { autoClose: 8000 });
    });
    const edits = new Edits(model, cellId => sourceOf(panel, cellId));
    connection.began.connect((_, begun) => {
      edits.begin(begun);
    });
    const isOf: ITracked['isOf'] = run => connection.askedFor(run) || !this._hasTwin(panel, run.cellId);
    const parts = { panel, model, connection, edits, isOf };
    const tracked = { ...parts, embedder: new Embedder(parts, this.settings) };
    this._tracked.set(panel, tracked);
    panel.disposed.connect(() => {
      connection.dispose();
      this._tracked.delete(panel);
      this._currentChanged.emit(this.current);
    });
    this._added.emit(tracked);
    if (panel === this._notebooks.currentWidget) {
      this._currentChanged.emit(tracked);
    }
  }

  /** Whether another notebook on the same kernel has a cell of this id, as a copied file has. */
  private _hasTwin({ context, sessionContext }: NotebookPanel, cellId: string | null): boolean {
    const kernelId = sessionContext.session?.kernel?.id;
    return this.all().some(
      ({ panel, connection }) =>
        panel.context !== context && // as views of one notebook have
        connection.kernelId === kernelId &&
        cellId !== null &&
        sourceOf(panel, cellId) !== null
    );
  }

  private async _autoload(): Promise<boolean> {
    await this.settings.loaded;
    return this.settings.autoload;
  }

  private readonly _tracked = new Map<NotebookPanel, ITracked>();
  private readonly _currentChanged = new Signal<IFeed, ITracked | null>(this);
  private readonly _added = new Signal<IFeed, ITracked>(this);
}

function sourceOf(panel: NotebookPanel, cellId: string): string | null {
  for (const cell of panel.content.model?.cells ?? []) {
    if (cell.id === cellId) {
      return cell.sharedModel.getSource();
    }
  }
  return null;
}
