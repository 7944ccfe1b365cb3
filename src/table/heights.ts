/** How high the rows of a long list are, and so where each lies. Pure. */

/** What was measured again and differs by more has been laid out anew. */
const SAME_PX = 0.5;
/** Drawn above and below what is in view, as it is likely to come next. */
const MARGIN_ROWS = 8;

/** Rows are as high as they were when they were drawn; the others as the first that were. */
export class Heights {
  constructor(private _guessPx: number) {}

  /** Take in how high rows are that are drawn; whether any is not as it was thought to be. */
  measure(rows: readonly (readonly [string, number])[]): boolean {
    const drawn = rows.filter(([, px]) => px > 0);
    if (drawn.some(([key, px]) => differ(px, this._known.get(key) ?? px))) {
      this._known.clear(); // another width or another font: all others are different, too
    }
    const isFirst = this._known.size === 0 && drawn.length > 0;
    const news = drawn.filter(([key]) => !this._known.has(key));
    const wrong = news.some(([, px]) => differ(px, this._guessPx));
    news.forEach(([key, px]) => this._known.set(key, px));
    if (isFirst) {
      this._guessPx = drawn.reduce((sum, [, px]) => sum + px, 0) / drawn.length;
    }
    return isFirst || wrong;
  }

  /** Where each row begins and, after them, where the last one ends. */
  tops(order: readonly string[]): readonly number[] {
    let topPx = 0;
    return [0, ...order.map(key => (topPx += this._known.get(key) ?? this._guessPx))];
  }

  private readonly _known = new Map<string, number>();
}

/** The row that lies at a height. */
export function rowAt(tops: readonly number[], px: number): number {
  let [from, to] = [0, tops.length - 1];
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    [from, to] = (tops[middle] ?? 0) <= px ? [middle, to] : [from, middle];
  }
  return from;
}

/** The rows to draw: those in view, and a few above and below. */
export function inView(tops: readonly number[], topPx: number, heightPx: number): readonly [number, number] {
  const count = tops.length - 1;
  const last = rowAt(tops, topPx + heightPx) + 1 + MARGIN_ROWS;
  return [Math.max(0, rowAt(tops, topPx) - MARGIN_ROWS), Math.min(count, last)];
}

function differ(a: number, b: number): boolean {
  return Math.abs(a - b) > SAME_PX;
}
