import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { StatusItem } from '../status';
import { IFeed } from '../tokens';
import { CommandIDs } from './ids';

export const status: JupyterFrontEndPlugin<void> = {
  id: 'greencell:status',
  description: 'Shows power and energy of the current notebook in the status bar.',
  autoStart: true,
  requires: [IFeed],
  optional: [IStatusBar, ITranslator],
  activate: (app, tracker: IFeed, statusBar: IStatusBar | null, translator: ITranslator | null) => {
    if (!statusBar) {
      return; // Jupyter Notebook has none
    }
    const trans = (translator ?? nullTranslator).load('greencell');
    const item = new StatusItem(tracker, trans, () => {
      void app.commands.execute(CommandIDs.openPanel);
    });
    statusBar.registerStatusItem('greencell:status', {
      item,
      align: 'left',
      rank: 4,
      isActive: () => tracker.current !== null,
      activeStateChanged: tracker.currentChanged as unknown as NonNullable<
        IStatusBar.IItem['activeStateChanged']
      > // the bar ignores the argument that this signal carries
    });
  }
};
