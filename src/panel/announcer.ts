/** Tells people who listen what ended and what a long cell has used so far: rarely and politely. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import { sumOf } from '../table/sums';
import type { IRecord } from '../wire';
import { statusWord } from '../words';
import { marked, setText } from '../dom';

/** Runs that end in such a time are told of in one sentence. */
const TOGETHER_MS = 1_000;
const APART_MS = 10_000;
/** A cell that runs for long is told of so often. */
const PROGRESS_MS = 60_000;

export class Announcer {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _nameOf: (cellId: string | null) => string
  ) {
    this.node.setAttribute('role', 'status');
  }

  readonly node = marked('div', 'announcement', 'gc-Heard');

  /** Cells have ended, maybe. What had ended before anybody listened is not told. */
  update(model: SessionModel): void {
    const end = lastEnd(model.records);
    if (model.session !== this._session) {
      this.dispose();
      this._session = model.session;
      this._toldUntil = end;
    } else if (end > this._toldUntil) {
      this._timer ??= window.setTimeout(() => {
        this._timer = null;
        this._tellEnded(model);
      }, Math.max(TOGETHER_MS, this._saidAt + APART_MS - Date.now()));
    }
  }

  /** A cell runs, maybe. */
  updateLive({ running, elapsedS, powerW, totals }: SessionModel): void {
    const quietMs = Math.min(elapsedS * 1000, Date.now() - this._saidAt);
    if (running && quietMs >= PROGRESS_MS) {
      const provenance = totals?.provenance ?? 'estimated';
      this._say(
        [
          running.label ?? this._nameOf(running.cellId),
          format.clock(elapsedS),
          format.energyWithInterval({ ...running, provenance }),
          format.power(powerW, format.isEstimated(provenance))
        ].join(' · ')
      );
    }
  }

  dispose(): void {
    window.clearTimeout(this._timer ?? undefined);
    this._timer = null;
  }

  private _tellEnded({ records, session }: SessionModel): void {
    const ended = records.filter(record => record.parent === null && endOf(record) > this._toldUntil);
    const [first, second] = ended;
    if (session !== this._session || !first) {
      return;
    }
    this._toldUntil = lastEnd(ended);
    const sum = sumOf(ended);
    const figures = [format.energyWithInterval(sum), format.co2WithInterval(sum)] as const;
    this._say(
      second
        ? this._trans._n('%1 cell ended, %2, %3 CO₂e', '%1 cells ended, together %2, %3 CO₂e', ended.length, ...figures)
        : this._trans.__('%1 %2: %3, %4 CO₂e', this._named(first), statusWord(first.status, this._trans) || this._trans.__('finished'), ...figures)
    );
  }

  private _named({ label, executionCount, cellId }: IRecord): string {
    return label ?? (executionCount === null ? this._nameOf(cellId) : `[${executionCount}]`);
  }

  private _say(words: string): void {
    this._saidAt = Date.now();
    setText(this.node, words);
  }

  private _session = '';
  private _toldUntil = 0;
  private _saidAt = 0;
  private _timer: number | null = null;
}

function endOf(record: IRecord): number {
  return record.startedAt + record.durationS;
}

function lastEnd(records: readonly IRecord[]): number {
  return records.reduce((last, record) => (record.parent === null ? Math.max(last, endOf(record)) : last), 0);
}
