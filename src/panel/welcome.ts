/** What the panel says while there are no figures: why, and what to do about it. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Phase, SessionModel } from '../model';
import type { Settings } from '../settings';
import { Notices } from './details';
import { button, element } from './dom';

export type WelcomePhase = Phase | 'no-notebook';

export class Welcome {
  /** `enable` starts measuring. */
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _settings: Pick<Settings, 'autoload' | 'set'>,
    private readonly _enable: () => void
  ) {
    this._autoload.type = 'checkbox';
    this._autoload.addEventListener('change', () => {
      void _settings.set('autoload', this._autoload.checked);
    });
  }

  readonly node = element('div', 'gc-Onboarding');

  /** Built anew only when it says something else: a button in it may have the focus. */
  update(phase: WelcomePhase, model: SessionModel | null, kernelName: string): void {
    const said = JSON.stringify([phase, kernelName, model?.ended]);
    if (said !== this._said) {
      this._said = said;
      this.node.replaceChildren(...this._words(phase, model, kernelName));
    }
    this._autoload.checked = this._settings.autoload;
  }

  private _words(phase: WelcomePhase, model: SessionModel | null, kernelName: string): Node[] {
    const nodes: Node[] = [];
    const say = (text: string): void => {
      nodes.push(element('p', 'gc-Wrap', text));
    };
    if (model?.ended) {
      const ended = new Notices(this._trans, () => undefined);
      ended.update(model);
      nodes.push(ended.node);
    }
    switch (phase) {
      case 'no-notebook':
        say(this._trans.__('Open a notebook to see what its cells cost.'));
        break;
      case 'no-kernel':
        say(this._trans.__('This notebook has no kernel. Start one to see what its cells cost.'));
        break;
      case 'asking':
      case 'loading':
        say(this._trans.__('One moment…'));
        break;
      case 'queued':
        say(this._trans.__('The kernel is busy; measuring starts when its cells have ended.'));
        break;
      case 'silent':
        say(this._trans.__('The kernel does not answer yet: native code may hold its interpreter. The figures come as soon as it does.'));
        break;
      case 'dead':
        say(this._trans.__('The kernel died. Restart it to go on.'));
        break;
      case 'other-language':
        say(this._trans.__('greencell measures Python kernels; the kernel “%1” runs another language.', kernelName));
        break;
      case 'not-installed':
        say(this._trans.__('greencell is not installed where the kernel “%1” runs. Run this in a cell, then start measuring:', kernelName));
        nodes.push(element('code', 'gc-Remedy', '%pip install greencell'), this._enableButton());
        break;
      case 'load-failed':
        say(this._trans.__('greencell did not start in this kernel. To see why, run in a cell:'));
        nodes.push(element('code', 'gc-Remedy', '%load_ext greencell'), this._enableButton());
        break;
      case 'other-version':
        say(this._trans.__('The kernel’s greencell speaks another version than this page’s. Please update the older of the two, restart the kernel and reload the page.'));
        break;
      default:
        say(this._trans.__('The energy of this notebook is not measured yet.'));
        nodes.push(this._enableButton(), this._autoloadBox());
        nodes.push(
          element('p', 'gc-Dim gc-Wrap', this._trans.__('Nothing leaves this machine, and no cell is slowed or changed.'))
        );
    }
    return nodes;
  }

  private _enableButton(): HTMLElement {
    const node = button(this._trans.__('Start measuring'), 'gc-mod-primary', this._enable);
    node.dataset['gc'] = 'enable';
    return node;
  }

  private _autoloadBox(): HTMLElement {
    return element('label', 'gc-Check', this._autoload, this._trans.__('Start in every new Python kernel'));
  }

  private _said = '';
  private readonly _autoload = element('input');
}
