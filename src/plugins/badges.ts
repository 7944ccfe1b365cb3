import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Badges } from '../badges/badges';
import { IFeed, type ITracked } from '../tokens';
import { CommandIDs } from './ids';

export const badges: JupyterFrontEndPlugin<void> = {
  id: 'greencell:badges',
  description: 'Shows under each code cell what its last run cost.',
  autoStart: true,
  requires: [IFeed],
  optional: [ITranslator],
  activate: (app, tracker: IFeed, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('greencell');
    const attach = (tracked: ITracked): Badges => new Badges(tracked, tracker.settings, trans, cellId => {
        void app.commands.execute(CommandIDs.openPanel, { cellId });
      });
    tracker.all().forEach(attach);
    tracker.added.connect((_, tracked) => {
      attach(tracked);
    });
  }
};
