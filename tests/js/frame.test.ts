// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Frame } from '../../src/frame';

describe('Frame', () => {
  let drawn: string[][] = [];
  let takesMs = 0;
  let frame = new Frame<string>(() => undefined);

  beforeEach(() => {
    vi.useFakeTimers();
    drawn = [];
    takesMs = 0;
    frame = new Frame<string>(due => {
      drawn.push([...due]);
      vi.setSystemTime(Date.now() + takesMs);
    });
    vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('draws a thousand requests once, and knows what they were for', () => {
    for (let index = 0; index < 1000; index++) {
      frame.request(index % 2 ? 'live' : 'cells');
    }
    expect(drawn).toEqual([]);
    vi.advanceTimersByTime(50);

    expect(drawn).toEqual([['cells', 'live']]);
    vi.advanceTimersByTime(1000);
    expect(drawn).toHaveLength(1);
  });

  it('leaves the page most of its time where drawing takes long', () => {
    takesMs = 50;
    for (let ms = 0; ms < 2000; ms += 10) {
      frame.request('cells');
      vi.advanceTimersByTime(10);
    }

    expect(drawn.length).toBeGreaterThan(5);
    expect(drawn.length).toBeLessThanOrEqual(10);
  });

  it('draws nothing once it was called off, and again when it is asked to', () => {
    frame.request('cells');
    frame.cancel();
    vi.advanceTimersByTime(1000);
    expect(drawn).toEqual([]);

    frame.request('live');
    vi.advanceTimersByTime(50);
    expect(drawn).toEqual([['live']]);
  });
});
