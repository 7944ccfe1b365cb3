/**
 * Which code the kernel is at, by Jupyter's own messages: this page's requests and those of others.
 *
 * A request of this page is known by its id, whatever comes back; it begins when the kernel says
 * so, or when nothing is before it, for native code may keep the kernel from saying anything.
 */
import { isObject } from './guard';

/** What is used of Jupyter's messages. */
export interface IJupyterMessage {
  header: { msg_type: string; msg_id: string };
  parent_header: object;
  metadata: Readonly<Record<string, unknown>>;
  content: object;
}

/** Code that has begun to run. */
export interface IBegun {
  /** The id of the `execute_request`. */
  request: string;
  /** The cell, where this page asked for it. */
  cellId: string | null;
  code: string;
}

export class Requests {
  constructor(
    private readonly _onBegin: (begun: IBegun) => void,
    private readonly _onEnd: (request: string) => void
  ) {}

  /** Whether this page has sent a request of that id. */
  has(request: string): boolean {
    return this._sent.has(request);
  }

  /** The page sends something, to a kernel that is idle as far as the page knows. */
  sent(message: IJupyterMessage, isIdle: boolean): void {
    const content: unknown = message.content;
    if (message.header.msg_type !== 'execute_request' || !isObject(content) || content['silent'] === true) {
      return;
    }
    const { msg_id: request } = message.header;
    const [cellId, code] = [message.metadata['cellId'], content['code']];
    this._sent.add(request);
    this._waiting.set(request, {
      request,
      cellId: typeof cellId === 'string' ? cellId : null,
      code: typeof code === 'string' ? code : ''
    });
    if (isIdle && this._waiting.size === 1) {
      this._beginNext();
    }
  }

  /** The kernel says something to all. */
  heard({ header, parent_header, content }: IJupyterMessage): void {
    const [parent, said]: readonly unknown[] = [parent_header, content];
    const request = isObject(parent) ? parent['msg_id'] : undefined;
    if (typeof request !== 'string' || !isObject(said)) {
      return;
    }
    if (header.msg_type === 'status') {
      this._onStatus(request, said['execution_state']);
    } else if (header.msg_type === 'execute_input' && !this._sent.has(request)) {
      const code = typeof said['code'] === 'string' ? said['code'] : '';
      this._begin({ request, cellId: null, code });
    }
  }

  /** The kernel is gone, with all that was asked of it. */
  clear(): void {
    this._sent.clear();
    this._waiting.clear();
    this._on = null;
  }

  private _onStatus(request: string, state: unknown): void {
    const own = this._waiting.get(request);
    if (state === 'busy' && own) {
      this._begin(own);
    } else if (state === 'idle' && (own || request === this._on)) {
      this._waiting.delete(request);
      this._on = request === this._on ? null : this._on;
      this._onEnd(request);
      if (this._on === null) {
        this._beginNext();
      }
    }
  }

  /** Of what this page has asked for, the kernel takes the oldest first. */
  private _beginNext(): void {
    const [next] = this._waiting.values();
    if (next) {
      this._begin(next);
    }
  }

  private _begin(begun: IBegun): void {
    if (this._on !== begun.request) {
      this._on = begun.request;
      this._onBegin(begun);
    }
  }

  private _on: string | null = null;
  private readonly _sent = new Set<string>();
  private readonly _waiting = new Map<string, IBegun>();
}
