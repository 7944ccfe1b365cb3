/** Exports: the kernel makes the text, the browser saves or copies it. */
import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { ITracked } from '../tokens';
import type { ExportFormat, Statement } from '../wire';

const TYPES: Readonly<Record<ExportFormat, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  md: 'text/markdown',
  html: 'text/html',
  tex: 'text/x-tex',
  yaml: 'application/yaml',
  svg: 'image/svg+xml'
};

/** Download the session as a file named after its notebook. */
export async function download(tracked: ITracked, format: ExportFormat, trans: TranslationBundle): Promise<void> {
  const text = await fetchText(tracked, format);
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
  trans: TranslationBundle
): Promise<void> {
  const text = await fetchText(tracked, format);
  if (text !== null) {
    copyText(text);
    Notification.success(trans.__('Copied: %1', title), { autoClose: 2000 });
  }
}

async function fetchText(
  tracked: ITracked,
  format: ExportFormat | Statement
): Promise<string | null> {
  const reply = await tracked.connection.request('export', { format });
  if (!reply.ok) {
    Notification.error(reply.error, { autoClose: 8000 });
    return null;
  }
  const text = reply.content['text'];
  return typeof text === 'string' ? text : null;
}
