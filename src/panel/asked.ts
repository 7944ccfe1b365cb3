/**
 * A section that is closed until somebody opens it, and asks the kernel then.
 *
 * Closed it costs nothing: the kernel is asked when somebody opens it or asks again, never by
 * itself, because a request makes a running cell look idle for a moment.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Reply } from '../connection';
import type { ITotals } from '../wire';
import { button, element, marked, setText, show } from '../dom';

/** Asks the kernel of the notebook that is shown; `null` where there is none. */
export type Asker = () => Promise<Reply> | null;

/** Renews a figure of an answer that is one of the session's total, so that no two of them differ. */
export type Follower = (totals: ITotals) => void;

export abstract class Asked<T> {
  constructor(
    mark: string,
    title: string,
    protected readonly _trans: TranslationBundle,
    private readonly _asker: Asker,
    private readonly _decode: (content: unknown) => T | null,
    private readonly _totals: () => ITotals | null
  ) {
    this.node = marked('details', mark, 'gc-Section gc-Method');
    this._again = element('div', 'gc-Row gc-mod-end', button(_trans.__('Update'), 'gc-mod-link', () => void this.ask()));
    this.node.append(element('summary', 'gc-Section-title', title), this._words, this._body, this._again);
    this._words.setAttribute('role', 'status');
    show(this._again, false);
    this.node.addEventListener('toggle', () => {
      this.follow();
      if (this.node.open && !this._asked) {
        void this.ask();
      }
    });
  }

  readonly node: HTMLDetailsElement;

  /** Another notebook or session: what is shown is of the one before. */
  forget(): void {
    this._turn += 1;
    this._asked = false;
    this._followers = [];
    this._body.replaceChildren();
    this._say('');
    show(this._again, false);
    this.node.open = false;
  }

  /** Ask the kernel, and show what it says. */
  async ask(): Promise<void> {
    const asking = this._asker();
    if (!asking) {
      return;
    }
    this._asked = true;
    this._turn += 1;
    const turn = this._turn;
    this._say(this._trans.__('Asking…'));
    const reply = await asking;
    if (turn !== this._turn) {
      return; // asked again, or of another notebook
    }
    const answer = reply.ok ? this._decode(reply.content) : null;
    if (answer) {
      this._say('');
      this._followers = [];
      this._body.replaceChildren(...this._shown(answer, this._totals(), this._followers));
      this.follow();
    } else {
      const unread = this._trans.__('This kernel has a greencell that cannot tell; update it.');
      this._followers = [];
      this._body.replaceChildren();
      this._say(reply.ok || reply.error.startsWith('unknown op') ? unread : reply.error);
    }
    show(this._again, true);
  }

  /** The session's total may have changed: what was answered of it goes with it. */
  follow(): void {
    const totals = this._totals();
    if (totals && this.node.open) {
      this._followers.forEach(renew => {
        renew(totals);
      });
    }
  }

  /** What is shown of an answer, and what of that follows the total from what it was then. */
  protected abstract _shown(answer: T, then: ITotals | null, followers: Follower[]): HTMLElement[];

  private _say(words: string): void {
    setText(this._words, words);
    show(this._words, words !== '');
  }

  private _asked = false;
  private _turn = 0;
  private _followers: Follower[] = [];
  private readonly _words = element('p', 'gc-Dim');
  private readonly _body = element('div');
  private readonly _again: HTMLElement;
}
