/** Asks in place where the electricity comes from: not every front end has dialogs. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Reply } from '../connection';
import { element, marked, setText, show } from '../dom';

export class ZoneForm {
  constructor(trans: TranslationBundle, set: (zone: string) => Promise<Reply>) {
    this._input.setAttribute('aria-label', trans.__('Zone'));
    this._refusal.setAttribute('role', 'alert');
    const done = element('button', 'gc-Button', trans.__('Set'));
    const hint = trans.__('A country, a state, a city, or a cloud region: France, US-CA, Sydney, aws:eu-west-3.');
    this.node.append(element('div', 'gc-Dim', hint), element('div', 'gc-Row', this._input, done), this._refusal);
    this.node.addEventListener('submit', event => {
      event.preventDefault();
      const zone = this._input.value.trim();
      if (zone !== '') {
        void set(zone).then(reply => {
          setText(this._refusal, reply.ok ? '' : reply.error);
          show(this._refusal, !reply.ok);
          show(this.node, !reply.ok);
        });
      }
    });
    show(this.node, false);
    show(this._refusal, false);
  }

  readonly node = marked('form', 'zone-form', 'gc-Zone-form');

  /** Show it with what holds now; again, and it goes. */
  open(zone: string): void {
    show(this.node, this.node.hidden !== false);
    this._input.value = zone;
    this._input.focus();
  }

  private readonly _input = element('input', 'gc-Input');
  private readonly _refusal = marked('p', 'zone-refusal', 'gc-Refusal');
}
