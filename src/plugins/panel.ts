import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IThemeManager } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';

import { GreencellPanel } from '../panel/panel';
import { IFeed } from '../tokens';
import { rememberView } from '../viewstate';

export const IPanel = new Token<GreencellPanel>('greencell:IPanel', 'The side panel of greencell.');

export const panel: JupyterFrontEndPlugin<GreencellPanel> = {
  id: 'greencell:panel',
  description: 'Shows what this notebook costs in energy and CO2.',
  autoStart: true,
  provides: IPanel,
  requires: [IFeed],
  optional: [ILayoutRestorer, IThemeManager, ITranslator, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    tracker: IFeed,
    restorer: ILayoutRestorer | null,
    themes: IThemeManager | null,
    translator: ITranslator | null,
    states: IStateDB | null
  ) => {
    const trans = (translator ?? nullTranslator).load('greencell');
    const activate = (notebook: NotebookPanel): void => {
      app.shell.activateById(notebook.id);
    };
    const widget = new GreencellPanel(tracker, trans, activate, app.commands);
    if (states) {
      void rememberView(widget, states);
    }
    app.shell.add(widget, 'right', { rank: 950, type: 'greencell' });
    restorer?.add(widget, widget.id);
    themes?.themeChanged.connect(() => {
      widget.refresh();
    });
    let shown = false;
    const showOnce = (): void => {
      if (tracker.settings.openPanel && !shown) {
        shown = true;
        app.shell.activateById(widget.id);
      }
    };
    void app.restored.then(() => {
      showOnce();
      tracker.settings.changed.connect(showOnce);
    });
    return widget;
  }
};
