/** The line under one cell: words only, whatever they are of. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { change } from '../compare';
import { setData, setText } from '../dom';
import type { IEntry } from '../embed/entry';
import * as format from '../format';
import type { SessionModel } from '../model';
import type { ICellRuns } from '../runs';
import {
  figureHints,
  intervalLines,
  machineLine,
  PROVISIONAL_MARK,
  provenanceWord,
  statusWord
} from '../words';
import type { IRunning } from '../wire';

export class Badge extends Widget {
  constructor(cellId: string) {
    super();
    this.addClass('gc-Badge');
    this.node.dataset['gc'] = 'badge';
    this.node.setAttribute('data-cell-id', cellId);
    this.node.setAttribute('aria-live', 'off');
    this.node.setAttribute('role', 'note');
  }

  showRunning(running: IRunning, model: SessionModel): void {
    const provenance = model.totals?.provenance ?? 'estimated';
    const energy = format.energyWithInterval({ ...running, provenance });
    const power = format.power(model.powerW, format.isEstimated(provenance));
    this._show(`${energy} · ${power} …`, running.energyJ, provenance);
    this.addClass('gc-mod-running');
    this.node.title = '';
  }

  /** `changed`: the code is not that of the run before; `edited`: it has become other code since. */
  showRuns(runs: ICellRuns, trans: TranslationBundle, changed = false, edited = false): void {
    const record = runs.latest;
    const [, before] = runs.recent;
    const difference = before && !changed ? change(record, before) : null;
    const words = line(record, trans, difference);
    this._show(edited ? `${words} · ${trans.__('changed since')}` : words, record.energyJ, record.provenance);
    this.removeClass('gc-mod-running');
    this.removeClass('gc-mod-saved');
    const lines = [
      ...intervalLines(record, trans),
      provenanceWord(record.provenance, trans),
      machineLine(record, trans),
      ...figureHints(record, trans)
    ];
    if (before) {
      const all = format.energy(runs.energyJ, record.provenance);
      const recent = runs.recent.map(run => format.energyWithInterval(run)).join(', ');
      lines.push(
        comparison(difference, changed, trans),
        trans.__('%1 runs in this session, together %2', runs.count, all),
        trans.__('Latest first: %1', recent)
      );
    }
    this._tell(lines);
  }

  /** What the file says of a cell that has not run in this session. */
  showSaved(entry: IEntry, edited: boolean, trans: TranslationBundle): void {
    const words = edited ? trans.__('edited since it ran') : line({ ...entry, final: true }, trans, null);
    this._show(trans.__('from the file: %1', words), edited ? null : entry.energyJ, entry.provenance);
    this.addClass('gc-mod-saved');
    this._tell([
      trans.__('Saved with the notebook, and in no sum: whoever wrote the file may have written anything'),
      provenanceWord(entry.provenance, trans)
    ]);
  }

  /** The detail, for the mouse and for who listens. */
  private _tell(lines: readonly string[]): void {
    this.node.title = lines.filter(text => text !== '').join('\n');
    this.node.setAttribute('aria-label', `${this.node.textContent}\n${this.node.title}`);
  }

  private _show(text: string, energyJ: number | null, provenance: string): void {
    setText(this.node, text);
    setData(this.node, 'energy-j', energyJ);
    setData(this.node, 'provenance', provenance);
  }
}

type Shown = Omit<IEntry, 'cellId' | 'sourceHash'> & { final: boolean };

function line(run: Shown, trans: TranslationBundle, difference: number | null): string {
  const parts = [
    format.energyWithInterval(run),
    `${format.co2WithInterval(run)} CO₂e`,
    format.duration(run.durationS),
    format.meanPower(run),
    statusWord(run.status, trans),
    difference === null ? '' : `${difference < 0 ? '▾' : '▴'} ${format.percent(Math.abs(difference))}`
  ];
  return parts.filter(part => part !== '').join(' · ') + (run.final ? '' : ` ${PROVISIONAL_MARK}`);
}

/** A run beside the one before, in words. */
function comparison(difference: number | null, changed: boolean, trans: TranslationBundle): string {
  if (changed) {
    return trans.__('The code is not that of the run before');
  }
  if (difference === null) {
    return trans.__('No difference to the run before is shown');
  }
  const part = format.percent(Math.abs(difference));
  return difference < 0
    ? trans.__('%1 less energy than the run before', part)
    : trans.__('%1 more energy than the run before', part);
}
