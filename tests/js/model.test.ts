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
    now += 7;

    expect(model.stale).toBe(true);
  });

  it('ends the running cell by its record', () => {
    model.receive(message('tick'));
    model.receive(message('cell-end'));

    expect(model.running).toBeNull();
    expect(model.latestOf('c3f0')?.energyJ).toBe(41.25);
    expect(changes.at(-1)).toBe('cells');
  });

  it('replaces a provisional record by the final one', () => {
    const first = message('cell-end');
    model.receive(first);
    model.receive(message('cell-end', { seq: 9 }));

    expect(model.records.length).toBe(1);
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

  it('starts afresh with another session and remembers how the last one ended', () => {
    model.receive(message('snapshot'));
    model.receive(message('hello', { session: 'another' }));

    expect(model.records).toEqual([]);
    expect(model.ended?.totals.energyJ).toBe(92.5);
    expect(model.totals?.energyJ).toBe(0);
  });

  it('keeps the last figures marked as ended when the kernel restarts', () => {
    model.receive(message('snapshot'));
    model.kernelRestarted();

    expect(model.totals).toBeNull();
    expect(model.ended?.cells).toBe(2);
    expect(model.phase).toBe('restarted');
  });

  it('finds no record under the name of a prototype', () => {
    model.receive(message('snapshot'));

    expect(model.latestOf('constructor')).toBeNull();
    expect(model.latestOf('__proto__')).toBeNull();
  });
});
