// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Reply } from '../../src/connection';
import { type Change, SessionModel } from '../../src/model';
import { History } from '../../src/panel/history';
import { Now } from '../../src/panel/now';
import { Summary } from '../../src/panel/summary';
import { WhatIf } from '../../src/panel/whatif';
import { Settings } from '../../src/settings';
import { Waker } from '../../src/waker';
import { decode } from '../../src/wire';
import history from '../wire/replies/history.json';
import whatIf from '../wire/replies/what-if.json';
import { golden } from './golden';

type Content = Record<string, unknown>;

const trans = nullTranslator.load('greencell');
const plain = (node: Element | null | undefined): string => (node?.textContent ?? '').replace(/\u202f/g, ' ');
const MINUTES_10 = 600_000;
const UNKNOWN = { idle_power_w: null, idle_power_low_w: null, idle_power_high_w: null };
/** 3 W, and 92.5 J at the beginning. */
const IDLE = { idle_power_w: 3, idle_power_low_w: 2.5, idle_power_high_w: 4 };

describe('the total of an idle session', () => {
  let model = new SessionModel();
  let waker = new Waker(model);
  let changes: Change[] = [];

  const take = (name: string, change: Content = {}): void => {
    const t = Date.now() / 1000;
    const decoded = decode({ ...golden(name), t, as_of: t, ...change });
    if (!decoded.ok) {
      throw new Error(`${name} does not decode`);
    }
    model.receive(decoded.message);
  };
  const idle = (change: Content = {}): void => {
    take('snapshot', { running: null, ...IDLE, ...change });
    changes = [];
  };
  const pass = (ms: number): void => {
    vi.advanceTimersByTime(ms);
  };
  /** The clock of a computer that slept goes on, its timers do not. */
  const sleep = (ms: number): void => {
    vi.setSystemTime(Date.now() + ms);
  };

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date(2026, 0, 31, 18, 19, 0) });
    model = new SessionModel();
    waker = new Waker(model);
    model.changed.connect((_, change) => {
      changes.push(change);
    });
  });

  afterEach(() => {
    waker.dispose();
    vi.useRealTimers();
  });

  it('goes on by what the kernel draws at idle, with its interval and its CO₂', () => {
    idle();
    pass(MINUTES_10);

    const { energyJ, energyLowJ, energyHighJ, co2G, betweenCellsJ, durationS, provenance } = model.totals ?? {};
    expect(energyJ).toBeGreaterThan(92.5 + 3 * 600 - 90); // of the last step not more than its length
    expect(energyJ).toBeLessThanOrEqual(92.5 + 3 * 600);
    const forS = ((energyJ ?? 0) - 92.5) / 3;
    expect(energyLowJ).toBeCloseTo(37 + 2.5 * forS, 6);
    expect(energyHighJ).toBeCloseTo(185 + 4 * forS, 6);
    expect(betweenCellsJ).toBeCloseTo(12.5 + 3 * forS, 6);
    expect(durationS).toBeCloseTo(62.5 + forS, 6);
    expect(co2G).toBeCloseTo(0.00106375 + ((3 * forS) / 3.6e6) * 41.4, 9);
    expect(provenance).toBe('estimated');
    expect(model.isFresh).toBe(true);
  });

  it('agrees within its interval with what an export says then', () => {
    idle();
    pass(MINUTES_10);
    const { energyLowJ, energyHighJ, co2LowG, co2HighG } = model.totals ?? {};
    const [exportedJ, exportedG] = [92.5 + 3.3 * 600, 0.00106375 + ((3.3 * 600) / 3.6e6) * 41.4];

    expect(energyLowJ).toBeLessThan(exportedJ);
    expect(energyHighJ).toBeGreaterThan(exportedJ);
    expect(co2LowG).toBeLessThan(exportedG);
    expect(co2HighG).toBeGreaterThan(exportedG);
  });

  it('adds the components up to itself all the while', () => {
    idle();
    pass(MINUTES_10);
    const { byComponentJ, energyJ } = model.totals ?? {};

    expect([...(byComponentJ?.values() ?? [])].reduce((sum, one) => sum + one, 0)).toBeCloseTo(energyJ ?? 0, 6);
  });

  it('is an estimate where it was measured, and is renewed only as often as that shows', () => {
    idle({ totals: { ...(golden('snapshot')['totals'] as Content), energy_j: 9000, energy_low_j: 8800, energy_high_j: 9200, provenance: 'measured' } });
    pass(MINUTES_10);

    expect(model.totals?.provenance).toBe('mixed');
    expect(model.totals?.told.provenance).toBe('measured');
    expect(new Set(changes)).toEqual(new Set(['total']));
    expect(changes.length).toBeGreaterThan(20);
    expect(changes.length).toBeLessThan(150);
  });

  it('is corrected by the next message and by every answer', () => {
    idle();
    pass(MINUTES_10);
    const totals = decode({ ...golden('cell-end'), totals: { ...(golden('cell-end')['totals'] as Content), energy_j: 2000, duration_s: 700 } });
    if (!totals.ok || totals.message.kind !== 'cell-end') {
      throw new Error('does not decode');
    }
    model.takeTotals(totals.message.totals, { asOf: Date.now() / 1000, idle: { powerW: 1, lowW: 1, highW: 1 } });
    expect(model.totals).toMatchObject({ energyJ: 2000, carriedS: 0 });
    pass(60_000);
    expect(model.totals?.energyJ).toBeGreaterThan(2025);

    take('cell-end', { seq: 90, ...IDLE });
    expect(model.totals?.energyJ).toBe(93.75);
  });

  it('counts from when the kernel’s total was of, by whichever clock that was', () => {
    const t = Date.now() / 1000 - 5000; // the kernel's clock is far behind
    idle({ t, as_of: t - 10 });

    expect(model.totals?.carriedS).toBe(0);
    pass(1000);
    expect(model.totals?.carriedS).toBeGreaterThan(10);
    expect(model.totals?.carriedS).toBeLessThan(13);
  });

  it('does not grow while it is paused, nor by the pause afterwards', () => {
    idle();
    pass(10_000);
    take('status', { seq: 50, paused: true });
    const before = model.totals?.energyJ ?? 0;
    pass(MINUTES_10);
    expect(model.totals?.energyJ).toBe(before);
    expect(model.isFresh).toBe(true);

    take('status', { seq: 51, paused: false });
    pass(10_000);
    expect(model.totals?.energyJ).toBeLessThanOrEqual(before + 31);
    expect(model.totals?.energyJ).toBeGreaterThan(before + 20);
  });

  it('invents nothing for the time in which the computer slept', () => {
    idle();
    pass(60_000);
    const before = model.totals?.energyJ ?? 0;
    const asOfS = model.totals?.asOfS ?? 0;
    sleep(8 * 3600_000);
    pass(60_000);

    expect(model.totals?.energyJ).toBeLessThanOrEqual(before);
    expect(model.isFresh).toBe(false);
    expect(model.totals?.asOfS).toBeLessThanOrEqual(asOfS);
    expect(changes.at(-1)).toBe('live');

    take('snapshot', { seq: 60, running: null, ...IDLE });
    expect(model.isFresh).toBe(true);
  });

  it('does not take a hidden page, whose timers come once a minute, for asleep', () => {
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    idle();
    pass(10_000);
    sleep(60_000);
    pass(2000);

    expect(model.isFresh).toBe(true);
    expect(model.totals?.energyJ).toBeGreaterThan(92.5 + 3 * 60);
    vi.restoreAllMocks();
  });

  it('stops where the connection is lost, and tells its age until the kernel is heard again', () => {
    idle();
    pass(60_000);
    model.setLink('lost');
    const before = model.totals?.energyJ ?? 0;
    expect(before).toBeCloseTo(92.5 + 3 * 60, 0);
    pass(MINUTES_10);
    expect(model.totals?.energyJ).toBe(before);
    expect(model.isFresh).toBe(false);

    model.setLink('up');
    expect(model.isFresh).toBe(false);
    take('cell-end', { seq: 59, t: Date.now() / 1000 - 300, ...IDLE }); // kept for this page meanwhile
    expect(model.isFresh).toBe(false);
    take('snapshot', { seq: 60, running: null, ...IDLE });
    expect(model.isFresh).toBe(true);
  });

  it('stands still from the moment in which a cell begins, though greencell tells of it later', () => {
    idle();
    pass(60_000);
    model.begin('q1', 'c1');
    const before = model.totals?.energyJ ?? 0;
    pass(2000);

    expect(model.totals?.energyJ).toBe(before);
    expect(model.idlePower).toBeNull();
    model.endRun('q1');
    pass(10_000);
    expect(model.totals?.energyJ).toBeGreaterThan(before);
    expect(model.totals?.energyJ).toBeLessThanOrEqual(before + 31);
  });

  it('is kept as it had become when its kernel ends', () => {
    idle();
    pass(60_000);
    model.kernelEnded('dead', 'died');
    const before = model.totals?.energyJ ?? 0;
    pass(MINUTES_10);

    expect(before).toBeCloseTo(92.5 + 3 * 60, 0);
    expect(model.totals?.energyJ).toBe(before);
    expect(model.ended?.totals.energyJ).toBe(before);
  });

  it.each([
    ['unknown', {}],
    ['known in part', { idle_power_w: 3 }],
    ['nonsense', { idle_power_w: 3, idle_power_low_w: 5, idle_power_high_w: 1 }],
    ['negative', { idle_power_w: -3, idle_power_low_w: -5, idle_power_high_w: 1 }],
    ['no number', { idle_power_w: '3', idle_power_low_w: NaN, idle_power_high_w: null }]
  ])('stays what it is, and tells its age, where the idle power is %s', (_, power) => {
    take('snapshot', { running: null, ...UNKNOWN, ...power });
    pass(MINUTES_10);

    expect(model.totals?.energyJ).toBe(92.5);
    expect(model.isFresh).toBe(false);
    expect(model.idlePower).toBeNull();
  });

  // -- what is seen of it ------------------------------------------------------------------------

  const summaryOf = (): HTMLElement => {
    const summary = new Summary(trans, () => undefined, () => undefined);
    summary.update(model, []);
    return summary.node;
  };
  const age = (): HTMLElement | null => summaryOf().querySelector<HTMLElement>('[data-gc="as-of"]');

  it('shows its age where it cannot be of now', () => {
    take('snapshot', { running: null, ...UNKNOWN });
    pass(MINUTES_10);

    expect(age()?.parentElement?.hidden).toBe(false);
    expect(plain(age())).toMatch(/^as of (06:19 PM|18:19)$/);
  });

  it('shows when it was told where it has been carried on for a while, and nothing before', () => {
    idle();
    pass(20_000);
    expect(age()?.parentElement?.hidden).toBe(true);
    pass(MINUTES_10);

    expect(plain(age())).toMatch(/^as of (06:19 PM|18:19), idle since$/);
    expect(plain(summaryOf().querySelector('[data-gc="session-energy"]'))).toBe('Energy≈ 540mWh');
  });

  it('is marked as an estimate where its meters measure, which the chip goes on to say', () => {
    const measured = { ...(golden('snapshot')['totals'] as Content), energy_j: 9000, energy_low_j: 8800, energy_high_j: 9200, provenance: 'measured' };
    idle({ totals: measured });
    expect(plain(summaryOf().querySelector('[data-gc="session-energy"]'))).toBe('Energy2.50Wh');
    pass(MINUTES_10);

    expect(plain(summaryOf().querySelector('[data-gc="session-energy"]'))).toBe('Energy≈ 3.0Wh');
    expect(plain(summaryOf().querySelector('[data-gc="provenance"]'))).toBe('Measured');
  });

  it('has its power beside it while idle, marked as an estimate', () => {
    const now = new Now(trans, { settings: new Settings(), nameOf: () => '', reveal: () => undefined });
    const power = now.node.querySelector('[data-gc="power"]');
    idle();
    now.update(model, false);
    expect(plain(power)).toBe('≈ 3.0 W');

    idle({ seq: 40, idle_power_low_w: 0.5, idle_power_high_w: 12 });
    now.update(model, false);
    expect(plain(power)).toBe('0–12 W');

    model.setLink('lost');
    now.update(model, false);
    expect(plain(power)).toBe('');
  });

  it('is the same in the history and elsewhere as in the headline, however long they are open', async () => {
    idle();
    const totals = (): typeof model.totals => model.totals;
    const here = history.history.sessions.find(session => session.is_here);
    const told = { ...(golden('snapshot')['totals'] as Content), energy_j: here?.energy_j, duration_s: 700 };
    take('snapshot', { seq: 70, running: null, ...IDLE, totals: told });
    const ok = (content: unknown): Promise<Reply> => Promise.resolve({ ok: true, content: content as Content });
    const past = new History(trans, () => ok(history), { names: () => () => null, reveal: () => undefined, totals });
    const what = new WhatIf(trans, () => ok(whatIf), Date.now, totals);
    past.node.open = what.node.open = true;
    await past.ask();
    await what.ask();
    const [sumJ, otherG] = [Number(attribute(past, '[data-gc="history-total"]', 'energyJ')), Number(attribute(what, '[data-zone="NO"]', 'co2G'))];
    const before = model.totals?.energyJ ?? 0;
    pass(MINUTES_10);
    past.follow();
    what.follow();

    const moreJ = (model.totals?.energyJ ?? 0) - before;
    expect(moreJ).toBeGreaterThan(1700);
    expect(attribute(past, '.gc-mod-here', 'energyJ')).toBe(String(model.totals?.energyJ));
    expect(Number(attribute(past, '[data-gc="history-total"]', 'energyJ'))).toBeCloseTo(sumJ + moreJ, 6);
    expect(attribute(what, '[data-here="true"]', 'co2G')).toBe(String(model.totals?.co2G));
    const { rows } = whatIf.what_if.elsewhere;
    const ratio = (rows.find(row => row.zone === 'NO')?.co2_g ?? 0) / (rows.find(row => row.is_here)?.co2_g ?? 0);
    const nowG = Number(attribute(what, '[data-zone="NO"]', 'co2G'));
    expect(nowG).toBeCloseTo((model.totals?.co2G ?? 0) * ratio, 9);
    expect(nowG).toBeGreaterThan(otherG);
  });
});

function attribute({ node }: { node: HTMLElement }, selector: string, name: string): string | undefined {
  return node.querySelector<HTMLElement>(selector)?.dataset[name];
}
