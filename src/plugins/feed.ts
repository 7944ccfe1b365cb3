import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { useStyle } from '../format';
import { Settings } from '../settings';
import { IFeed } from '../tokens';
import { Tracker } from '../tracker';
import { SETTINGS_ID } from './ids';
import { translatedSchema } from './schema';

export const feed: JupyterFrontEndPlugin<IFeed> = {
  id: 'greencell:feed',
  description: 'Listens to the kernels of all notebooks for energy and CO2.',
  autoStart: true,
  provides: IFeed,
  requires: [INotebookTracker],
  optional: [ISettingRegistry, ITranslator],
  activate: (
    _app,
    notebooks: INotebookTracker,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const settings = new Settings();
    if (registry) {
      const trans = (translator ?? nullTranslator).load('greencell');
      registry.transform(SETTINGS_ID, {
        fetch: plugin => ({ ...plugin, schema: translatedSchema(plugin.schema, trans) })
      });
      settings.connect(registry, SETTINGS_ID).catch((error: unknown) => {
        console.warn('greencell: its settings could not be loaded; defaults are used.', error);
      });
    }
    settings.changed.connect(() => {
      useStyle(settings);
    });
    return new Tracker(notebooks, settings);
  }
};
