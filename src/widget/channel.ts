/**
 * The widget's own way to the kernel: the same wire messages as in JupyterLab, in custom messages.
 *
 * Most front ends hand what a widget asks to the kernel's main thread, which answers when the
 * running cell has ended. So little is asked, and nothing by itself but the picture at the start.
 */
import type { Reply } from '../connection';
import { isObject } from '../guard';
import type { SessionModel } from '../model';
import { Waker } from '../waker';
import { decode, errorOf, isOkReply, totalsOf, WIRE_VERSION } from '../wire';

const SILENT_MS = 10_000;

/** What is used of an anywidget's model. */
export interface IWidgetModel {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: string, callback: (content: unknown) => void): void;
  off(event: string, callback: (content: unknown) => void): void;
}

export class WidgetChannel {
  /** `onPending` hears how many of the user's requests wait for an answer. */
  constructor(
    private readonly _widget: IWidgetModel,
    private readonly _model: SessionModel,
    private readonly _onPending: (pending: number) => void
  ) {
    this._waker = new Waker(_model);
    this._take(_widget.get('picture'));
    _widget.on('msg:custom', this._onMessage);
    void this.fetchAll(true);
  }

  dispose(): void {
    this._waker.dispose();
    this._widget.off('msg:custom', this._onMessage);
    this._pending.forEach(({ timer }) => {
      clearInterval(timer);
    });
    this._pending.clear();
  }

  /** Fetch the whole picture; `byItself` where no user asked for it. */
  async fetchAll(byItself = false): Promise<void> {
    const reply = await this.request('snapshot', {}, byItself);
    if (reply.ok) {
      this._take(reply.content['snapshot']);
    }
  }

  /** Ask the kernel; while a cell runs there the answer may have to wait for its end. */
  request(op: string, extra: Readonly<Record<string, string>> = {}, byItself = false): Promise<Reply> {
    this._count += 1;
    const id = `${this._name}-${this._count}`;
    return new Promise(resolve => {
      const timer = setInterval(() => {
        if (!this._model.running) {
          this._settle(id, { ok: false, error: 'the kernel does not answer' });
        }
      }, SILENT_MS);
      this._pending.set(id, { resolve, timer, byItself });
      this._told();
      this._widget.send({ id, greencell_request: { wire: WIRE_VERSION, op, ...extra } });
    });
  }

  private readonly _onMessage = (content: unknown): void => {
    if (!isObject(content)) {
      return;
    }
    const reply = content['greencell_reply'];
    if (reply === undefined) {
      this._take(content);
    } else if (typeof content['id'] === 'string') {
      this._takeTotals(reply);
      this._settle(
        content['id'],
        isOkReply(reply) ? { ok: true, content: reply } : { ok: false, error: errorOf(reply) }
      );
    }
  };

  /** Every answer tells the totals of its moment. */
  private _takeTotals(reply: unknown): void {
    const told = isOkReply(reply) ? totalsOf(reply) : null;
    if (told) {
      this._model.takeTotals(told.totals, told.standing);
    }
  }

  private _settle(id: string, reply: Reply): void {
    const waiting = this._pending.get(id);
    if (waiting) {
      clearInterval(waiting.timer);
      this._pending.delete(id);
      this._told();
      waiting.resolve(reply);
    }
  }

  private _told(): void {
    this._onPending([...this._pending.values()].filter(({ byItself }) => !byItself).length);
  }

  private _take(data: unknown): void {
    const decoded = decode(data);
    if (decoded.ok) {
      this._model.receive(decoded.message);
    } else if (decoded.reason === 'version') {
      this._model.setPhase('other-version');
    }
  }

  private readonly _waker: Waker;
  private _count = 0;
  /** Several views of one widget hear each other's answers. */
  private readonly _name = Math.random().toString(36).slice(2);
  private readonly _pending = new Map<
    string,
    { resolve: (reply: Reply) => void; timer: ReturnType<typeof setInterval>; byItself: boolean }
  >();
}
