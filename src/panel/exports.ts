/** Exports: the kernel makes the text, the browser saves or copies it. */
import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { ITracked } from '../tokens';
import type { ExportFormat, Statement } from '../wire';
import type { Names } from './places';

/** What the kernel takes. */
const MAX_NAME = 200;
const MAX_NAMES = 10_000;

const TYPES: Readonly<Record<ExportFormat, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  md: 'text/markdown',
  html: 'text/html',
  tex: 'text/x-tex',
  yaml: 'application/yaml',
  svg: 'image/svg+xml'
};

/** What an export is of, and the names in it. */
export interface IExportAsking extends INaming {
  /** The session before this one. */
  last: boolean;
}

/** What things are called, for one export; without it no text of a cell leaves the page. */
export interface INaming {
  notebook?: string;
  /** The first line of each cell, by the cell's id. */
  names?: Readonly<Record<string, string>>;
}

/** The names of a notebook and of the cells that ran. */
export function namingOf({ panel, model }: ITracked, names: Names): INaming {
  const lines = new Map<string, string>();
  for (const { cellId } of model.records.slice(-MAX_NAMES)) {
    const line = cellId === null ? null : names(cellId);
    if (cellId !== null && line !== null) {
      lines.set(cellId, line.slice(0, MAX_NAME));
    }
  }
  return { notebook: panel.title.label.slice(0, MAX_NAME), names: Object.fromEntries(lines) };
}

/** Download the session as a file named after its notebook. */
export async function download(tracked: ITracked, format: ExportFormat, trans: TranslationBundle, asking: IExportAsking): Promise<void> {
  const text = await fetchText(tracked, format, asking);
  if (text === null) {
    return;
  }
  const url = URL.createObjectURL(new Blob([text], { type: TYPES[format] }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${tracked.panel.title.label.replace(/\.ipynb$/, '')}-energy.${format}`;
  link.click();
  Notification.success(trans.__('Exported: %1', link.download), { autoClose: 2000 });
  window.setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

/** Put a text on the clipboard. */
export function copyText(text: string): void {
  Clipboard.copyToSystem(text);
}

/** What the statements are called. */
export function statementTitles(trans: TranslationBundle): Readonly<Record<Statement, string>> {
  return {
    'model-card': trans.__('Model card: Environmental Impact'),
    huggingface: trans.__('Hugging Face: co2_eq_emissions'),
    latex: trans.__('Paper: a LaTeX paragraph'),
    'climate-card': trans.__('Climate performance model card'),
    codecarbon: trans.__('codecarbon: emissions.csv'),
    sci: trans.__('Software carbon intensity'),
    'ai-act': trans.__('EU AI Act: energy line')
  };
}

/** Put the session in a format on the clipboard. */
export async function copyAs(
  tracked: ITracked,
  format: ExportFormat | Statement,
  title: string,
  trans: TranslationBundle,
  asking: IExportAsking
): Promise<void> {
  const text = await fetchText(tracked, format, asking);
  if (text !== null) {
    copyText(text);
    Notification.success(trans.__('Copied: %1', title), { autoClose: 2000 });
  }
}

async function fetchText(
  tracked: ITracked,
  format: ExportFormat | Statement,
  { last, ...naming }: IExportAsking
): Promise<string | null> {
  const { connection, model } = tracked;
  // The kernel of a session that is over knows it from the history only.
  const past = (last || model.over) && model.ended ? { session: model.ended.session } : {};
  const reply = await connection.request('export', { format, ...past, ...naming });
  if (!reply.ok) {
    Notification.error(reply.error, { autoClose: 8000 });
    return null;
  }
  const text = reply.content['text'];
  return typeof text === 'string' ? text : null;
}
