import { afterEach, describe, expect, it } from 'vitest';

import * as format from '../../src/format';
import type { Provenance } from '../../src/wire';

const plain = (text: string): string => text.replace(/\u202f/g, ' ');

describe('energy', () => {
  it.each([
    [null, 'estimated', '–'],
    [0, 'estimated', '0 Wh'],
    [3600, 'measured', '1.00 Wh'],
    [12_345, 'measured', '3.43 Wh'],
    [12_345, 'estimated', '≈ 3.4 Wh'],
    [12_345, 'mixed', '≈ 3.4 Wh'],
    [3.6e6, 'measured', '1.00 kWh'],
    [3.6e9, 'measured', '1000 kWh'],
    [3.599e6, 'measured', '1.00 kWh'],
    [3.59e6, 'measured', '997 Wh'],
    [3.59e6, 'estimated', '≈ 1.0 kWh'],
    [1, 'measured', '278 µWh'],
    [3.6e-8, 'measured', '< 1 nWh']
  ] as const)('shows %d J, %s, as %s', (energyJ, provenance, shown) => {
    expect(plain(format.energy(energyJ, provenance))).toBe(shown);
  });
});

describe('energyWithInterval', () => {
  const shown = (
    [energyLowJ, energyJ, energyHighJ]: readonly (number | null)[],
    flags: readonly string[] = [],
    provenance: Provenance = 'measured'
  ): string =>
    plain(
      format.energyWithInterval({
        energyLowJ: energyLowJ ?? null,
        energyJ: energyJ ?? null,
        energyHighJ: energyHighJ ?? null,
        flags,
        provenance
      })
    );

  it('shows the value where the interval is narrow enough for one', () => {
    expect(shown([11_000, 12_345, 13_000])).toBe('3.43 Wh');
    expect(shown([6120, 12_240, 18_360], [], 'estimated')).toBe('≈ 3.4 Wh');
    expect(shown([null, 12_345, null])).toBe('3.43 Wh');
  });

  it('shows the two ends, in one unit, where no number stands for both', () => {
    expect(shown([1440, 3600, 6840])).toBe('0.4–1.9 Wh');
    expect(shown([1440, 3600, 6840], [], 'estimated')).toBe('0.4–1.9 Wh');
    expect(shown([0, 3600, 6840])).toBe('0–1.9 Wh');
    expect(shown([36, 3600, 43_200])).toBe('0–12 Wh');
    expect(shown([0, 0, 1e-9])).toBe('< 1 nWh');
  });

  it('rounds the ends outwards, so that the interval still holds', () => {
    expect(shown([1799, 3600, 36_360])).toBe('0–11 Wh');
    expect(shown([7190, 36_000, 35_996 * 1.05])).toBe('1–11 Wh');
    expect(shown([720, 1800, 3597])).toBe('0.2–1.0 Wh');
  });

  it('says of a run too short for its meter what it is below', () => {
    expect(shown([0, 0.1, 0.364], ['too-short'])).toBe('< 110 µWh');
    expect(shown([0, 0.1, null], ['too-short'])).toBe('–');
    expect(shown([0, 0, 0], ['too-short'])).toBe('0 Wh');
  });

  it.each(['gap', 'lost', 'stale', 'wrap-ambiguous'])('says with %s that it is at least so much', flag => {
    expect(shown([11_000, 12_345, 13_000], [flag])).toBe('≥ 3.43 Wh');
    expect(shown([6120, 12_240, 18_360], [flag], 'estimated')).toBe('≥ 3.4 Wh');
    expect(shown([1440, 3600, 6840], [flag])).toBe('≥ 0.4–1.9 Wh');
  });

  it('knows no bound of a run that is too short and incomplete', () => {
    expect(shown([0, 0.1, 0.364], ['too-short', 'gap'])).toBe('–');
  });

  it('is a dash where nothing is known, whatever the flags', () => {
    expect(shown([null, null, null], ['gap'])).toBe('–');
    expect(shown([0, null, 5], ['too-short'])).toBe('–');
  });

  it('shows every interval by a text that holds it', () => {
    for (let step = 0; step < 400; step += 1) {
      const highJ = 1e-3 * 1.07 ** step;
      const lowJ = highJ / (3.01 + step / 7);
      const text = shown([lowJ, lowJ, highJ]);
      const [, from = '', to = '', unit = ''] = /^([\d.]+)–([\d.]+) (\S+)$/.exec(text) ?? [];
      const scale = { kWh: 3.6e6, Wh: 3600, mWh: 3.6, µWh: 3.6e-3, nWh: 3.6e-6 }[unit] ?? Number.NaN;
      expect(Number(from) * scale).toBeLessThanOrEqual(lowJ * (1 + 1e-6));
      expect(Number(to) * scale).toBeGreaterThanOrEqual(highJ * (1 - 1e-6));
    }
  });
});

