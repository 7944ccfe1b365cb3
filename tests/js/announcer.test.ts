// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { SessionModel } from '../../src/model';
import { Announcer } from '../../src/panel/announcer';
import { decode } from '../../src/wire';
import { golden } from './golden';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A session of which somebody listens from the start. */
function listening(): { heard: () => string | null; hear: (data: unknown) => void; end: (run: string, change?: object) => void; model: SessionModel } {
  const model = new SessionModel();
  const announcer = new Announcer(nullTranslator.load('greencell'), id => `the code of ${id ?? '?'}`);
  let seq = 1_000;
  const hear = (data: unknown): void => {
    const decoded = decode(data);
    if (!decoded.ok) {
      throw new Error('the message does not decode');
    }
    model.receive(decoded.message);
    announcer.update(model);
    announcer.updateLive(model);
  };
  const end = (run: string, change: object = {}): void => {
    const data = golden('cell-end');
    const record = data['record'] as Record<string, unknown>;
    seq += 1;
    const started = Date.now() / 1000;
    hear({ ...data, seq, record: { ...record, run, status: 'ok', started_at: started, parent: null, label: null, ...change } });
  };
  hear(golden('snapshot'));
  return { heard: () => announcer.node.textContent, hear, end, model };
}

describe('Announcer', () => {
  it('says nothing of what had ended before', () => {
    const { heard } = listening();

    vi.advanceTimersByTime(60_000);

    expect(heard()).toBe('');
  });

  it('tells what ended, with its figures and whether it failed', () => {
    const { heard, end } = listening();

    end('r-8', { execution_count: 8 });
    vi.advanceTimersByTime(1_000);
    expect(heard()).toMatch(/^\[8\] finished: .*Wh, .*g CO₂e$/);

    end('r-9', { execution_count: null, cell_id: 'c9', status: 'error' });
    vi.advanceTimersByTime(10_000);
    expect(heard()).toMatch(/^the code of c9 failed: /);
  });

  it('tells many in one sentence, and rarely', () => {
    const { heard, end } = listening();
    end('r-10', { label: 'first' });
    vi.advanceTimersByTime(1_000);
    const first = heard();

    for (let run = 11; run < 20; run += 1) {
      end(`r-${run}`);
      vi.advanceTimersByTime(900);
      expect(heard()).toBe(first);
    }
    vi.advanceTimersByTime(2_000);

    expect(heard()).toMatch(/^9 cells ended, together /);
  });

  it('leaves out runs within another cell', () => {
    const { heard, end } = listening();

    end('r-20', { parent: 1 });
    vi.advanceTimersByTime(60_000);

    expect(heard()).toBe('');
  });

  it('tells of a long cell once a minute, not at every tick', () => {
    const { heard, hear, model } = listening();
    const said = new Set<string | null>();
    const tick = golden('tick');
    const running = tick['running'] as Record<string, unknown>;
    for (let second = 1; second <= 150; second += 1) {
      vi.advanceTimersByTime(1_000);
      hear({ ...tick, session: model.session, seq: 2_000 + second, running: { ...running, label: 'training', elapsed_s: second, energy_j: second * 1000 } });
      said.add(heard());
    }

    expect([...said].filter(words => words?.startsWith('training')).length).toBe(2);
  });
});
