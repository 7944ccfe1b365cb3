/** Draws at most once in a frame of the page, however often it is asked to. */
export class Frame<T> {
  /** `draw` gets all that it was asked for since it drew last. */
  constructor(private readonly _draw: (due: ReadonlySet<T>) => void) {}

  request(...what: readonly T[]): void {
    what.forEach(one => this._due.add(one));
    this._waiting ??= window.requestAnimationFrame(() => {
      const due = this._due;
      this.cancel();
      this._draw(due);
    });
  }

  cancel(): void {
    if (this._waiting !== null) {
      window.cancelAnimationFrame(this._waiting);
    }
    this._waiting = null;
    this._due = new Set();
  }

  private _due = new Set<T>();
  private _waiting: number | null = null;
}
