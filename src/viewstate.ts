/** What of the panel's view outlives a reload: which sections are open, and how rows are sorted. */
import type { IStateDB } from '@jupyterlab/statedb';

import { attempt, list, object, oneOf, text } from './guard';
import { type ISort, SORT_KEYS } from './table/rows';

const KEY = 'greencell:view';
const SAVE_AFTER_MS = 500;

export interface IViewState {
  open: readonly string[];
  sort: ISort;
}

/** A view that tells what it is like, and can be made like that again. */
export interface IRemembered {
  viewState: IViewState;
  viewStateChanged: { connect(slot: () => void): unknown };
}

/** Make the view as it was, and note from now on what becomes of it. */
export async function rememberView(view: IRemembered, states: IStateDB): Promise<void> {
  const found = viewStateOf(await states.fetch(KEY).catch(() => undefined));
  if (found) {
    view.viewState = found;
  }
  let timer = 0;
  view.viewStateChanged.connect(() => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      const { open, sort } = view.viewState;
      void states.save(KEY, { open: [...open], sort: { ...sort } });
    }, SAVE_AFTER_MS);
  });
}

/** What was saved, if it is that: another version may have written it. */
export function viewStateOf(value: unknown): IViewState | undefined {
  return attempt(() => {
    const raw = object(value);
    const sort = object(raw['sort']);
    return {
      open: list(raw['open'], text).slice(0, 20),
      sort: { key: oneOf(sort['key'], SORT_KEYS), descending: sort['descending'] === true }
    };
  });
}
