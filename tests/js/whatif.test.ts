// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import type { Reply } from '../../src/connection';
import { aheadWords } from '../../src/panel/hours';
import { WhatIf } from '../../src/panel/whatif';
import { decodeWhatIf } from '../../src/whatif';
import golden from '../wire/replies/what-if.json';

const trans = nullTranslator.load('greencell');
const NOW_MS = 1769850000_000;
const plain = (node: Element | null | undefined): string => (node?.textContent ?? '').replace(/\u202f/g, ' ');
const ok = (content: unknown): Reply => ({ ok: true, content: content as Record<string, unknown> });

describe('decodeWhatIf', () => {
  it('reads the golden answer', () => {
    const answer = decodeWhatIf(golden);

    expect(answer?.rows.map(row => row.zone)).toEqual(['NO', 'FR', 'US-CA']);
    expect(answer?.rows[2]).toMatchObject({ isComparable: false, ratio: null, basis: 'direct' });
    expect(answer?.ahead?.points).toHaveLength(3);
    expect(answer?.ahead?.best?.saving).toBe(0.378);
    expect(answer?.equivalents[0]?.words).toBe('a 9 W LED lamp for 10 s');
  });

  it.each([
    null, 'x', {}, { what_if: null }, { what_if: { elsewhere: {} } },
    { what_if: { elsewhere: { rows: 7 }, ahead: null, equivalents: [] } },
    { what_if: { ...golden.what_if, ahead: 'soon' } },
    { what_if: { ...golden.what_if, equivalents: null } }
  ])('takes nothing else for an answer: %j', content => {
    expect(decodeWhatIf(content)).toBeNull();
  });

  it('drops rows that do not fit, and cuts long lists and texts', () => {
    const row = golden.what_if.elsewhere.rows[0];
    const rows = [
      ...Array.from({ length: 30 }, () => ({ ...row, zone_name: 'x'.repeat(9_000) })),
      { ...row, co2_g: Number.POSITIVE_INFINITY },
      { ...row, zone: 7 },
      null
    ];
    const answer = decodeWhatIf({ what_if: { ...golden.what_if, elsewhere: { rows, note: '' } } });

    expect(answer?.rows).toHaveLength(20);
    expect(answer?.rows[0]?.zoneName.length).toBeLessThanOrEqual(200);
  });

  it('does not let an answer reach a prototype', () => {
    decodeWhatIf(JSON.parse('{"what_if": {"__proto__": {"polluted": 1}}}'));

    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('WhatIf', () => {
  const opened = async (reply: Reply): Promise<{ section: WhatIf; asked: () => number }> => {
    const asker = vi.fn(() => Promise.resolve(reply));
    const section = new WhatIf(trans, asker, () => NOW_MS);
    section.node.open = true;
    section.node.dispatchEvent(new Event('toggle'));
    await Promise.resolve();
    await Promise.resolve();
    return { section, asked: () => asker.mock.calls.length };
  };

  it('asks nothing until somebody opens it, and then once', async () => {
    const asker = vi.fn(() => Promise.resolve(ok(golden)));
    const section = new WhatIf(trans, asker);
    expect(asker).not.toHaveBeenCalled();

    const { section: open, asked } = await opened(ok(golden));
    open.node.dispatchEvent(new Event('toggle'));
    expect(asked()).toBe(1);
    expect(section.node.open).toBe(false);
  });

  it('shows bars in proportion, with here marked by a word', async () => {
    const { section } = await opened(ok(golden));
    const rows = [...section.node.querySelectorAll<HTMLElement>('[data-gc="elsewhere-row"]')];

    expect(rows.map(row => row.dataset['zone'])).toEqual(['NO', 'FR', 'US-CA']);
    expect(rows.filter(row => row.dataset['here'] === 'true').map(plain)[0]).toContain('here');
    const share = (row: HTMLElement): number =>
      parseFloat(row.querySelector<HTMLElement>('.gc-Bar')?.style.getPropertyValue('--gc-share') ?? '');
    expect(rows.map(share)).toEqual([15.7, 23, 100]);
    expect(plain(rows[0])).toContain('× 0.68');
    expect(rows[0]?.title).toContain('life-cycle, 2025');
  });

  it('sets figures of another basis apart, under the line that says why', async () => {
    const { section } = await opened(ok(golden));
    const lists = section.node.querySelectorAll('.gc-Places');

    expect(lists).toHaveLength(2);
    expect(plain(lists[1])).toContain('California');
    expect(plain(lists[1])).not.toContain('×');
    expect(plain(lists[1]?.previousElementSibling)).toContain('not to be compared');
  });

  it('says when to start, by a sentence and a staircase with the hour marked', async () => {
    const { section } = await opened(ok(golden));

    expect(plain(section.node.querySelector('[data-gc="ahead"]'))).toContain('would save 38 %');
    expect(section.node.querySelector('svg')?.getAttribute('aria-label')).toContain('28.0');
    expect(section.node.querySelector('.gc-Stairs-best')).not.toBeNull();
    expect(plain(section.node)).toContain('Forecast by Electricity Maps for FR (life-cycle)');
  });

  it('says how to get a forecast where there is none, and never an empty box', async () => {
    const reply = ok({ what_if: { ...golden.what_if, ahead: null, ahead_note: 'No forecast here: x.' } });
    const { section } = await opened(reply);

    expect(plain(section.node)).toContain('No forecast here: x.');
    expect(section.node.querySelector('svg')).toBeNull();
  });

  it.each([
    [{ ok: false, error: 'Nothing has been measured yet; run a cell first.' }, 'run a cell first'],
    [{ ok: false, error: 'unknown op; known are snapshot' }, 'cannot tell; update it'],
    [ok({ nonsense: 1 }), 'cannot tell; update it']
  ] as [Reply, string][])('shows one line for %j', async (reply, words) => {
    const { section } = await opened(reply);

    expect(plain(section.node.querySelector('[role="status"]'))).toContain(words);
    expect(section.node.querySelectorAll('li')).toHaveLength(0);
  });

  it('shows no answer of the notebook before', async () => {
    let answer: (reply: Reply) => void = () => undefined;
    const section = new WhatIf(trans, () => new Promise<Reply>(resolve => (answer = resolve)));
    section.node.open = true;
    section.node.dispatchEvent(new Event('toggle'));
    section.forget();
    answer(ok(golden));
    await Promise.resolve();
    await Promise.resolve();

    expect(section.node.querySelectorAll('li')).toHaveLength(0);
    expect(section.node.open).toBe(false);
  });

  it('takes hostile names for text', async () => {
    const row = { ...golden.what_if.elsewhere.rows[0], zone_name: '<img src=x onerror=alert(1)>' };
    const { section } = await opened(
      ok({ what_if: { ...golden.what_if, elsewhere: { rows: [row], note: '<b>x</b>' } } })
    );

    expect(section.node.querySelector('img, b')).toBeNull();
    expect(plain(section.node)).toContain('<img src=x');
  });
});

describe('aheadWords', () => {
  const at = (hours: number): number => new Date(2026, 0, 31, hours).getTime() / 1000;
  const now = new Date(2026, 0, 31, 22).getTime();
  const best = (hours: number): string =>
    aheadWords({ at: at(hours), saving: 0.38, durationS: 600 }, trans, now).replace(/\u202f/g, ' ');

  it('names the hour in local time, and the day if it is another', () => {
    expect(best(23)).toMatch(/^Starting at 11:00 PM would save 38 %\.$|^Starting at 23:00 would save 38 %\.$/);
    expect(best(26)).toContain('tomorrow at');
    expect(best(50)).toMatch(/Starting Monday at/);
    expect(aheadWords(null, trans, now)).toBe('No hour ahead is clearly better.');
  });
});
