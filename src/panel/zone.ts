/** The dialog that asks where the electricity comes from. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { element, marked, show } from '../dom';
import type { Suggest } from '../zones';
import { ZoneField } from './zonefield';

/** What was typed, or `null` if nothing shall change. `refusal` says why the last name was none. */
export async function askZoneName(
  trans: TranslationBundle,
  name: string,
  refusal: string,
  suggest: Suggest
): Promise<string | null> {
  const field = new ZoneField(trans, suggest);
  field.value = name;
  const hint = trans.__(
    'A country, a state or province, a city, or a cloud region: France, US-CA, Sydney, aws:eu-west-3.'
  );
  const why = marked('p', 'zone-refusal', 'gc-Refusal', refusal);
  why.setAttribute('role', 'alert');
  show(why, refusal !== '');
  const body = new Widget({ node: element('div', 'gc-Dialog', element('p', '', hint), ...field.nodes, why) });
  const answer = await showDialog({
    title: trans.__('Where does the electricity come from?'),
    body,
    focusNodeSelector: 'input',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Set') })]
  });
  field.dispose();
  return answer.button.accept && field.value !== '' ? field.value : null;
}
