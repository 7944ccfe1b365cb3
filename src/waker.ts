/** Wakes a model when the passing of time alone changes what it shows; notices when the page slept. */
import type { SessionModel } from './model';

/** A clock of whole milliseconds may be one short. */
const MOMENT_MS = 20;
/** A timer that is later than this was held up by sleep; those of a hidden page come once a minute. */
const LATE_MS = 10_000;
const LATE_HIDDEN_MS = 120_000;

export class Waker {
  constructor(private readonly _model: SessionModel) {
    _model.changed.connect(this.plan, this);
  }

  dispose(): void {
    window.clearTimeout(this._timer);
    this._model.changed.disconnect(this.plan, this);
  }

  /** Wait until there is something to do. */
  plan(): void {
    window.clearTimeout(this._timer);
    const { wakeInS } = this._model;
    if (wakeInS === null) {
      return;
    }
    const wasHidden = document.hidden;
    const dueMs = Date.now() + 1000 * wakeInS + MOMENT_MS;
    this._timer = window.setTimeout(
      () => {
        const lateMs = Date.now() - dueMs;
        this._model.wake(lateMs > (wasHidden || document.hidden ? LATE_HIDDEN_MS : LATE_MS));
        this.plan();
      },
      dueMs - Date.now()
    );
  }

  private _timer = 0;
}
