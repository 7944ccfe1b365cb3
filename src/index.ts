/** The plugins: each small, each of use without the others. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IThemeManager, showDialog, Dialog } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';

import { Badges } from './badges/badges';
import { greencellIcon } from './icons';
import { GreencellPanel } from './panel/panel';
import { Settings } from './settings';
import { StatusItem } from './status';
import { IFeed, type ITracked } from './tokens';
import { Tracker } from './tracker';
import { EXPORT_FORMATS } from './wire';

const CATEGORY = 'greencell';

export const CommandIDs = {
  openPanel: 'greencell:open-panel',
  enable: 'greencell:enable',
  export: 'greencell:export',
  setZone: 'greencell:set-zone',
  toggleBadges: 'greencell:toggle-badges',
  reset: 'greencell:reset'
} as const;

const IPanel = new Token<GreencellPanel>('greencell:IPanel', 'The side panel of greencell.');

const feed: JupyterFrontEndPlugin<IFeed> = {
  id: 'greencell:feed',
  description: 'Listens to the kernels of all notebooks for energy and CO2.',
  autoStart: true,
  provides: IFeed,
  requires: [INotebookTracker],
  optional: [ISettingRegistry],
  activate: (_app, notebooks: INotebookTracker, registry: ISettingRegistry | null) => {
    const settings = new Settings();
    if (registry) {
      settings.connect(registry, panel.id).catch((error: unknown) => {
        console.warn('greencell: its settings could not be loaded; defaults are used.', error);
      });
    }
    return new Tracker(notebooks, settings);
  }
};

const badges: JupyterFrontEndPlugin<void> = {
  id: 'greencell:badges',
  description: 'Shows under each code cell what its last run cost.',
  autoStart: true,
  requires: [IFeed],
  optional: [ITranslator],
  activate: (_app, tracker: IFeed, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('greencell');
    const attach = (tracked: ITracked): Badges => new Badges(tracked, tracker.settings, trans);
    tracker.all().forEach(attach);
    tracker.added.connect((_, tracked) => {
      attach(tracked);
    });
  }
};

const panel: JupyterFrontEndPlugin<GreencellPanel> = {
  id: 'greencell:panel',
  description: 'Shows what this notebook costs in energy and CO2.',
  autoStart: true,
  provides: IPanel,
  requires: [IFeed],
  optional: [ILayoutRestorer, IThemeManager, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: IFeed,
    restorer: ILayoutRestorer | null,
    themes: IThemeManager | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('greencell');
    const widget = new GreencellPanel(tracker, trans);
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

const status: JupyterFrontEndPlugin<void> = {
  id: 'greencell:status',
  description: 'Shows power and energy of the current notebook in the status bar.',
  autoStart: true,
  requires: [IFeed, IStatusBar],
  optional: [ITranslator],
  activate: (app, tracker: IFeed, statusBar: IStatusBar, translator: ITranslator | null) => {
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

const commands: JupyterFrontEndPlugin<void> = {
  id: 'greencell:commands',
  description: 'Adds the commands of greencell.',
  autoStart: true,
  requires: [IFeed, IPanel],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: IFeed,
    widget: GreencellPanel,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('greencell');
    const hasNotebook = (): boolean => tracker.current !== null;
    const add = (
      id: string,
      label: string,
      execute: (args: Readonly<Record<string, unknown>>) => unknown,
      isEnabled: () => boolean = hasNotebook
    ): void => {
      app.commands.addCommand(id, {
        label,
        isEnabled,
        describedBy: { args: { type: 'object', properties: {} } },
        ...(id === CommandIDs.openPanel ? { icon: greencellIcon } : {}),
        execute: args => execute(args)
      });
      palette?.addItem({ command: id, category: CATEGORY });
    };
    add(
      CommandIDs.openPanel,
      trans.__('Show Energy and CO₂'),
      () => {
        app.shell.activateById(widget.id);
      },
      () => true
    );
    add(CommandIDs.enable, trans.__('Start Measuring Energy in This Kernel'), () =>
      tracker.current?.connection.enable()
    );
    add(CommandIDs.export, trans.__('Export Energy and CO₂ of This Session'), args =>
      widget.export(EXPORT_FORMATS.find(format => format === args['format']) ?? 'json')
    );
    add(CommandIDs.setZone, trans.__('Set Where the Electricity Comes From…'), () => {
      app.shell.activateById(widget.id);
      return widget.askZone();
    });
    add(
      CommandIDs.toggleBadges,
      trans.__('Show or Hide Energy Under Cells'),
      () => tracker.settings.set('badges', !tracker.settings.badges),
      () => true
    );
    add(CommandIDs.reset, trans.__('Begin a New Energy Session'), async () => {
      const answer = await showDialog({
        title: trans.__('Begin a new session?'),
        body: trans.__('The figures shown so far end here. Export them first if you need them.'),
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Begin') })]
      });
      if (answer.button.accept) {
        await tracker.current?.connection.request('reset');
      }
    });
  }
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [feed, badges, panel, status, commands];
export default plugins;
