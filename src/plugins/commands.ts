import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { greencellIcon } from '../icons';
import { statementTitles } from '../panel/exports';
import type { GreencellPanel } from '../panel/panel';
import { IFeed } from '../tokens';
import { EXPORT_FORMATS, STATEMENTS } from '../wire';
import { CommandIDs } from './ids';
import { IPanel } from './panel';

const CATEGORY = 'greencell';

/** One of the known texts, by a command's argument. */
function chosen<T extends string>(args: ReadonlyPartialJSONObject, name: string, known: readonly [T, ...T[]]): T {
  return known.find(one => one === args[name]) ?? known[0];
}

const choice = (name: string, known: readonly string[]): { args: ReadonlyJSONObject } => ({
  args: { type: 'object', properties: { [name]: { type: 'string', enum: [...known] } } }
});

export const commands: JupyterFrontEndPlugin<void> = {
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
    /** `each`: an entry of the palette for each of these arguments. */
    const add = (id: string, options: CommandRegistry.ICommandOptions, each: readonly ReadonlyJSONObject[] = [{}]): void => {
      app.commands.addCommand(id, {
        describedBy: { args: { type: 'object', properties: {} } },
        ...options
      });
      each.forEach(args => palette?.addItem({ command: id, category: CATEGORY, args }));
    };
    const show: CommandRegistry.ICommandOptions = {
      label: args => (args['active'] ? trans.__('Show Energy of This Cell') : trans.__('Show Energy and CO₂')),
      caption: trans.__('What this notebook costs, cell by cell'),
      icon: greencellIcon,
      describedBy: {
        args: { type: 'object', properties: { active: { type: 'boolean' }, cellId: { type: 'string' } } }
      },
      execute: args => {
        const active = args['active'] ? tracker.current?.panel.content.activeCell?.model.id : undefined;
        const cellId = active ?? args['cellId'];
        if (widget.hasFocus && typeof cellId !== 'string') {
          tracker.current?.panel.activate(); // the same key leads back
          return undefined;
        }
        app.shell.activateById(widget.id);
        widget.node.focus();
        return typeof cellId === 'string' ? widget.showCell(cellId) : undefined;
      }
    };
    add(CommandIDs.openPanel, show, [{}, { active: true }]);
    add(CommandIDs.enable, {
      label: trans.__('Start Measuring Energy in This Kernel'),
      caption: trans.__('Loads greencell into the kernel; nothing leaves this machine'),
      isEnabled: () => tracker.current?.connection.kernelId !== undefined && !isMeasuring(),
      execute: () => tracker.current?.connection.enable()
    });
    add(CommandIDs.pause, {
      label: () =>
        tracker.current?.model.paused
          ? trans.__('Go On Measuring Energy')
          : trans.__('Pause Measuring Energy'),
      caption: trans.__('While it is paused nothing is counted'),
      isEnabled: isMeasuring,
      execute: () => widget.togglePause()
    });
    add(CommandIDs.export, {
      label: args => {
        const format = chosen(args, 'format', EXPORT_FORMATS);
        return args['brief']
          ? trans.__('Save as .%1', format)
          : trans.__('Export Energy and CO₂ of This Session as .%1', format);
      },
      caption: trans.__('Saves a file by the browser'),
      describedBy: choice('format', EXPORT_FORMATS),
      isEnabled: isMeasuring,
      execute: args => widget.export(chosen(args, 'format', EXPORT_FORMATS), args['last'] === true)
    }, EXPORT_FORMATS.map(format => ({ format })));
    add(CommandIDs.copyMarkdown, {
      label: trans.__('Copy Energy and CO₂ of This Session as Markdown'),
      isEnabled: isMeasuring,
      execute: () => widget.copy('md')
    });
    const titles = statementTitles(trans);
    add(CommandIDs.copyStatement, {
      label: args => {
        const title = titles[chosen(args, 'name', STATEMENTS)];
        return args['brief'] ? trans.__('Copy: %1', title) : trans.__('Copy a Statement: %1', title);
      },
      caption: trans.__('For a model card, a paper or a report'),
      describedBy: choice('name', STATEMENTS),
      isEnabled: isMeasuring,
      execute: args => widget.copy(chosen(args, 'name', STATEMENTS), args['last'] === true)
    }, STATEMENTS.map(name => ({ name })));
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
      isToggleable: true,
      isToggled: () => tracker.settings.badges,
      execute: () => tracker.settings.set('badges', !tracker.settings.badges)
    });
    add(CommandIDs.embed, {
      label: trans.__('Write the Figures Into This Notebook'),
      caption: trans.__('Into the metadata of its cells, key greencell; nothing else is changed'),
      isEnabled: isMeasuring,
      execute: async () => {
        const done = await tracker.current?.embedder.embedAll();
        if (done) {
          const words = trans._n('Figures of %1 cell written.', 'Figures of %1 cells written.', done.written);
          const rest = trans._n(
            'Of %1 cell it is not known which code ran.',
            'Of %1 cells it is not known which code ran.',
            done.unknown
          );
          Notification.info(done.unknown > 0 ? `${words} ${rest}` : words, { autoClose: 5000 });
        }
      }
    });
    add(CommandIDs.strip, {
      label: trans.__('Take the Figures Out of This Notebook'),
      caption: trans.__('Removes the key greencell from the metadata of every cell'),
      isEnabled: () => tracker.current !== null,
      execute: () => {
        const count = tracker.current?.embedder.stripAll() ?? 0;
        Notification.info(trans._n('Figures of %1 cell taken out.', 'Figures of %1 cells taken out.', count), {
          autoClose: 5000
        });
      }
    });
    add(CommandIDs.reset, {
      label: trans.__('Begin a New Energy Session…'),
      isEnabled: isMeasuring,
      execute: () => widget.askReset()
    });
  }
};
