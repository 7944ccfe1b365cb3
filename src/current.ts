/**
 * The run that is on: known from Jupyter's own messages, then told of by the kernel's greencell.
 *
 * Jupyter tells of a start at once, also where native code keeps the kernel's greencell from
 * speaking. What ends within a moment is never shown, or a row would flicker for each quick cell.
 */
import type { IRunning } from './wire';

/** A run that ends sooner is not shown while it runs. */
export const SHOWN_AFTER_S = 0.15;

export class Current {
  /** `nowS` is the page's clock, in s since the epoch. */
  constructor(private readonly _nowS: () => number) {}

  /** The run as it is shown. */
  get shown(): IRunning | null {
    return this._isShown ? this.latest : null;
  }

  /** The run, shown or not yet. */
  get latest(): IRunning | null {
    return this._told ?? this._begun;
  }

  /** Whether something runs, shown or not yet. */
  get isOn(): boolean {
    return this.latest !== null;
  }

  /** Since when it runs, by the page's clock, in s. */
  get elapsedS(): number {
    return this.latest ? this.latest.elapsedS + this.unheardS : 0;
  }

  /** For how long nothing has been heard of it. */
  get unheardS(): number {
    return Math.max(0, this._nowS() - this._heardAtS);
  }

  /** When it is to be shown, if it lasts; `null` where nothing waits for that. */
  get dueInS(): number | null {
    return this._isShown || !this.isOn ? null : Math.max(0, SHOWN_AFTER_S - this.elapsedS);
  }

  /** Jupyter says that a run has begun. Of the one before, the kernel may have more to say. */
  begin(running: IRunning): void {
    if (running.request !== this._told?.request && running.request !== this._begun?.request) {
      this._begun = running;
      this._begunAtS = this._nowS();
      if (!this._told) {
        this._heardAtS = this._begunAtS;
      }
    }
  }

  /** The kernel's greencell tells of it. */
  tell(running: IRunning): void {
    if (running.request === null || running.request === this._begun?.request) {
      this._begun = null;
    }
    this._told = running;
    this._heardAtS = this._nowS();
    this.show();
  }

  /** It has lasted for a moment; whether that makes it shown. */
  show(): boolean {
    if (!this._isShown && this.isOn && this.elapsedS >= SHOWN_AFTER_S) {
      this._isShown = true;
      return true;
    }
    return false;
  }

  /** Runs have ended, by their own names or by those of their requests; whether that of here did. */
  end(isEnded: (running: IRunning) => boolean): boolean {
    const latest = this.latest;
    this._told = this._told && isEnded(this._told) ? null : this._told;
    this._begun = this._begun && isEnded(this._begun) ? null : this._begun;
    if (this.latest !== latest && this.latest) {
      this._heardAtS = this._begunAtS; // the next one had begun already
    }
    this._isShown = this._isShown && this.isOn;
    return this.latest !== latest;
  }

  /** The kernel says that nothing runs; what it may not have noticed yet goes on. */
  endTold(): void {
    this.end(running => running === this._told);
  }

  clear(): void {
    this.end(() => true);
  }

  private _told: IRunning | null = null;
  private _begun: IRunning | null = null;
  private _isShown = false;
  private _begunAtS = 0;
  private _heardAtS = 0;
}
