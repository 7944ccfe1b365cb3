/** The plugins: each small, each of use without the others. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { badges } from './plugins/badges';
import { commands } from './plugins/commands';
import { feed } from './plugins/feed';
import { panel } from './plugins/panel';
import { status } from './plugins/status';

const plugins: JupyterFrontEndPlugin<unknown>[] = [feed, badges, panel, status, commands];
export default plugins;
