import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { told } from '../../src/told';

/** A translator that knows one text of the kernel, and has a catalogue's head under ''. */
const trans = {
  ...nullTranslator.load('greencell'),
  __: (text: string, ...values: string[]): string => {
    const known: Record<string, string> = { '%1 went away.': 'Parti : %1.', 'All well.': 'Tout va bien.', '': 'HEAD' };
    return (known[text] ?? text).replace(/%1/g, () => values[0] ?? '');
  }
};

describe('told', () => {
  it('looks up what the kernel says, the name in it aside', () => {
    expect(told('All well.', trans)).toBe('Tout va bien.');
    expect(told('rapl:package-0 went away.', trans, 'rapl:package-0')).toBe('Parti : rapl:package-0.');
    expect(told('$& went away.', trans, '$&')).toBe('Parti : $&.');
  });

  it('leaves what no catalogue has as it was said', () => {
    expect(told('disk7 is full.', trans, 'disk7')).toBe('disk7 is full.');
    expect(told('cut off where a long na', trans, 'a long name')).toBe('cut off where a long na');
    expect(told('', trans)).toBe('');
  });
});
