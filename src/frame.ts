/**
 * Draws at most once in a frame of the page, however often it is asked to; where drawing takes
 * long, more rarely, so that most of the time is left to the page.
 */

/** After a drawing the page has this many times as long for itself. */
const REST = 4;
const MOST_REST_MS = 500;
const FRAME_MS = 16;

export class Frame<T> {
  /** `draw` gets all that it was asked for since it drew last. */
  constructor(private readonly _draw: (due: ReadonlySet<T>) => void) {}

  request(...what: readonly T[]): void {
    what.forEach(one => this._due.add(one));
    if (this._isWaiting) {
      return;
    }
    this._isWaiting = true;
    const restMs = this._restUntil - performance.now();
    if (restMs > FRAME_MS) {
      this._timer = window.setTimeout(this._inNextFrame, restMs);
    } else {
      this._inNextFrame();
    }
  }

  cancel(): void {
    window.clearTimeout(this._timer);
    window.cancelAnimationFrame(this._frame);
    this._isWaiting = false;
    this._due = new Set();
  }

  private readonly _inNextFrame = (): void => {
    this._frame = window.requestAnimationFrame(() => {
      const due = this._due;
      this.cancel();
      const began = performance.now();
      this._draw(due);
      const ended = performance.now();
      this._restUntil = ended + Math.min(MOST_REST_MS, REST * (ended - began));
    });
  };

  private _due = new Set<T>();
  private _isWaiting = false;
  private _restUntil = 0;
  private _timer = 0;
  private _frame = 0;
}
