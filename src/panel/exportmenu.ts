/** The button that opens the list of all exports; nothing is exported until one is chosen there. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { button } from '../dom';
import { CommandIDs } from '../plugins/ids';
import { EXPORT_FORMATS, STATEMENTS } from '../wire';

/**
 * The list runs commands: what they are called and when they can be used is theirs to say.
 * `last`: they export the session before this one.
 */
export function exportButton(commands: CommandRegistry, trans: TranslationBundle, last = false): HTMLButtonElement {
  const menu = new Menu({ commands });
  EXPORT_FORMATS.forEach(format => {
    menu.addItem({ command: CommandIDs.export, args: { format, brief: true, last } });
  });
  menu.addItem({ type: 'separator' });
  STATEMENTS.forEach(name => {
    menu.addItem({ command: CommandIDs.copyStatement, args: { name, brief: true, last } });
  });
  const node = last
    ? button(trans.__('Export it…'), 'gc-mod-link', () => undefined)
    : button(trans.__('Export…'), 'gc-Export', () => undefined);
  node.dataset['gc'] = last ? 'export-last' : 'export';
  node.title = last ? trans.__('Export the session before this one, from the history') : trans.__('Export the session');
  node.setAttribute('aria-haspopup', 'menu');
  node.setAttribute('aria-expanded', 'false');
  let [closing, wasOpen] = [false, false];
  node.addEventListener('pointerdown', () => {
    wasOpen = closing || menu.isAttached; // the press itself closes it
  });
  node.addEventListener('click', ({ detail }) => {
    const byKeys = detail === 0;
    if (byKeys || !wasOpen) {
      const { left, bottom, height } = node.getBoundingClientRect();
      menu.node.style.marginTop = '';
      menu.open(left, bottom);
      // Without room below it opens upwards, and must not lie under the pointer.
      menu.node.style.marginTop = menu.node.getBoundingClientRect().bottom > bottom ? '' : `-${height}px`;
      node.setAttribute('aria-expanded', 'true');
    }
    if (byKeys) {
      menu.activateNextItem();
    }
  });
  menu.aboutToClose.connect(() => {
    node.setAttribute('aria-expanded', 'false');
    node.focus();
    closing = true;
    window.setTimeout(() => {
      closing = false;
    });
  });
  return node;
}
