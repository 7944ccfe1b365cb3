// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import type { Reply } from '../../src/connection';
import { decodeHistory, type IPastRun } from '../../src/history';
import { History, trendWords } from '../../src/panel/history';
import golden from '../wire/replies/history.json';

const trans = nullTranslator.load('greencell');
const plain = (node: Element | null | undefined): string => (node?.textContent ?? '').replace(/\u202f/g, ' ');
const ok = (content: unknown): Reply => ({ ok: true, content: content as Record<string, unknown> });
const past = golden.history;

describe('decodeHistory', () => {
  it('reads the golden answer', () => {
    const answer = decodeHistory(golden);

    expect(answer?.sessions.map(one => one.state)).toEqual(['ended', 'lost', 'running']);
    expect(answer?.total).toMatchObject({ energyJ: 22500, provenance: 'mixed', flags: ['lost'] });
    expect(answer?.cells.map(one => one.runs.length)).toEqual([3, 2]);
  });

  it.each([
    null, 'x', {}, { history: null }, { history: { sessions: 7, cells: [] } }, { history: { ...past, cells: null } }
  ])('takes nothing else for an answer: %j', content => {
    expect(decodeHistory(content)).toBeNull();
  });

  it('drops what does not fit and cuts what is too long', () => {
    const [session] = past.sessions;
    const [cell] = past.cells;
    const answer = decodeHistory({
      history: {
        ...past,
        total: { ...past.total, energy_j: Number.NaN },
        sessions: [
          ...Array.from({ length: 90 }, () => ({ ...session, label: 'x'.repeat(9_000) })),
          { ...session, state: 'dreaming' }, { ...session, energy_j: Infinity }, { ...session, provenance: 'sworn' }, 7
        ],
        cells: [
          ...Array.from({ length: 300 }, () => ({ ...cell, runs: Array.from({ length: 40 }, () => cell?.runs[0]) })),
          { ...cell, runs: [cell?.runs[0], { at: 'soon' }] }, { cell_id: 3 }
        ]
      }
    });

    expect(answer?.sessions).toHaveLength(51);
    expect(answer?.sessions[0]?.label?.length).toBeLessThanOrEqual(200);
    expect(answer?.total).toBeNull();
    expect(answer?.cells).toHaveLength(200);
    expect(answer?.cells[0]?.runs).toHaveLength(10);
  });

  it('leaves out a cell with one run that fits', () => {
    const [cell] = past.cells;
    const answer = decodeHistory({ history: { ...past, cells: [{ ...cell, runs: [cell?.runs[0], null] }] } });

    expect(answer?.cells).toEqual([]);
  });
});

