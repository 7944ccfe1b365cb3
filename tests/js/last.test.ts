import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { SessionModel } from '../../src/model';
import { lastFigures } from '../../src/panel/last';
import { decode } from '../../src/wire';
import { golden } from './golden';

const trans = nullTranslator.load('greencell');

function markdown(names: string, change: Record<string, unknown> = {}): string {
  const model = new SessionModel();
  const decoded = decode({ ...golden('snapshot'), ...change });
  if (decoded.ok) {
    model.receive(decoded.message);
  }
  return lastFigures('train.ipynb', model, () => names, trans);
}

describe('lastFigures', () => {
  it('is the headline, a row for each run, and what is missing', () => {
    const lines = markdown('load()', { cells_total: 5 }).split('\n');

    expect(lines[0]).toMatch(/^train\.ipynb: .+Wh.* · .+ CO₂e · Estimated · France /);
    expect(lines.filter(line => line.startsWith('| ')).length).toBe(2 + 2);
    expect(lines.at(-2)).toBe('Copied from the page after the kernel had gone. 3 more cells are in the sum.');
  });

  it('lets no name break a row or be markup', () => {
    const text = markdown('a | b\n<img src=x> [c](d) `e`');

    expect(text).toContain('| a \\| b \\<img src=x\\> \\[c\\](d) \\`e\\` |');
  });

  it('has nothing to say of a model without figures', () => {
    expect(lastFigures('n', new SessionModel(), String, trans)).toBe('');
  });
});
