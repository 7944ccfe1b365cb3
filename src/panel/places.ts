/** Where cells are in the notebook: their first line, and how to get there. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { ITracked } from '../tokens';

const FLASH_MS = 1200;
const NAME_MAX = 120;

/** A cell's first line of code that says something; what to call it if it is gone. */
export function cellName(
  tracked: ITracked | null,
  cellId: string | null,
  trans: TranslationBundle
): string {
  const cells = tracked?.panel.content.model?.cells;
  if (cellId === null || !cells) {
    return trans.__('cell');
  }
  for (const cell of cells) {
    if (cell.id === cellId) {
      const lines = cell.sharedModel.getSource().split('\n');
      const line = lines.find(text => text.trim() !== '' && !text.trim().startsWith('#')) ?? lines[0];
      return line?.trim().slice(0, NAME_MAX) || trans.__('(empty cell)');
    }
  }
  return trans.__('(deleted cell)');
}

/** Scroll to a cell, make it the active one, and let it flash. */
export async function revealCell(tracked: ITracked | null, cellId: string): Promise<void> {
  const notebook = tracked?.panel.content;
  const index = notebook?.widgets.findIndex(cell => cell.model.id === cellId) ?? -1;
  if (!notebook || index < 0) {
    return;
  }
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, 'center');
  const node = notebook.widgets[index]?.node;
  node?.classList.add('gc-mod-flash');
  window.setTimeout(() => {
    node?.classList.remove('gc-mod-flash');
  }, FLASH_MS);
}
