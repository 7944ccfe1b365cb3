import { describe, expect, it } from 'vitest';

import { decode, errorOf, isOkReply } from '../../src/wire';
import { golden, NAMES } from './golden';

describe('decode', () => {
  it.each(NAMES)('reads the golden message %s', name => {
    const data = golden(name);

    const decoded = decode(data);

    expect(decoded.ok && decoded.message.kind).toBe(data['kind']);
  });

  it('keeps the figures of a tick and what is unknown as null', () => {
    const tick = decode(golden('tick'));
    const unknown = decode(golden('cell-end-unknown'));

    expect(tick.ok && tick.message.kind === 'tick' && tick.message.running.energyJ).toBe(40);
    expect(tick.ok && tick.message.kind === 'tick' && tick.message.byComponentW.get('cpu')).toBe(3.25);
    expect(
      unknown.ok && unknown.message.kind === 'cell-end' && unknown.message.record.energyJ
    ).toBeNull();
  });

  it('takes the zeros of a start mark for no figure', () => {
    const start = decode(golden('cell-start'));

    expect(golden('cell-start')['running']).toMatchObject({ elapsed_s: 0, energy_j: 0 });
    expect(start.ok && start.message.kind === 'cell-start' && start.message.running.energyJ).toBeNull();
  });

  it('reads what else used the machine, and takes its absence for unknown', () => {
    const [with_, without] = [decode(golden('cell-end-provisional')), decode(golden('cell-end'))];

    expect(with_).toMatchObject({
      message: {
        record: { othersJ: 15, idleJ: 3.75, nodeJ: 71.5, final: false },
        totals: { othersJ: 45, idleJ: 11.25, nodeJ: null }
      }
    });
    expect(without).toMatchObject({
      message: { record: { othersJ: null, idleJ: null, nodeJ: null }, totals: { othersJ: null, nodeJ: null } }
    });
  });

  it.each(['15', [], {}, true, 1e300])('loses no record to a later field that is %j', strange => {
    const message = golden('cell-end-provisional');
    const record = { ...(message['record'] as object), others_j: strange, node_j: strange };

    expect(decode({ ...message, record })).toMatchObject({ message: { record: { othersJ: null, nodeJ: null, idleJ: 3.75 } } });
  });

  it('reads what a source covers and what a remedy costs and brings', () => {
    const snapshot = golden('snapshot');
    const info = snapshot['info'] as { sources: object[]; skipped: object[] };
    const [source, skipped] = [info.sources[0], info.skipped[0]];
    const sources = [source, { ...source, scope: 'node', baseline_w: 18.5, lag_s: 1 }, { ...source, scope: 7, lag_s: 'x' }];

    const decoded = decode({
      ...snapshot,
      info: { ...info, sources, skipped: [skipped, { ...skipped, caution: 'opens a side channel', benefit: 'cpu measured' }] }
    });

    const unknown = { scope: 'component', baselineW: null, lagS: null };
    expect(decoded).toMatchObject({
      message: {
        info: {
          sources: [unknown, { scope: 'node', baselineW: 18.5, lagS: 1 }, unknown],
          skipped: [{ caution: '', benefit: '' }, { caution: 'opens a side channel', benefit: 'cpu measured' }]
        }
      }
    });
  });

  it('tells another version from what is not for us', () => {
    expect(decode({ ...golden('tick'), wire: 2 })).toEqual({ ok: false, reason: 'version' });
    expect(decode({ ...golden('tick'), wire: 'x' })).toEqual({ ok: false, reason: 'ignored' });
    expect(decode({ ...golden('tick'), kind: 'dance' })).toEqual({ ok: false, reason: 'ignored' });
  });

  it('ignores fields that it does not know', () => {
    expect(decode({ ...golden('tick'), novelty: { a: 1 } }).ok).toBe(true);
  });

  it.each([
    null,
    [],
    'tick',
    7,
    {},
    { wire: 1 },
    { wire: 1, kind: 'tick' },
    { ...golden('tick'), seq: '1' },
    { ...golden('tick'), running: { ...(golden('tick')['running'] as object), energy_j: 'a' } },
    { ...golden('tick'), totals: [] },
    JSON.parse('{"wire":1,"kind":"tick","seq":1e999}') as unknown
  ])('ignores what does not fit: %j', data => {
    expect(decode(data)).toEqual({ ok: false, reason: 'ignored' });
  });

  it('does not let a message reach a prototype', () => {
    const text = JSON.stringify(golden('tick')).replace(
      '"by_component_w":{"cpu":3.25}',
      '"by_component_w":{"__proto__":1,"constructor":2}'
    );

    const decoded = decode(JSON.parse(text));

    expect(decoded.ok).toBe(true);
    expect(Object.prototype).not.toHaveProperty('cpu');
    expect(decoded.ok && decoded.message.kind === 'tick' && decoded.message.byComponentW.get('constructor')).toBe(2);
  });

  it('drops an item that does not fit and keeps the others', () => {
    const snapshot = golden('snapshot');
    const cells = snapshot['cells'] as Record<string, unknown>[];
    const strange = [{ ...cells[0], status: 'dreaming' }, null, { ...cells[0], energy_j: '4' }, ...cells];

    const decoded = decode({ ...snapshot, cells: strange, notices: [{ id: 7 }] });

    expect(decoded.ok && decoded.message.kind === 'snapshot' && decoded.message.cells.map(c => c.number)).toEqual([1, 2]);
    expect(decoded.ok && decoded.message.kind === 'snapshot' && decoded.message.notices).toEqual([]);
  });

  it('takes no number that is none, whatever the text it came as', () => {
    for (const written of ['1e999', '-1e999', '1e300', 'null']) {
      const text = JSON.stringify(golden('tick')).replace('"machine_j":104', `"machine_j":${written}`);
      expect(decode(JSON.parse(text))).toEqual({ ok: false, reason: 'ignored' });
    }
  });

  it('cuts texts and lists', () => {
    const snapshot = golden('snapshot');
    const cells = snapshot['cells'] as Record<string, unknown>[];
    const many = Array.from({ length: 6000 }, () => ({ ...cells[0], label: 'x'.repeat(5000) }));

    const decoded = decode({ ...snapshot, cells: many });

    expect(decoded.ok && decoded.message.kind === 'snapshot' && decoded.message.cells.length).toBe(5000);
    expect(decoded.ok && decoded.message.kind === 'snapshot' && decoded.message.cells[0]?.label?.length).toBe(200);
  });
});

describe('replies', () => {
  it('tells an answer from a refusal', () => {
    expect(isOkReply({ ok: true })).toBe(true);
    expect(isOkReply({ ok: 'yes' })).toBe(false);
    expect(isOkReply(null)).toBe(false);
    expect(errorOf({ ok: false, error: 'one line' })).toBe('one line');
    expect(errorOf(['x'])).toBe('');
  });
});
