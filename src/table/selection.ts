/** Which rows are selected, as in every list: one by one, a range from an anchor, all. Pure. */
export class Selection {
  get size(): number {
    return this._keys.size;
  }

  has(key: string): boolean {
    return this._keys.has(key);
  }

  /** Take one in or out; ranges begin here from now on. */
  toggle(key: string): void {
    if (!this._keys.delete(key)) {
      this._keys.add(key);
    }
    this._anchor = key;
  }

  /** Ranges begin here from now on. */
  anchor(key: string): void {
    this._anchor = key;
  }

  /** All from the anchor to here, and nothing else. */
  extend(order: readonly string[], key: string): void {
    const to = order.indexOf(key);
    const from = this._anchor === null ? to : order.indexOf(this._anchor);
    const start = from < 0 ? to : from;
    this._keys = new Set(order.slice(Math.min(start, to), Math.max(start, to) + 1));
  }

  all(order: readonly string[]): void {
    this._keys = new Set(order);
  }

  clear(): void {
    this._keys.clear();
  }

  private _keys = new Set<string>();
  private _anchor: string | null = null;
}