describe('meanPower', () => {
  const run = { durationS: 1.2, energyJ: 10, energyLowJ: 9, energyHighJ: 11, meanPowerW: 8.234, provenance: 'measured' } as const;

  it('is said only where the energy is known well enough', () => {
    expect(plain(format.meanPower(run))).toBe('8.23 W');
    expect(plain(format.meanPower({ ...run, energyLowJ: 2 }))).toBe('≈ 8.23 W');
    expect(format.meanPower({ ...run, flags: ['too-short'] })).toBe('');
    expect(format.meanPower({ ...run, energyJ: null })).toBe('');
    expect(format.meanPower({ ...run, meanPowerW: null })).toBe('');
    expect(format.meanPower({ ...run, durationS: 0.05 })).toBe('');
  });
});

describe('co2', () => {
  it('uses the gram family', () => {
    const shown = (co2G: number, co2HighG: number): string =>
      plain(format.co2WithInterval({ co2G, co2LowG: co2G, co2HighG, provenance: 'measured' }));

    expect(shown(0.00059, 0.0006)).toBe('590 µg');
    expect(shown(1530, 1600)).toBe('1.53 kg');
    expect(shown(1530, 6000)).toBe('1.5–6.0 kg');
  });
});

describe('interval', () => {
  it('is one number when narrow and even, else the two ends', () => {
    expect(plain(format.interval({ energyJ: 100, energyLowJ: 96, energyHighJ: 104 }))).toBe('± 4 %');
    expect(plain(format.interval({ energyJ: 3600, energyLowJ: 1440, energyHighJ: 7200 }))).toBe(
      '0.4–2.0 Wh'
    );
  });

  it('says the unit once for both ends', () => {
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

describe('clock', () => {
  it('never calls a short time nothing', () => {
    expect([0, 0.009, 0.999, 1, 59.9, 60].map(durationS => plain(format.clock(durationS)))).toEqual([
      '0 s', '< 1 s', '< 1 s', '1 s', '59 s', '1 min 00 s'
    ]);
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

describe('the user’s style', () => {
  afterEach(() => {
    format.useStyle({ energyUnit: 'Wh', digits: 3 });
  });
  const figures = (energyLowJ: number, energyJ: number, energyHighJ: number, provenance: Provenance = 'measured'): string =>
    plain(format.energyWithInterval({ energyLowJ, energyJ, energyHighJ, provenance }));

  it('may be joules, with the prefix that fits', () => {
    format.useStyle({ energyUnit: 'J', digits: 3 });
    expect(plain(format.energy(12_345, 'measured'))).toBe('12.3 kJ');
    expect(plain(format.energy(12_345, 'estimated'))).toBe('≈ 12 kJ');
    expect(plain(format.energy(0, 'measured'))).toBe('0 J');
    expect(plain(format.energy(4.5e6, 'measured'))).toBe('4.50 MJ');
    expect(plain(format.energy(2.5e-4, 'measured'))).toBe('250 µJ');
    expect(figures(1, 2, 7.41)).toBe('1.0–7.5 J');
    expect(plain(format.interval({ energyLowJ: 900, energyJ: 1000, energyHighJ: 2000 }))).toBe('0.9–2.0 kJ');
  });

  it('has more digits or fewer; what is estimated has one less', () => {
    format.useStyle({ energyUnit: 'Wh', digits: 5 });
    expect(plain(format.energy(12_345, 'measured'))).toBe('3.4292 Wh');
    expect(plain(format.energy(12_345, 'estimated'))).toBe('≈ 3.429 Wh');
    expect(plain(format.power(123.456, false))).toBe('123.46 W');
    format.useStyle({ energyUnit: 'Wh', digits: 2 });
    expect(plain(format.energy(12_345, 'measured'))).toBe('3.4 Wh');
    expect(plain(format.energy(12_345, 'estimated'))).toBe('≈ 3 Wh');
  });

  it('keeps an interval’s ends outside the truth, whatever the digits', () => {
    for (const digits of [2, 3, 4, 5, 6]) {
      for (const energyUnit of ['Wh', 'J'] as const) {
        format.useStyle({ energyUnit, digits });
        for (const [low, high] of [[1.2345, 98.765], [0.00123, 4567.8], [999.9, 99_999]] as const) {
          const [from = '', to = '', unit = ''] = figures(low, (low + high) / 2, high).split(/–| /);
          const scale = { kWh: 3.6e6, Wh: 3600, mWh: 3.6, µWh: 3.6e-3, MJ: 1e6, kJ: 1e3, J: 1, mJ: 1e-3, µJ: 1e-6 }[unit] ?? NaN;
          expect(Number(from) * scale).toBeLessThanOrEqual(low * (1 + 1e-9));
          expect(Number(to) * scale).toBeGreaterThanOrEqual(high * (1 - 1e-9));
        }
      }
    }
  });
});
