/** What the kernel says, in the user's language where its catalogue has it. */
import type { TranslationBundle } from '@jupyterlab/translation';

/** `about`: the part of the text that is a name or a figure, and stands as it is. */
export function told(text: string, trans: TranslationBundle, about = ''): string {
  if (text === '') {
    return ''; // of a catalogue that would be its head
  }
  return about === '' ? trans.__(text) : trans.__(text.replace(about, '%1'), about);
}
