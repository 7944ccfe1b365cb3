/** Words where no translator is: English, with the arguments put in. */
import type { TranslationBundle } from '@jupyterlab/translation';

type Argument = string | number;

function fill(text: string, args: readonly Argument[]): string {
  return text.replace(/%(\d)/g, (_, place: string) => String(args[Number(place) - 1] ?? ''));
}

const __ = (text: string, ...args: Argument[]): string => fill(text, args);
const _n = (one: string, many: string, count: number, ...args: Argument[]): string =>
  fill(count === 1 ? one : many, [count, ...args]);
const _p = (_: string, text: string, ...args: Argument[]): string => fill(text, args);
const _np = (_: string, one: string, many: string, count: number, ...args: Argument[]): string =>
  _n(one, many, count, ...args);

export const plainWords = {
  __,
  _n,
  _p,
  _np,
  gettext: __,
  ngettext: _n,
  pgettext: _p,
  npgettext: _np,
  dcnpgettext: (_d: string, context: string, one: string, many: string, count: number, ...args: Argument[]) =>
    _np(context, one, many, count, ...args)
} satisfies TranslationBundle;