describe('History', () => {
  const reveal = vi.fn();
  const names = () => (id: string | null) => (id === 'plot' ? 'plot(x)' : null);
  const opened = async (reply: Reply): Promise<{ section: History; asked: () => number }> => {
    const asker = vi.fn(() => Promise.resolve(reply));
    const section = new History(trans, asker, { names, reveal });
    expect(asker).not.toHaveBeenCalled();
    section.node.open = true;
    section.node.dispatchEvent(new Event('toggle'));
    await Promise.resolve();
    await Promise.resolve();
    return { section, asked: () => asker.mock.calls.length };
  };

  it('asks when somebody opens it, and once', async () => {
    const { section, asked } = await opened(ok(golden));
    section.node.dispatchEvent(new Event('toggle'));

    expect(asked()).toBe(1);
  });

  it('lists sessions, the latest first, with bars in proportion and words for what they are', async () => {
    const { section } = await opened(ok(golden));
    const rows = [...section.node.querySelectorAll<HTMLElement>('[data-gc="history-session"]')];

    expect(rows.map(row => row.dataset['state'])).toEqual(['running', 'lost', 'ended']);
    expect(plain(rows[0])).toContain('this one');
    expect(plain(rows[1])).toContain('kernel died');
    expect(plain(rows[1])).toContain('≥ 0.3–1.5 Wh');
    const share = (row: HTMLElement): string =>
      row.querySelector<HTMLElement>('.gc-Bar')?.style.getPropertyValue('--gc-share') ?? '';
    expect(rows.map(share)).toEqual(['66.7%', '22.7%', '100.0%']);
  });

  it('tells what they come to, that it is at least that much, and what its CO2 mixes', async () => {
    const { section } = await opened(ok(golden));
    const total = section.node.querySelector<HTMLElement>('[data-gc="history-total"]');

    expect(plain(total)).toContain('≥ 6.3 Wh');
    expect(plain(total)).toContain('over 3 sessions');
    expect(total?.dataset['energyJ']).toBe('22500');
    expect(plain(section.node)).toContain('CO₂e mixes direct and life-cycle figures');
  });

  it('says where more sessions were than are shown', async () => {
    const { section } = await opened(ok({ history: { ...past, more: true } }));

    expect(plain(section.node.querySelector('[data-gc="history-total"]'))).toContain('over the last 3 sessions');
  });

  it('draws a line for each cell and says a change only where intervals are apart', async () => {
    const { section } = await opened(ok(golden));
    const trends = [...section.node.querySelectorAll<HTMLElement>('[data-gc="history-trend"]')];

    expect(trends.map(one => plain(one.firstElementChild))).toEqual(['train', 'plot(x)']);
    expect(plain(trends[0]?.parentElement)).toContain('down 20 % since the first run');
    expect(plain(trends[1]?.parentElement)).not.toContain('up');
    expect(plain(trends[1])).toContain('2.0–8.4 mWh');
    expect(trends[0]?.querySelector('polyline')?.getAttribute('points')?.split(' ')).toHaveLength(3);
    trends[1]?.click();
    expect(reveal).toHaveBeenCalledWith('plot');
  });

  it('leaves out cells that are gone and have no name', async () => {
    const cells = [{ ...past.cells[0], label: null }, { ...past.cells[1], cell_id: 'gone' }];
    const { section } = await opened(ok({ history: { ...past, cells } }));

    expect(section.node.querySelector('[data-gc="history-trend"]')).toBeNull();
    expect(plain(section.node)).not.toContain('from run to run');
  });

  it.each([
    [{ ok: false, error: 'The history is off; GREENCELL_HISTORY=on keeps it.' }, 'is off'],
    [{ ok: false, error: 'unknown op; known are snapshot' }, 'cannot tell; update it'],
    [ok({ history: 1 }), 'cannot tell; update it']
  ] as [Reply, string][])('shows one line for %j', async (reply, words) => {
    const { section } = await opened(reply);

    expect(plain(section.node.querySelector('[role="status"]'))).toContain(words);
    expect(section.node.querySelectorAll('li')).toHaveLength(0);
  });

  it('says that nothing has been kept where nothing has', async () => {
    const { section } = await opened(ok({ history: { ...past, sessions: [], cells: [] } }));

    expect(plain(section.node)).toContain('has been kept yet');
  });

  it('takes hostile names for text', async () => {
    const label = '<img src=x onerror=alert(1)>';
    const { section } = await opened(
      ok({ history: { ...past, cells: [{ ...past.cells[0], label }], sessions: [{ ...past.sessions[0], zone_name: label }] } })
    );

    expect(section.node.querySelector('img')).toBeNull();
    expect(plain(section.node)).toContain('<img src=x');
  });
});

describe('trendWords', () => {
  const run = (energyJ: number, width: number): IPastRun => ({
    at: 0,
    energyJ,
    energyLowJ: energyJ * (1 - width),
    energyHighJ: energyJ * (1 + width),
    provenance: 'measured'
  });

  it.each([
    [[run(10, 0.05), run(13, 0.05)], 'up 30 % since the first run'],
    [[run(10, 0.05), run(8, 0.05)], 'down 20 % since the first run'],
    [[run(10, 0.2), run(8, 0.2)], ''],
    [[run(0, 0), run(8, 0.2)], ''],
    [[], ''],
    [Array.from({ length: 10 }, (_, i) => run(20 - i, 0.01)), 'down 45 % over the last 10 runs']
  ])('says no more than the intervals allow: %#', (runs, words) => {
    expect(trendWords(runs, trans).replace(/\u202f/g, ' ')).toBe(words);
  });
});
