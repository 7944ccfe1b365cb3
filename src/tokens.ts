/** What the plugins share with each other. */
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from './connection';
import type { Edits } from './edits';
import type { Embedder } from './embed/embedder';
import type { SessionModel } from './model';
import type { Settings } from './settings';
import type { IRecord } from './wire';

/** A notebook with what greencell knows of its kernel. */
export interface ITracked {
  readonly panel: NotebookPanel;
  readonly model: SessionModel;
  readonly connection: Connection;
  readonly edits: Edits;
  readonly embedder: Embedder;
  /** Whether a run is of this notebook. */
  readonly isOf: (run: Pick<IRecord, 'cellId' | 'run' | 'request'>) => boolean;
}

/** Notebooks and their sessions. */
export interface IFeed {
  /** The notebook that the user is in; `null` if there is none. */
  readonly current: ITracked | null;
  readonly currentChanged: ISignal<IFeed, ITracked | null>;
  readonly added: ISignal<IFeed, ITracked>;
  readonly settings: Settings;
  /** All open notebooks. */
  all(): readonly ITracked[];
}

export const IFeed = new Token<IFeed>(
  'greencell:IFeed',
  'Energy and CO2 of the cells of each open notebook.'
);
