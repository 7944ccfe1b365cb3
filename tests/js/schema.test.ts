import { nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import schema from '../../schema/panel.json';
import { translatedSchema } from '../../src/plugins/schema';

describe('translatedSchema', () => {
  it('is the same schema where nothing is translated', () => {
    expect(translatedSchema(schema as never, nullTranslator.load('greencell'))).toEqual(schema);
  });

  it('translates titles and descriptions, and nothing that a program reads', () => {
    const shouting = { _p: (context: string, text: string) => `${context}: ${text.toUpperCase()}` };
    const given = {
      type: 'object',
      title: 'greencell',
      'jupyter.lab.shortcuts': [{ command: 'greencell:open-panel', keys: ['Accel Alt E'], selector: 'body' }],
      properties: { energyUnit: { type: 'string', title: 'Unit', oneOf: [{ const: 'Wh', title: 'Watt-hours' }], default: 'Wh' } }
    };

    expect(translatedSchema(given as never, shouting as unknown as TranslationBundle)).toEqual({
      ...given,
      title: 'schema: GREENCELL',
      properties: {
        energyUnit: { type: 'string', title: 'settings: UNIT', oneOf: [{ const: 'Wh', title: 'settings: WATT-HOURS' }], default: 'Wh' }
      }
    });
  });
});
