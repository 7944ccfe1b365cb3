import { describe, expect, it } from 'vitest';

import * as format from '../../src/format';
import { Hold } from '../../src/hold';

const plain = (text: string): string => text.replace(/\u202f/g, ' ');

describe('Hold', () => {
  const watts = (...values: number[]): string[] => {
    const hold = new Hold();
    return values.map(value => plain(format.power(value, true, hold)));
  };

  it('keeps the decimals of a power that hovers around a border', () => {
    expect(watts(9.8, 10.2, 9.8, 10.1, 9.6)).toEqual(['9.8 W', '10 W', '10 W', '10 W', '10 W']);
  });

  it('lets them go once it is clearly below, and at once when it rises', () => {
    expect(watts(10.2, 8.9, 9.5, 10, 105, 96, 12)).toEqual(['10 W', '8.9 W', '9.5 W', '10 W', '110 W', '100 W', '12 W']);
  });

  it('shows the same as without one where nothing hovers', () => {
    for (const value of [0, 0.0123, 1, 3.456, 99.4, 1234, 5e6]) {
      expect(format.power(value, false, new Hold())).toBe(format.power(value, false));
    }
  });

  it('keeps the unit of an energy', () => {
    const hold = new Hold();
    const shown = [3599, 3605, 3590, 3400, 3200].map(energyJ => plain(format.energy(energyJ, 'measured', hold)));

    expect(shown).toEqual(['1.00 Wh', '1.00 Wh', '1.00 Wh', '0.94 Wh', '889 mWh']);
  });

  it('keeps the unit of an interval, and still rounds its ends outwards', () => {
    const hold = new Hold();
    const shown = [3650, 3550].map(highJ =>
      plain(
        format.energyWithInterval(
          { energyJ: 1000, energyLowJ: 400, energyHighJ: highJ, provenance: 'estimated' },
          hold
        )
      )
    );

    expect(shown).toEqual(['0.1–1.1 Wh', '0.1–1.0 Wh']);
  });

  it('stands still on zero and on nonsense', () => {
    expect(watts(0, 0, Number.NaN, 5)).toEqual(['0 W', '0 W', '– W', '5.0 W']);
  });
});
