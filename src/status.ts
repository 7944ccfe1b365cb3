/** The item in the status bar: power while a cell runs, and the session's energy. */
import { TextItem } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import * as format from './format';
import type { IFeed, ITracked } from './tokens';
import { ageWords } from './words';

export class StatusItem extends ReactWidget {
  constructor(
    private readonly _feed: IFeed,
    private readonly _trans: TranslationBundle,
    private readonly _open: () => void
  ) {
    super();
    this.addClass('gc-Status');
    this.node.dataset['gc'] = 'status';
    _feed.currentChanged.connect(this._follow, this);
    _feed.settings.changed.connect(this._redraw, this);
    this._follow();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._feed.currentChanged.disconnect(this._follow, this);
      this._feed.settings.changed.disconnect(this._redraw, this);
      this._tracked?.model.changed.disconnect(this._redraw, this);
      super.dispose();
    }
  }

  protected render(): React.ReactElement {
    const model = this._tracked?.model;
    const totals = model?.totals;
    if (!model || !totals) {
      return React.createElement(React.Fragment);
    }
    const estimated = format.isEstimated(totals.provenance);
    const energy = format.energyWithInterval(totals);
    const live = model.running ? `${format.power(model.powerW, estimated)} | ` : '';
    const age = model.isFresh ? '' : ageWords(model, this._trans, Date.now() / 1000);
    const notes = [model.over ? this._trans.__('ended') : '', age].filter(note => note !== '');
    return React.createElement(TextItem, {
      source: [`⚡ ${live}${energy}`, ...notes.map(note => `(${note})`)].join(' '),
      title: this._trans.__('Energy of this notebook’s session; click for the panel'),
      role: 'button',
      tabIndex: 0,
      onClick: this._open,
      onKeyDown: event => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          this._open();
        }
      }
    });
  }

  private _follow(): void {
    const current = this._feed.current;
    if (current !== this._tracked) {
      this._tracked?.model.changed.disconnect(this._redraw, this);
      this._tracked = current;
      current?.model.changed.connect(this._redraw, this);
    }
    this._redraw();
  }

  private _redraw(): void {
    this.update();
  }

  private _tracked: ITracked | null = null;
}
