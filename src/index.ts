/** The plugins: each small, each of use without the others. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IThemeManager } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { type ReadonlyPartialJSONObject, Token } from '@lumino/coreutils';

import { Badges } from './badges/badges';
import { greencellIcon } from './icons';
import { GreencellPanel } from './panel/panel';
import { Settings } from './settings';
import { StatusItem } from './status';
import { IFeed, type ITracked } from './tokens';
import { Tracker } from './tracker';
import { EXPORT_FORMATS, type ExportFormat } from './wire';

const CATEGORY = 'greencell';
const NO_ARGUMENTS = { type: 'object', properties: {} };

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
    const widget = new GreencellPanel(tracker, trans, notebook => {
      app.shell.activateById(notebook.id);
    });
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
    const isMeasuring = (): boolean => tracker.current?.model.phase === 'measuring';
    const add = (id: string, options: CommandRegistry.ICommandOptions): void => {
      app.commands.addCommand(id, { describedBy: { args: NO_ARGUMENTS }, ...options });
      palette?.addItem({ command: id, category: CATEGORY });
    };
    add(CommandIDs.openPanel, {
      label: trans.__('Show Energy and CO₂'),
      icon: greencellIcon,
      execute: () => {
        app.shell.activateById(widget.id);
      }
    });
    add(CommandIDs.enable, {
      label: trans.__('Start Measuring Energy in This Kernel'),
      isEnabled: () => tracker.current?.connection.kernelId !== undefined,
      execute: () => tracker.current?.connection.enable()
    });
    add(CommandIDs.export, {
      label: args => trans.__('Export Energy and CO₂ of This Session as .%1', formatOf(args)),
      describedBy: {
        args: { type: 'object', properties: { format: { type: 'string', enum: [...EXPORT_FORMATS] } } }
      },
      isEnabled: isMeasuring,
      execute: args => widget.export(formatOf(args))
    });
    add(CommandIDs.setZone, {
      label: trans.__('Set Where the Electricity Comes From…'),
      isEnabled: isMeasuring,
      execute: () => {
        app.shell.activateById(widget.id);
        return widget.askZone();
      }
    });
    add(CommandIDs.toggleBadges, {
      label: trans.__('Show Energy Under Cells'),
      isToggled: () => tracker.settings.badges,
      execute: () => tracker.settings.set('badges', !tracker.settings.badges)
    });
    add(CommandIDs.reset, {
      label: trans.__('Begin a New Energy Session…'),
      isEnabled: isMeasuring,
      execute: () => widget.askReset()
    });
  }
};

function formatOf(args: ReadonlyPartialJSONObject): ExportFormat {
  return EXPORT_FORMATS.find(format => format === args['format']) ?? 'json';
}

const plugins: JupyterFrontEndPlugin<unknown>[] = [feed, badges, panel, status, commands];
export default plugins;
