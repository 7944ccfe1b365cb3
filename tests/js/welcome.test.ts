// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Welcome, type WelcomePhase } from '../../src/panel/welcome';

const trans = nullTranslator.load('greencell');

describe('Welcome', () => {
  const enable = vi.fn();
  const settings = { autoload: false, set: vi.fn(() => Promise.resolve()) };
  let welcome = new Welcome(trans, settings, enable);

  beforeEach(() => {
    vi.clearAllMocks();
    settings.autoload = false;
    welcome = new Welcome(trans, settings, enable);
  });

  it.each<WelcomePhase>([
    'no-notebook', 'no-kernel', 'asking', 'loading', 'queued', 'silent', 'dead', 'other-language',
    'not-installed', 'load-failed', 'other-version', 'not-loaded', 'restarted'
  ])('is never empty: %s', phase => {
    welcome.update(phase, null, 'Python 3');

    expect(welcome.node.textContent.trim()).not.toBe('');
  });

  it('offers to start measuring', () => {
    welcome.update('not-loaded', null, 'Python 3');
    welcome.node.querySelector<HTMLElement>('[data-gc="enable"]')?.click();

    expect(enable).toHaveBeenCalledTimes(1);
  });

  it('names the kernel in which greencell is missing', () => {
    welcome.update('not-installed', null, 'My env');

    expect(welcome.node.textContent).toContain('“My env”');
    expect(welcome.node.textContent).toContain('%pip install greencell');
  });

  it('sets what the user ticks, and keeps its box, with the focus, while it says the same', () => {
    document.body.replaceChildren(welcome.node); // only there a click changes a box
    welcome.update('not-loaded', null, 'Python 3');
    const box = welcome.node.querySelector('input');
    box?.click();
    expect(settings.set.mock.calls).toEqual([['autoload', true]]);

    settings.autoload = true;
    const button = welcome.node.querySelector('button');
    welcome.update('not-loaded', null, 'Python 3');

    expect(welcome.node.querySelector('button') === button).toBe(true);
    expect(welcome.node.querySelector('input') === box).toBe(true);
    expect(box?.checked).toBe(true);
  });
});
