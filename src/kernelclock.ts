/** The kernel's clock in terms of this page's: the two may be of different machines. */

/** Messages may lie on the way for so long and count as heard when they were made. */
const PROMPT_S = 2;
/** Where an answer seems to be older, one of the clocks was set meanwhile. */
const OLDEST_ANSWER_S = 60;

export class KernelClock {
  /** A message that was made at `t`, heard at `nowS`. What took the shortest way tells the most. */
  hear(t: number, nowS: number): void {
    this._aheadS = Math.min(this._aheadS ?? Infinity, nowS - t);
  }

  /** Whether a message was not kept anywhere on its way, as after a lost connection. */
  isOfNow(t: number, nowS: number): boolean {
    return this._aheadS === null || nowS - t - this._aheadS < PROMPT_S;
  }

  /** The page's time of a moment that a message made at `t` names; no later than now. */
  toldS(momentS: number, t: number, nowS: number): number {
    const madeS = this.isOfNow(t, nowS) ? nowS : this.pageS(t);
    return Math.min(nowS, madeS - Math.max(0, t - momentS));
  }

  /** The page's time of what an answer that has just come names. */
  repliedS(momentS: number | null, nowS: number): number {
    const s = momentS === null || this._aheadS === null ? nowS : this.pageS(momentS);
    return s > nowS - OLDEST_ANSWER_S ? Math.min(s, nowS) : nowS;
  }

  pageS(kernelS: number): number {
    return kernelS + (this._aheadS ?? 0);
  }

  kernelS(pageS: number): number {
    return pageS - (this._aheadS ?? 0);
  }

  forget(): void {
    this._aheadS = null;
  }

  /** By how much this page's clock is ahead of the kernel's. */
  private _aheadS: number | null = null;
}
