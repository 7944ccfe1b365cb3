/** The components of the chart in the order of its stack, each with its power. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import { Hold } from '../hold';
import { IDLE } from '../trace';
import type { Components } from '../wire';
import { componentClass, componentName } from './components';
import { element, marked, setData, setText } from '../dom';

interface IItem {
  node: HTMLElement;
  watts: HTMLElement;
  hold: Hold;
}

export class Legend {
  constructor(private readonly _trans: TranslationBundle) {}

  readonly node = element('div', 'gc-Legend');

  /** Show the power of each, where it is known. */
  update(components: readonly string[], powers: Components, estimated: boolean): void {
    if (components.join() !== [...this._items.keys()].join()) {
      this._items = new Map(components.map(component => [component, newItem(component, component === IDLE ? this._trans.__('idle') : componentName(component))]));
      this.node.replaceChildren(...[...this._items.values()].map(item => item.node));
    }
    for (const [component, { node, watts, hold }] of this._items) {
      const powerW = powers.get(component) ?? null;
      setText(watts, powerW === null ? '' : format.power(powerW, estimated || component === IDLE, hold));
      setData(node, 'power-w', powerW);
    }
  }

  private _items: ReadonlyMap<string, IItem> = new Map();
}

function newItem(component: string, name: string): IItem {
  const key = element('i', `gc-Key gc-mod-${componentClass(component)}`);
  const watts = element('span', 'gc-Legend-watts');
  const node = marked('span', 'chart-component', 'gc-Legend-item', key, name, ' ', watts);
  node.dataset['component'] = component;
  return { node, watts, hold: new Hold() };
}
