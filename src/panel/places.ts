/** Where cells are: their first line of code, and how to get there. */
import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IFeed, ITracked } from '../tokens';

const FLASH_MS = 1200;
const KEPT_IN_VIEW_MS = 1000;
const LOOK_MS = 100;
const NAME_MAX = 120;
/** Ways of JupyterLab's to draw a long notebook in which not all cells are in the page. */
const DRAWS_LATE: ReadonlySet<string> = new Set(['full', 'defer']);

/** Gives a cell's name by its id; `null` if there is no such cell any more. */
export type Names = (cellId: string | null) => string | null;

/** The cells of the current notebook and of those that share its kernel. */
export class Places {
  /** `activate` brings a notebook to the front. */
  constructor(
    private readonly _feed: IFeed,
    private readonly _trans: TranslationBundle,
    private readonly _activate: (panel: NotebookPanel) => void
  ) {}

  /** Other open notebooks on the current one's kernel. */
  companions(): readonly ITracked[] {
    const { current } = this._feed;
    const kernelId = current?.connection.kernelId;
    return kernelId === undefined
      ? []
      : this._feed.all().filter(other => other !== current && other.connection.kernelId === kernelId);
  }

  /** The names of all cells as they are now; one walk for a whole table. */
  names(): Names {
    const { current } = this._feed;
    const found = new Map<string, readonly [ICellModel, string]>();
    for (const other of this.companions()) {
      for (const cell of cellsOf(other)) {
        found.set(cell.id, [cell, `${other.panel.title.label}: `]);
      }
    }
    for (const cell of cellsOf(current)) {
      found.set(cell.id, [cell, '']);
    }
    return cellId => {
      if (cellId === null) {
        return this._trans.__('cell');
      }
      // Of ten thousand only those in view are asked for.
      const [cell, notebook] = found.get(cellId) ?? [null, ''];
      return cell ? notebook + this._line(cell) : null;
    };
  }

  /** The name of one cell. */
  nameOf(cellId: string | null): string {
    const cells = cellId === null ? [] : [...cellsOf(this._feed.current)];
    const cell = cells.find(one => one.id === cellId);
    return cell ? this._line(cell) : (this.names()(cellId) ?? this._trans.__('(deleted cell)'));
  }

  /** Scroll to a cell, make it the active one, and let it flash. */
  async reveal(cellId: string): Promise<void> {
    const { current } = this._feed;
    const candidates = current ? [current, ...this.companions()] : [];
    for (const { panel } of candidates) {
      const index = panel.content.widgets.findIndex(cell => cell.model.id === cellId);
      if (index >= 0) {
        if (panel !== current?.panel) {
          this._activate(panel);
        }
        this._turn += 1;
        await this._revealIn(panel, index, this._turn);
        return;
      }
    }
  }

  /** Lead to a cell, unless somebody asks for another meanwhile. */
  private async _revealIn(panel: NotebookPanel, index: number, turn: number): Promise<void> {
    const notebook = panel.content;
    const cell: Cell | undefined = notebook.widgets[index];
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    const isDrawn = cell?.node.getClientRects().length !== 0;
    if (!isDrawn || DRAWS_LATE.has(notebook.notebookConfig.windowingMode)) {
      // JupyterLab draws the cell first, and holds on to the one that it was asked for last.
      const scrolled = notebook.scrollToItem(index, 'center').catch(() => undefined);
      await (isDrawn ? undefined : scrolled);
    }
    if (turn !== this._turn || !cell || cell.isDisposed) {
      return;
    }
    cell.node.scrollIntoView({ block: 'center' });
    cell.addClass('gc-mod-flash'); // what moves in it stands in the style sheet
    window.setTimeout(() => {
      cell.removeClass('gc-mod-flash');
    }, FLASH_MS);
    this._keepInView(notebook.node, cell, turn);
  }

  /** What is drawn late may move the cell away again, until somebody scrolls. */
  private _keepInView(notebook: HTMLElement, cell: Cell, turn: number): void {
    let left = KEPT_IN_VIEW_MS / LOOK_MS;
    const stop = (): void => {
      left = 0;
    };
    const told = ['wheel', 'pointerdown', 'keydown', 'touchstart'] as const;
    told.forEach(name => {
      notebook.addEventListener(name, stop, { once: true, passive: true });
    });
    const look = (): void => {
      left -= 1;
      if (left < 0 || turn !== this._turn || cell.isDisposed) {
        told.forEach(name => {
          notebook.removeEventListener(name, stop);
        });
        return;
      }
      if (!isInView(cell.node, notebook)) {
        cell.node.scrollIntoView({ block: 'center' });
      }
      window.setTimeout(look, LOOK_MS);
    };
    window.setTimeout(look, LOOK_MS);
  }

  private _turn = 0;

  /** The first line of code that says something. */
  private _line(cell: ICellModel): string {
    const lines = cell.sharedModel.getSource().split('\n');
    const line = lines.find(text => text.trim() !== '' && !text.trim().startsWith('#')) ?? lines[0];
    return line?.trim().slice(0, NAME_MAX) || this._trans.__('(empty cell)');
  }
}

function isInView(node: HTMLElement, view: HTMLElement): boolean {
  const [box, frame] = [node.getBoundingClientRect(), view.getBoundingClientRect()];
  return box.height > 0 && box.top < frame.bottom && box.bottom > frame.top;
}

function cellsOf(tracked: ITracked | null): Iterable<ICellModel> {
  return tracked?.panel.content.model?.cells ?? [];
}
