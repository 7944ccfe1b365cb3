/** Asks in place where the electricity comes from: not every front end has dialogs. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Reply } from '../connection';
import { element, marked, setText, show } from '../dom';
import { ZoneField } from '../panel/zonefield';
import type { Suggest } from '../zones';

export class ZoneForm {
  constructor(trans: TranslationBundle, set: (zone: string) => Promise<Reply>, suggest: Suggest) {
    this._field = new ZoneField(trans, suggest);
    this._refusal.setAttribute('role', 'alert');
    const done = element('button', 'gc-Button', trans.__('Set'));
    const hint = trans.__('A country, a state, a city, or a cloud region: France, US-CA, Sydney, aws:eu-west-3.');
    this.node.append(element('div', 'gc-Dim', hint), ...this._field.nodes, done, this._refusal);
    this.node.addEventListener('submit', event => {
      event.preventDefault();
      const zone = this._field.value;
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
    this._field.value = zone;
    this._field.focus();
  }

  private readonly _field: ZoneField;
  private readonly _refusal = marked('p', 'zone-refusal', 'gc-Refusal');
}
