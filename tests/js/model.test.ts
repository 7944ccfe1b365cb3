import { beforeEach, describe, expect, it } from 'vitest';

import { type Change, SessionModel } from '../../src/model';
import { decode, type Message } from '../../src/wire';
import { golden } from './golden';

function message(name: string, change: Record<string, unknown> = {}): Message {
  const decoded = decode({ ...golden(name), ...change });
  if (!decoded.ok) {
    throw new Error(`${name} does not decode`);
  }
  return decoded.message;
}

describe('SessionModel', () => {
  let now = 0;
  let model = new SessionModel(() => now);
  let changes: Change[] = [];

  beforeEach(() => {
    now = 1000;
    model = new SessionModel(() => now);
    changes = [];
    model.changed.connect((_, change) => {
      changes.push(change);
    });
  });

  it('is measuring once a message came', () => {
    expect(model.phase).toBe('no-kernel');

    model.receive(message('hello'));

    expect(model.phase).toBe('measuring');
    expect(model.carbon?.zone).toBe('FR');
    expect(changes).toEqual(['phase', 'cells']);
  });

  it('shows the right totals after lost messages: they are cumulative', () => {
    model.receive(message('hello'));
    model.receive(message('tick'));

    expect(model.totals?.energyJ).toBe(92.5);
    expect(model.running?.cellId).toBe('c3f0');
    expect(model.powerW).toBe(3.25);
  });

  it('counts the running cell on by its own clock', () => {
    model.receive(message('tick'));
    now += 2;

    expect(model.elapsedS).toBe(14.5);
    expect(model.stale).toBe(false);
  });

  it('says when nothing was heard of a running cell for long', () => {
    model.receive(message('tick'));
    expect(model.powerW).toBe(3.25);
    now += 7;

    expect(model.stale).toBe(true);
    expect(model.powerW).toBeNull();
    expect(model.byComponentW.size).toBe(0);

    model.receive(message('tick', { seq: 3 }));
    expect(model.powerW).toBe(3.25);
    model.setLink('lost');
    expect(model.powerW).toBeNull();
  });

  it('ends the running cell by its record', () => {
    model.receive(message('tick'));
    model.receive(message('cell-end'));

    expect(model.running).toBeNull();
    expect(model.runsOf('c3f0')?.latest.energyJ).toBe(41.25);
    expect(changes.at(-1)).toBe('cells');
  });

  it('replaces a provisional record by the final one, without counting twice', () => {
    model.receive(message('tick'));
    model.receive(message('cell-end-provisional'));
    expect(model.running).toBeNull();
    expect(model.records.map(record => record.final)).toEqual([false]);
    const drawn = model.samples.length;

    model.receive(message('cell-end', { seq: 9 }));

    expect(model.records.map(record => record.final)).toEqual([true]);
    expect(model.runsOf('c3f0')).toMatchObject({ count: 1, energyJ: 41.25 });
    expect(model.totals?.machineJ).toBe(105.5);
    expect(model.samples.length).toBe(drawn);
  });

  it('lets the next cell run on while the last figure becomes final', () => {
    const next = { ...(golden('tick')['running'] as object), run: 'next', number: 4, cell_id: 'd4' };
    model.receive(message('tick'));
    model.receive(message('cell-end-provisional'));
    model.receive(message('cell-start', { seq: 8, running: next }));
    model.receive(message('cell-end', { seq: 9 }));

    expect(model.running?.number).toBe(4);
  });

  it('knows everything again after a snapshot in the middle of a cell', () => {
    model.receive(message('snapshot'));

    expect(model.records.length).toBe(2);
    expect(model.running?.number).toBe(3);
    expect(model.missingRecords).toBe(0);
    expect(model.notices.length).toBe(1);
  });

  it('knows that the kernel has more records than a snapshot brought', () => {
    model.receive(message('snapshot', { cells_total: 40 }));

    expect(model.missingRecords).toBe(38);
  });

  it('counts a run that ends among those that the kernel knows, once', () => {
    const record = golden('cell-end')['record'] as Record<string, unknown>;
    model.receive(message('snapshot', { cells_total: 40 }));
    model.receive(message('cell-end', { seq: 6, record: { ...record, final: false } }));
    model.receive(message('cell-end', { seq: 7 }));

    expect(model.records.length).toBe(3);
    expect(model.missingRecords).toBe(38);
  });

  it('starts afresh with another session and remembers how the last one ended', () => {
    model.receive(message('snapshot'));
    model.receive(message('hello', { session: 'another' }));

    expect(model.records).toEqual([]);
    expect(model.ended?.totals.energyJ).toBe(92.5);
    expect(model.totals?.energyJ).toBe(0);
  });

  it('keeps the last figures marked as ended when the kernel restarts', () => {
    model.receive(message('snapshot'));
    model.receive(message('tick'));
    model.kernelEnded('restarted', 'restarted');

    expect(model.over).toBe(true);
    expect(model.totals?.energyJ).toBe(92.5);
    expect(model.records.length).toBe(2);
    expect(model.running).toBeNull();
    expect(model.powerW).toBeNull();
    expect(model.ended).toMatchObject({ by: 'restarted', totals: { cells: 2 } });
    expect(model.phase).toBe('restarted');

    model.receive(message('hello', { session: 'another' }));
    expect(model.over).toBe(false);
    expect(model.records).toEqual([]);
    expect(model.totals?.energyJ).toBe(0);
    expect(model.ended?.by).toBe('restarted');
  });

  it('does not let an answer that was overtaken bring back what ended', () => {
    model.receive(message('tick', { seq: 20 }));
    model.receive(message('cell-end', { seq: 22 }));
    model.receive(message('snapshot', { seq: 21 }));

    expect(model.running).toBeNull();
    expect(model.totals?.energyJ).toBe(93.75);
    expect(model.records.map(record => record.number)).toEqual([3, 1, 2]);
    expect(model.carbon?.zone).toBe('FR');
  });

  it('does not let a provisional figure replace the final one', () => {
    const record = golden('cell-end')['record'] as Record<string, unknown>;
    model.receive(message('cell-end', { seq: 9 }));
    model.receive(message('cell-end', { seq: 8, record: { ...record, energy_j: 20, final: false } }));

    expect(model.records.map(one => one.energyJ)).toEqual([41.25]);
  });

  it('ignores what the last session said before it ended', () => {
    model.receive(message('snapshot'));
    model.kernelEnded('restarted', 'died');
    model.receive(message('tick', { seq: 30, totals: { ...(golden('tick')['totals'] as object), cells: 9 } }));

    expect(model.totals?.cells).toBe(2);
    expect(model.running).toBeNull();
    expect(model.phase).toBe('restarted');
  });

  it('waits longer for a cell that is told of more rarely', () => {
    const running = golden('tick')['running'] as Record<string, unknown>;
    model.receive(message('tick', { running: { ...running, elapsed_s: 2000 } }));
    now += 10;
    expect(model.stale).toBe(false);

    now += 12;
    expect(model.stale).toBe(true);
  });

  it('adds up the runs of a cell, unless one is unknown', () => {
    const record = golden('cell-end')['record'] as Record<string, unknown>;
    model.receive(message('cell-end'));
    model.receive(message('cell-end', { seq: 5, record: { ...record, run: 'again', number: 7, energy_j: 1 } }));

    expect(model.runsOf('c3f0')).toMatchObject({ count: 2, energyJ: 42.25, latest: { number: 7 } });

    model.receive(message('cell-end', { seq: 6, record: { ...record, run: 'third', number: 8, energy_j: null } }));
    expect(model.runsOf('c3f0')).toMatchObject({ count: 3, energyJ: null });
  });

  it('draws the past of a page that came late by mean power, with gaps between cells', () => {
    model.receive(message('snapshot', { idle_power_w: null }));

    expect(model.samples.map(sample => sample.byComponentW.get('cpu') ?? null)).toEqual([40 / 5.01, 40 / 5.01, null]);
  });

  it('draws samples forward in time only', () => {
    model.receive(message('tick', { t: 1769850060 }));
    model.receive(message('tick', { t: 1769850050, seq: 3 }));

    expect(model.samples.length).toBe(1);
  });

  it('keeps the last figures when the notebook gets another kernel, as when it restarts', () => {
    model.receive(message('snapshot'));
    model.leave();
    expect(model.over).toBe(true);
    expect(model.phase).toBe('asking');
    expect(model.ended).toMatchObject({ by: 'switched', session: golden('snapshot')['session'] });
    expect(model.records.length).toBe(2);

    model.receive(message('hello', { session: 'another' }));
    expect(model.over).toBe(false);
    expect(model.records.length).toBe(0);
    expect(model.ended?.by).toBe('switched');
  });

  it('takes a session up again whose kernel comes back to the notebook', () => {
    model.receive(message('snapshot'));
    model.leave();
    model.receive(message('snapshot'));

    expect(model.over).toBe(false);
    expect(model.ended).toBeNull();
  });

  it('keeps how a session ended when the notebook gets another kernel after it', () => {
    model.receive(message('snapshot'));
    model.kernelEnded('dead', 'died');
    model.leave();

    expect(model.ended?.by).toBe('died');
    expect(model.over).toBe(true);
  });

  describe('whose measuring goes on by itself after a restart', () => {
    beforeEach(() => {
      model.receive(message('snapshot'));
      model.kernelEnded('restarted', 'restarted');
      model.keepsLast = true;
      model.receive(message('hello', { session: 'next', cells: [], cells_total: 0, running: null }));
    });

    it('shows the last figures until a cell runs', () => {
      expect(model.phase).toBe('measuring');
      expect(model.over).toBe(true);
      expect(model.records.length).toBe(2);

      model.begin('request', 'c0');
      expect(model.over).toBe(false);
      expect(model.session).toBe('next');
      expect(model.records.length).toBe(0);
      expect(model.ended?.by).toBe('restarted');
      expect(model.begun?.cellId).toBe('c0');
    });

    it('shows the next one when anything is told of it, or the user wants it', () => {
      model.receive(message('cell-end', { session: 'next', seq: 5 }));
      expect(model.over).toBe(false);
      expect(model.info).not.toBeNull();
      expect(model.records.length).toBe(1);

      model.kernelEnded('restarted', 'restarted');
      model.keepsLast = true;
      model.receive(message('hello', { session: 'third', cells: [], cells_total: 0, running: null }));
      expect(model.over).toBe(true);
      model.keepsLast = false;
      expect(model.session).toBe('third');
    });

    it('forgets a session that ended before a cell ran', () => {
      model.kernelEnded('restarted', 'restarted');
      model.begin('request', 'c0');

      expect(model.over).toBe(true);
      expect(model.ended?.session).toBe(golden('snapshot')['session']);
    });
  });

  it('finds no record under the name of a prototype', () => {
    model.receive(message('snapshot'));

    expect(model.runsOf('constructor')).toBeNull();
    expect(model.runsOf('__proto__')).toBeNull();
  });
});
