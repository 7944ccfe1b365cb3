/** Keeps the unit and the decimals of a live figure from flipping while it hovers around a border. */

/** So far below a border a figure must fall before its unit or its decimals follow. */
const CLEARLY = 0.9;

export class Hold {
  /** The number that decides unit and decimals: the border, while `value` is hardly below it. */
  of(value: number): number {
    const border = 10 ** Math.floor(Math.log10(Math.max(this._last, Number.MIN_VALUE)));
    this._last = value < border && value >= CLEARLY * border ? border : value;
    return this._last;
  }

  private _last = 0;
}
