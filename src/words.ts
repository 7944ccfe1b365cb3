/** Words that more than one view says. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { CellStatus, Provenance } from './wire';

/** How a run ended, if not well. */
export function statusWord(status: CellStatus, trans: TranslationBundle): string {
  switch (status) {
    case 'ok':
      return '';
    case 'error':
      return trans.__('failed');
    case 'interrupted':
      return trans.__('interrupted');
    case 'lost':
      return trans.__('end not seen');
  }
}

/** How a figure is known. */
export function provenanceWord(provenance: Provenance, trans: TranslationBundle): string {
  switch (provenance) {
    case 'measured':
      return trans.__('Measured');
    case 'estimated':
      return trans.__('Estimated');
    case 'mixed':
      return trans.__('Partly estimated');
  }
}
