/** The settings' form in the user's language: JupyterLab's server knows only its own packs. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

const TEXTS = ['title', 'description'];

/** A schema with its words translated, in the contexts that JupyterLab gives them. */
export function translatedSchema(schema: ISettingRegistry.ISchema, trans: TranslationBundle): ISettingRegistry.ISchema {
  const walk = (node: unknown, context: string): unknown => {
    if (Array.isArray(node)) {
      return node.map(item => walk(item, 'settings'));
    }
    if (typeof node !== 'object' || node === null) {
      return node;
    }
    const entries = Object.entries(node).map(([key, value]) => [
      key,
      typeof value === 'string' && TEXTS.includes(key) ? trans._p(context, value) : walk(value, 'settings')
    ]);
    return Object.fromEntries(entries) as unknown;
  };
  return walk(schema, 'schema') as ISettingRegistry.ISchema; // the same shape, with other words
}
