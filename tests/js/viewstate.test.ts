// @vitest-environment happy-dom
import { Signal } from '@lumino/signaling';
import { describe, expect, it, vi } from 'vitest';

import { type IRemembered, type IViewState, rememberView, viewStateOf } from '../../src/viewstate';

const GOOD: IViewState = { open: ['method'], sort: { key: 'energy', descending: false } };

describe('what was saved of the view', () => {
  it('is taken if it is that', () => {
    expect(viewStateOf(GOOD)).toEqual(GOOD);
  });

  it.each([
    undefined, null, 'x', [], {}, { open: 'x', sort: {} }, { open: [], sort: { key: '__proto__', descending: true } },
    { open: [], sort: null }
  ])('is left alone if it is %j', value => {
    expect(viewStateOf(value)).toBeUndefined();
  });
});

describe('the view', () => {
  it('is made as it was, and saved a moment after it changed', async () => {
    vi.useFakeTimers();
    const changed = new Signal<object, void>({});
    const view: IRemembered = { viewState: { open: [], sort: { key: 'order', descending: true } }, viewStateChanged: changed };
    const save = vi.fn(() => Promise.resolve());
    const states = { fetch: () => Promise.resolve(GOOD), save };

    await rememberView(view, states as unknown as Parameters<typeof rememberView>[1]);
    expect(view.viewState).toEqual(GOOD);
    changed.emit();
    changed.emit();
    expect(save).not.toHaveBeenCalled();
    vi.advanceTimersByTime(600);
    expect(save).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });
});
