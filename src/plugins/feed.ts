import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { useStyle } from '../format';
import { Settings } from '../settings';
import { IFeed } from '../tokens';
import { Tracker } from '../tracker';
import { SETTINGS_ID } from './ids';

export const feed: JupyterFrontEndPlugin<IFeed> = {
  id: 'greencell:feed',
  description: 'Listens to the kernels of all notebooks for energy and CO2.',
  autoStart: true,
  provides: IFeed,
  requires: [INotebookTracker],
  optional: [ISettingRegistry],
  activate: (_app, notebooks: INotebookTracker, registry: ISettingRegistry | null) => {
    const settings = new Settings();
    if (registry) {
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
