// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { SessionModel } from '../../src/model';
import { Now } from '../../src/panel/now';
import { Settings } from '../../src/settings';
import { decode } from '../../src/wire';
import { golden } from './golden';

const trans = nullTranslator.load('greencell');
const plain = (node: Element | null): string => (node?.textContent ?? '').replace(/\u202f/g, ' ');

describe('Now', () => {
  let nowS = 1000;
  let model = new SessionModel();
  const reveal = vi.fn();
  let now = new Now(trans, { settings: new Settings(), nameOf: id => `code of ${id ?? '?'}`, reveal });

  const take = (name: string, change: Record<string, unknown> = {}): void => {
    const decoded = decode({ ...golden(name), ...change });
    if (!decoded.ok) {
      throw new Error(`${name} does not decode`);
    }
    model.receive(decoded.message);
    now.update(model, false);
  };
  const running = (): HTMLElement | null => now.node.querySelector<HTMLElement>('[data-gc="cell-running"]');

  beforeEach(() => {
    nowS = 1000;
    model = new SessionModel(() => nowS);
    now = new Now(trans, { settings: new Settings(), nameOf: id => `code of ${id ?? '?'}`, reveal });
    reveal.mockReset();
  });

  it('is idle, and shows no cell, and no power where that of idle is not known', () => {
    take('hello', { idle_power_w: null });

    expect(plain(now.node)).toContain('Idle');
    expect(running()?.hidden).toBe(true);
    expect(plain(now.node.querySelector('[data-gc="power"]'))).toBe('');
  });

  it('counts a cell by the clock of the page, from its first moment on', () => {
    take('hello');
    take('tick');
    nowS += 3;
    now.update(model, false);

    expect(plain(now.node.querySelector('[data-gc="power"]'))).toBe('3.3 W');
    expect(plain(running())).toBe('[*]train15 s4–23 mWh');
    expect(running()?.dataset['energyJ']).toBe('40');
  });

  it('leads to the cell that runs', () => {
    take('hello');
    take('tick', { running: { ...(golden('tick')['running'] as object), label: null } });
    expect(plain(running())).toContain('code of c3f0');
    running()?.querySelector('button')?.click();

    expect(reveal.mock.calls).toEqual([['c3f0']]);
  });

  it('says that native code holds the interpreter, and for how long nothing was heard', () => {
    take('hello');
    take('tick');
    nowS += 9;
    now.update(model, false);

    expect(plain(now.node)).toContain('No reading for 9 s: native code holds the interpreter');
    expect(plain(running())).toContain('21 s');
  });

  it('says that it is paused, or disconnected', () => {
    take('hello');
    take('status', { paused: true });
    expect(plain(now.node)).toContain('Paused');

    take('status', { seq: 99, paused: false });
    model.setLink('lost');
    now.update(model, false);
    expect(plain(now.node)).toContain('No connection to the kernel');
  });
});
