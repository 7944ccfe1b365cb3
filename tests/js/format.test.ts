import { describe, expect, it } from 'vitest';

import * as format from '../../src/format';

const plain = (text: string): string => text.replace(/\u202f/g, ' ');

describe('energy', () => {
  it.each([
    [null, false, '–'],
    [0, false, '0 Wh'],
    [3600, false, '1.00 Wh'],
    [12_345, false, '3.43 Wh'],
    [12_345, true, '3.4 Wh'],
    [3.6e6, false, '1.00 kWh'],
    [3.6e9, false, '1000 kWh'],
    [3.599e6, false, '1.00 kWh'],
    [3.59e6, false, '997 Wh'],
    [1, false, '278 µWh'],
    [3.6e-8, false, '< 1 nWh']
  ])('shows %d J (estimated: %s) as %s', (energyJ, estimated, shown) => {
    expect(plain(format.energy(energyJ, estimated))).toBe(shown);
  });
});

describe('co2', () => {
  it('uses the gram family', () => {
    expect(plain(format.co2(0.00059, false))).toBe('590 µg');
    expect(plain(format.co2(1530, false))).toBe('1.53 kg');
  });
});

describe('interval', () => {
  it('is one number when narrow and even, else the two ends', () => {
    expect(plain(format.interval({ energyJ: 100, energyLowJ: 96, energyHighJ: 104 }))).toBe('± 4 %');
    expect(plain(format.interval({ energyJ: 3600, energyLowJ: 1440, energyHighJ: 7200 }))).toBe(
      '400 mWh – 2.0 Wh'
    );
  });

  it('says the unit once where both ends have the same', () => {
    expect(plain(format.interval({ energyJ: 12_240, energyLowJ: 6120, energyHighJ: 24_480 }))).toBe('1.7–6.8 Wh');
    expect(plain(format.co2Interval({ co2G: 1, co2LowG: 0, co2HighG: 2.5 }))).toBe('0–2.5 g');
  });

  it('is empty where something is unknown', () => {
    expect(format.interval({ energyJ: null, energyLowJ: 1, energyHighJ: 2 })).toBe('');
  });
});

describe('duration', () => {
  it.each([
    [0.0042, '4 ms'],
    [5.04, '5.0 s'],
    [0.9996, '1.0 s'],
    [59.97, '1 min 00 s'],
    [61, '1 min 01 s'],
    [3720, '1 h 02 min']
  ])('shows %d s as %s', (durationS, shown) => {
    expect(plain(format.duration(durationS))).toBe(shown);
  });
});

describe('percent', () => {
  it('never calls a small part nothing', () => {
    expect([0, 0.001, 0.37].map(share => plain(format.percent(share)))).toEqual(['0 %', '< 1 %', '37 %']);
  });
});

describe('digits', () => {
  it('never throws, whatever the number', () => {
    for (const value of [Number.NaN, Infinity, -1e300, 1e-300, 0, 999.96]) {
      expect(typeof format.digits(value, 3)).toBe('string');
    }
  });
});
