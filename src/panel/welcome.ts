/** What the panel says where a kernel tells it nothing, or nothing more: why, and what to do. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { version } from '../../package.json';
import type { Ending, Phase, SessionModel } from '../model';
import type { Settings } from '../settings';
import { WIRE_VERSION } from '../wire';
import { button, element, marked, show } from '../dom';

export type WelcomePhase = Phase | 'no-notebook';

/** What the buttons do. */
export interface IWelcomeActions {
  /** Start measuring. */
  enable(): void;
  /** Start a kernel where there is none. */
  startKernel(): void;
  /** Put a text on the clipboard. */
  copy(text: string): void;
  /** The figures of a session that is over, as far as this page knows them, to the clipboard. */
  copyLast(): void;
}

export class Welcome {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _settings: Pick<Settings, 'autoload' | 'set'>,
    private readonly _actions: IWelcomeActions
  ) {
    this._autoload.type = 'checkbox';
    this._autoload.addEventListener('change', () => {
      void _settings.set('autoload', this._autoload.checked);
    });
  }

  readonly node = marked('div', 'welcome', 'gc-Onboarding');

  /** Built anew only when it says something else: a button in it may have the focus. */
  update(phase: WelcomePhase, model: SessionModel | null, kernelName: string): void {
    const said = JSON.stringify([
      phase, kernelName, model?.ended?.by, model?.over, model?.otherVersion, model?.connected, model?.totals === null
    ]);
    if (said !== this._said) {
      this._said = said;
      this.node.replaceChildren(...this._words(phase, model, kernelName));
      this.node.dataset['phase'] = phase;
    }
    show(this.node, this.node.firstChild !== null);
    this._autoload.checked = this._settings.autoload;
  }

  private _words(phase: WelcomePhase, model: SessionModel | null, kernelName: string): Node[] {
    const over = model?.over === true && phase !== 'other-version';
    if (phase === 'measuring' && !over && model?.totals) {
      return [];
    }
    const ended = over && model.ended ? [this._say(this._ended(model.ended.by), 'notice', 'gc-Notice')] : [];
    const now =
      model?.connected === false
        ? [this._say(this._trans.__('Disconnected from the kernel; JupyterLab is trying to reconnect.'))]
        : this._now(phase, model, kernelName, over);
    return [...ended, ...now, ...(over ? this._last(phase) : [])];
  }

  /** What can still be had of a session whose kernel is gone, and what cannot. */
  private _last(phase: WelcomePhase): Node[] {
    const words =
      phase === 'measuring'
        ? this._trans.__('Measuring goes on: the next cell begins a new session. Until then, exports are of the last one, from the history.')
        : this._trans.__('Start measuring to export this session from the history. %1 lists it in any kernel with greencell, unless the history is off.', '%greencell history');
    return [
      this._say(words, '', 'gc-Dim'),
      button(this._trans.__('Copy these figures'), 'gc-mod-link', () => this._actions.copyLast())
    ];
  }

  /** Where the kernel stands now, and at most one thing to do about it. */
  private _now(phase: WelcomePhase, model: SessionModel | null, kernelName: string, over: boolean): Node[] {
    const trans = this._trans;
    switch (phase) {
      case 'no-notebook':
        return [this._say(trans.__('Open a notebook to see what its cells cost.'))];
      case 'no-kernel':
      case 'dead': {
        const words = phase === 'dead' ? trans.__('The kernel died.') : trans.__('This notebook has no kernel.');
        return [
          ...(over ? [] : [this._say(words)]),
          this._primary('start-kernel', trans.__('Start a kernel'), () => this._actions.startKernel())
        ];
      }
      case 'measuring':
        return over ? [] : [this._say(trans.__('One moment…'))];
      case 'asking':
        return [this._say(trans.__('One moment…'))];
      case 'loading':
        return [this._say(trans.__('Starting to measure…'))];
      case 'queued':
        return [this._say(trans.__('The kernel is busy; measuring starts when its cells have ended.'))];
      case 'silent':
        return [
          this._say(trans.__('The kernel has not answered yet: it may be starting, or native code may hold its interpreter. The figures come as soon as it answers.'))
        ];
      case 'other-language':
        return [
          this._say(trans.__('greencell measures Python kernels; the kernel “%1” runs another language.', kernelName))
        ];
      case 'not-installed':
        return [
          this._say(trans.__('greencell is not installed where the kernel “%1” runs. Run this in a cell, then start measuring:', kernelName)),
          this._command(`%pip install greencell==${version}`),
          this._enable()
        ];
      case 'load-failed':
        return [
          this._say(trans.__('greencell did not start in this kernel. To see why, run in a cell:')),
          this._command('%load_ext greencell'),
          this._enable()
        ];
      case 'no-channel':
        return [
          this._say(trans.__('greencell measures in the kernel “%1”, but such a kernel cannot tell this panel. Run one of these in a cell:', kernelName)),
          this._command('%greencell'),
          this._say(trans.__('the session in a few lines'), '', 'gc-Dim'),
          this._command('%greencell panel'),
          this._say(trans.__('its figures as of now, cell by cell'), '', 'gc-Dim')
        ];
      case 'other-version':
        return this._versions(model);
      case 'not-loaded':
      case 'restarted': {
        const box = element('label', 'gc-Check', this._autoload, trans.__('Start in every new Python kernel'));
        return over
          ? [this._enable(), box]
          : [
              this._say(trans.__('The energy of this notebook is not measured yet.')),
              this._enable(),
              box,
              this._say(trans.__('Nothing leaves this machine, and no cell is slowed or changed.'), '', 'gc-Dim')
            ];
      }
    }
  }

  private _versions(model: SessionModel | null): Node[] {
    const { wire, greencell } = model?.otherVersion ?? { wire: 0, greencell: '' };
    const theirs = [greencell, `wire ${wire}`].filter(part => part !== '').join(', ');
    const ours = `${version}, wire ${WIRE_VERSION}`;
    return wire > WIRE_VERSION
      ? [
          this._say(this._trans.__('The kernel’s greencell (%1) is newer than this page’s (%2). Reload the page. If that does not help, run this in a terminal where JupyterLab is installed, and restart JupyterLab:', theirs, ours)),
          this._command(`pip install --upgrade greencell${greencell ? `==${greencell}` : ''}`)
        ]
      : [
          this._say(this._trans.__('The kernel’s greencell (%1) is older than this page’s (%2). Run this in a cell, and restart the kernel:', theirs, ours)),
          this._command(`%pip install --upgrade greencell==${version}`)
        ];
  }

  private _ended(by: Ending): string {
    const words: Readonly<Record<Ending, string>> = {
      died: this._trans.__('The kernel died.'),
      restarted: this._trans.__('The kernel was restarted.'),
      'shut-down': this._trans.__('The kernel was shut down.'),
      switched: this._trans.__('This notebook has another kernel.'),
      unloaded: this._trans.__('greencell is no longer loaded in this kernel.'),
      reset: ''
    };
    return this._trans.__('%1 Below are its last figures, until a new session begins.', words[by]);
  }

  private _say(text: string, mark = '', className = ''): HTMLElement {
    const node = element('p', `gc-Wrap ${className}`.trim(), text);
    if (mark) {
      node.dataset['gc'] = mark;
    }
    return node;
  }

  /** A line to run, and a button that copies it. */
  private _command(line: string): HTMLElement {
    const copy = button(this._trans.__('Copy'), 'gc-mod-link', () => this._actions.copy(line));
    return element('div', 'gc-Command', marked('code', 'command', 'gc-Remedy', line), copy);
  }

  private _enable(): HTMLElement {
    return this._primary('enable', this._trans.__('Start measuring'), () => this._actions.enable());
  }

  private _primary(mark: string, label: string, onClick: () => void): HTMLElement {
    const node = button(label, 'gc-mod-primary', onClick);
    node.dataset['gc'] = mark;
    return node;
  }

  private _said = '';
  private readonly _autoload = element('input');
}
