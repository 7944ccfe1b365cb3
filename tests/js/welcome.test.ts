// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { version } from '../../package.json';
import { type Ending, type Phase, SessionModel } from '../../src/model';
import { Welcome, type WelcomePhase } from '../../src/panel/welcome';
import { decode } from '../../src/wire';
import { golden } from './golden';

const trans = nullTranslator.load('greencell');

describe('Welcome', () => {
  const actions = { enable: vi.fn(), startKernel: vi.fn(), copy: vi.fn(), copyLast: vi.fn() };
  const settings = { autoload: false, set: vi.fn(() => Promise.resolve()) };
  let welcome = new Welcome(trans, settings, actions);

  beforeEach(() => {
    vi.clearAllMocks();
    settings.autoload = false;
    welcome = new Welcome(trans, settings, actions);
  });

  const primaries = (): Element[] => [...welcome.node.querySelectorAll('.gc-mod-primary')];
  const measured = (): SessionModel => {
    const model = new SessionModel();
    const decoded = decode(golden('snapshot'));
    if (decoded.ok) {
      model.receive(decoded.message);
    }
    return model;
  };

  it.each<WelcomePhase>([
    'no-notebook', 'no-kernel', 'asking', 'loading', 'queued', 'silent', 'dead', 'other-language',
    'not-installed', 'load-failed', 'no-channel', 'other-version', 'not-loaded', 'restarted', 'measuring'
  ])('is never empty, and offers one thing at most: %s', phase => {
    welcome.update(phase, null, 'Python 3');

    expect(welcome.node.textContent.trim()).not.toBe('');
    expect(primaries().length).toBeLessThan(2);
  });

  it('offers to start measuring', () => {
    welcome.update('not-loaded', null, 'Python 3');
    welcome.node.querySelector<HTMLElement>('[data-gc="enable"]')?.click();

    expect(actions.enable).toHaveBeenCalledTimes(1);
  });

  it('names the kernel in which greencell is missing', () => {
    welcome.update('not-installed', null, 'My env');

    expect(welcome.node.textContent).toContain('“My env”');
    expect(line()).toBe(`%pip install greencell==${version}`);
    welcome.node.querySelector<HTMLElement>('.gc-mod-link')?.click();
    expect(actions.copy.mock.calls).toEqual([[line()]]);
  });

  const line = (): string | null | undefined => welcome.node.querySelector('[data-gc="command"]')?.textContent;

  it.each([
    [2, '0.2.0', 'newer', 'pip install --upgrade greencell==0.2.0'],
    [2, '', 'newer', 'pip install --upgrade greencell'],
    [0, '0.0.9', 'older', `%pip install --upgrade greencell==${version}`]
  ])('names both versions and which side to update: wire %d of “%s”', (wire, greencell, word, command) => {
    const model = new SessionModel();
    model.setOtherVersion({ wire, greencell });
    welcome.update('other-version', model, 'Python 3');

    expect(welcome.node.textContent).toContain(`(${greencell ? `${greencell}, ` : ''}wire ${wire}) is ${word}`);
    expect(welcome.node.textContent).toContain(`(${version}, wire 1)`);
    expect(line()).toBe(command);
    model.setOtherVersion({ wire, greencell: '' });
    expect(model.otherVersion?.greencell).toBe(greencell);
  });

  it.each<[Phase, Ending, string]>([
    ['dead', 'died', 'The kernel died.'],
    ['restarted', 'restarted', 'The kernel was restarted.'],
    ['no-kernel', 'shut-down', 'The kernel was shut down.']
  ])('says what ended the session that is shown, and what can still be had of it: %s', (phase, by, words) => {
    const model = measured();
    model.kernelEnded(phase as 'dead', by);
    welcome.update(phase, model, 'Python 3');

    expect(welcome.node.textContent).toContain(words);
    expect(welcome.node.textContent).toContain('%greencell history');
    expect(primaries().length).toBe(1);
    [...welcome.node.querySelectorAll('button')].at(-1)?.click();
    expect(actions.copyLast).toHaveBeenCalledTimes(1);
  });

  it('is away while there are figures, and says before all else that the kernel is not heard', () => {
    const model = measured();
    welcome.update('measuring', model, 'Python 3');
    expect(welcome.node.hidden).toBe(true);
    expect(welcome.node.textContent).toBe('');

    model.setLink('lost');
    welcome.update('not-loaded', new SessionModel(), 'Python 3');
    expect(primaries().length).toBe(1);
    const lost = new SessionModel();
    lost.setLink('lost');
    welcome.update('not-loaded', lost, 'Python 3');
    expect(welcome.node.textContent).toContain('Disconnected');
    expect(primaries().length).toBe(0);
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
