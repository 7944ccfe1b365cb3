/**
 * What if: this session elsewhere, in greener hours, in everyday things.
 *
 * Closed it costs nothing: the kernel is asked when somebody opens it or asks again, never by
 * itself, because a request makes a running cell look idle for a moment.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Reply } from '../connection';
import { decodeWhatIf, type IWhatIf } from '../whatif';
import { button, element, marked, setText, show } from './dom';
import { elsewhereList } from './elsewhere';
import { hoursAhead } from './hours';

/** Asks the kernel of the notebook that is shown; `null` where there is none. */
export type Asker = () => Promise<Reply> | null;

export class WhatIf {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _asker: Asker,
    private readonly _nowMs: () => number = Date.now
  ) {
    const again = button(_trans.__('Update'), 'gc-mod-link', () => void this.ask());
    this._again = element('div', 'gc-Row gc-mod-end', again);
    this.node.append(
      element('summary', 'gc-Section-title', _trans.__('What if')),
      this._words,
      this._body,
      this._again
    );
    this._words.setAttribute('role', 'status');
    show(this._again, false);
    this.node.addEventListener('toggle', () => {
      if (this.node.open && !this._asked) {
        void this.ask();
      }
    });
  }

  readonly node = marked('details', 'what-if', 'gc-Section gc-Method');

  /** Another notebook or session: what is shown is of the one before. */
  forget(): void {
    this._turn += 1;
    this._asked = false;
    this._body.replaceChildren();
    this._say('');
    show(this._again, false);
    if (this.node.open) {
      this.node.open = false;
    }
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
    const answer = reply.ok ? decodeWhatIf(reply.content) : null;
    if (answer) {
      this._show(answer);
    } else {
      const unread = this._trans.__('This kernel has a greencell that cannot tell; update it.');
      this._body.replaceChildren();
      this._say(reply.ok || reply.error.startsWith('unknown op') ? unread : reply.error);
    }
    show(this._again, true);
  }

  private _show(answer: IWhatIf): void {
    const trans = this._trans;
    this._say('');
    const { ahead, aheadNote, equivalents } = answer;
    const later = ahead
      ? hoursAhead(ahead, trans, this._nowMs())
      : [element('p', 'gc-Small', aheadNote)];
    const things = equivalents.map(({ words, source }) => {
      const line = marked('li', 'equivalent', '', words, ' ');
      line.append(element('span', 'gc-Small', source));
      return line;
    });
    this._body.replaceChildren(
      element('h3', 'gc-Subtitle', trans.__('Elsewhere')),
      ...elsewhereList(answer, trans),
      element('h3', 'gc-Subtitle', trans.__('Later')),
      ...later
    );
    if (things.length > 0) {
      this._body.append(
        element('h3', 'gc-Subtitle', trans.__('As much as')),
        element('ul', 'gc-Things', ...things)
      );
    }
  }

  private _say(words: string): void {
    setText(this._words, words);
    show(this._words, words !== '');
  }

  private _asked = false;
  private _turn = 0;
  private readonly _words = element('p', 'gc-Dim');
  private readonly _body = element('div');
  private readonly _again: HTMLElement;
}
