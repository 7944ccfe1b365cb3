// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from 'vitest';

import { SessionModel } from '../../src/model';
import { plainWords } from '../../src/plain';
import { type IWidgetModel, WidgetChannel } from '../../src/widget/channel';
import { WidgetView } from '../../src/widget/view';
import { golden } from './golden';

// This page has no canvas; what the chart draws is looked at in a real browser.
const paper: unknown = new Proxy(() => paper, { get: (_, name) => (name === 'measureText' ? () => ({ width: 9 }) : paper), set: () => true });
vi.stubGlobal('Path2D', function Paper() {
  return paper;
});
HTMLCanvasElement.prototype.getContext = (() => paper) as typeof HTMLCanvasElement.prototype.getContext;

/** An anywidget's model: what is sent is kept, what is heard is said by hand. */
class Model implements IWidgetModel {
  readonly sent: { id: string; greencell_request: Record<string, unknown> }[] = [];
  constructor(private readonly _picture: unknown) {}
  get(name: string): unknown {
    return name === 'picture' ? this._picture : undefined;
  }
  send(content: unknown): void {
    this.sent.push(content as (typeof this.sent)[number]);
  }
  on(_: string, callback: (content: unknown) => void): void {
    this._callbacks.add(callback);
  }
  off(_: string, callback: (content: unknown) => void): void {
    this._callbacks.delete(callback);
  }
  say(content: unknown): void {
    this._callbacks.forEach(callback => {
      callback(content);
    });
  }
  get listeners(): number {
    return this._callbacks.size;
  }
  private readonly _callbacks = new Set<(content: unknown) => void>();
}

function open(picture: unknown): { widget: Model; model: SessionModel; channel: WidgetChannel; pending: number[] } {
  const widget = new Model(picture);
  const model = new SessionModel();
  const pending: number[] = [];
  const channel = new WidgetChannel(widget, model, count => pending.push(count));
  return { widget, model, channel, pending };
}

describe('WidgetChannel', () => {
  afterEach(() => vi.useRealTimers());

  it('takes the picture that came with the widget, and asks once for that of now', () => {
    const { widget, model, pending } = open(golden('snapshot'));

    expect(model.totals).not.toBeNull();
    expect(widget.sent.map(one => one.greencell_request)).toEqual([{ wire: 1, op: 'snapshot' }]);
    expect(pending).toEqual([0]);
  });

  it('hears what is pushed', () => {
    const { widget, model } = open(golden('snapshot'));
    widget.say({ ...golden('tick'), seq: 1e6 });

    expect(model.powerW).not.toBeNull();
  });

  it.each([null, 7, 'x', {}, { greencell_reply: 1 }, { id: 'x', greencell_reply: { ok: true } }, { wire: 1, kind: 'dance' }])(
    'is not moved by %j',
    content => {
      const { widget, model } = open(null);
      widget.say(content);

      expect(model.totals).toBeNull();
    }
  );

  it('gives each its own answer, a refusal as its line', async () => {
    const { widget, channel, pending } = open(golden('snapshot'));
    const [good, bad] = [channel.request('set-zone', { zone: 'NO' }), channel.request('set-zone', { zone: 'x' })];
    expect(pending[pending.length - 1]).toBe(2);
    const [, first, second] = widget.sent;
    widget.say({ id: second?.id, greencell_reply: { ok: false, error: 'x is no zone' } });
    widget.say({ id: first?.id, greencell_reply: { ok: true, carbon: {} } });

    expect((await good).ok).toBe(true);
    expect(await bad).toEqual({ ok: false, error: 'x is no zone' });
    expect(pending[pending.length - 1]).toBe(0);
  });

  it('gives up on an idle kernel, and waits for a busy one', async () => {
    vi.useFakeTimers();
    const { widget, model, channel } = open({ ...golden('snapshot'), running: null });
    const idle = channel.request('pause');
    vi.advanceTimersByTime(10_000);
    expect(await idle).toEqual({ ok: false, error: 'the kernel does not answer' });

    widget.say({ ...golden('cell-start'), seq: 1e6 });
    vi.advanceTimersByTime(200);
    expect(model.running).not.toBeNull();
    const busy = vi.fn();
    void channel.request('pause').then(busy);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(busy).not.toHaveBeenCalled();
  });

  it('leaves nothing behind', () => {
    const { widget, channel } = open(golden('snapshot'));
    channel.dispose();

    expect(widget.listeners).toBe(0);
  });
});

describe('WidgetView', () => {
  const channel = { request: vi.fn(() => new Promise<never>(() => undefined)), fetchAll: () => Promise.resolve() };
  const shown = (): { view: WidgetView; model: SessionModel; widget: Model } => {
    const { widget, model } = open(golden('snapshot'));
    return { view: new WidgetView(model, plainWords, channel), model, widget };
  };
  const energy = (view: WidgetView): string | undefined =>
    view.node.querySelector<HTMLElement>('[data-gc="session-energy"]')?.dataset['energyJ'];

  it('draws nothing while nobody sees it, and all of it when somebody does', () => {
    const { view, model } = shown();
    expect(energy(view)).toBeUndefined();
    view.setVisible(true);

    expect(energy(view)).toBe(String(model.totals?.energyJ));
    expect(view.node.querySelectorAll('[data-gc="cell-row"]')).toHaveLength(model.records.length);
    view.dispose();
  });

  it('says that what is asked waits for the running cell, and only then', async () => {
    const { view, model, widget } = shown();
    view.setVisible(true);
    const line = view.node.querySelector<HTMLElement>('.gc-Waits');
    expect(model.running).not.toBeNull();
    expect(line?.hidden).toBe(true);
    view.setPending(1);
    expect(line?.hidden).toBe(false);
    expect(line?.textContent).toContain('answered when it has ended');
    widget.say({ ...golden('snapshot'), running: null, seq: 1e6 });
    await new Promise(requestAnimationFrame);
    expect(line?.hidden).toBe(true);
    view.dispose();
  });
});

describe('plainWords', () => {
  it('puts arguments in, and counts', () => {
    expect(plainWords.__('%1 in %2', 'a', 'b')).toBe('a in b');
    expect(plainWords._n('%1 cell', '%1 cells', 1)).toBe('1 cell');
    expect(plainWords._n('%1 cell of %2', '%1 cells of %2', 3, 'x')).toBe('3 cells of x');
    expect(plainWords._p('verb', 'Set %1', 2)).toBe('Set 2');
    expect(plainWords.__('100 %')).toBe('100 %');
  });
});
