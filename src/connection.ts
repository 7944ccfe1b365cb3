/**
 * The only room that talks to kernels: listens on iopub, asks on the control channel.
 *
 * While a cell runs the page by itself asks only "is greencell here?", by a request that the
 * kernel does not count as activity; all else waits for the kernel to be idle or for the user.
 */
import type { ISessionContext } from '@jupyterlab/apputils';
import { type Kernel, type KernelMessage, type Session } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import type { SessionModel } from './model';
import { COMM_ID, decode, errorOf, isOkReply, REQUEST_TYPE, WIRE_VERSION } from './wire';

const ASK_TIMEOUT_MS = 10_000;
const LOAD = '%load_ext greencell';

/** The outcome of a request: the reply's content, or the line that says why not. */
export type Reply =
  | { ok: true; content: Readonly<Record<string, unknown>> }
  | { ok: false; error: string };

export class Connection implements IDisposable {
  constructor(
    private readonly _context: ISessionContext,
    private readonly _model: SessionModel,
    private readonly _autoload: () => boolean
  ) {
    _context.iopubMessage.connect(this._onIopub, this);
    _context.kernelChanged.connect(this._onKernelChanged, this);
    _context.statusChanged.connect(this._onStatus, this);
    _context.connectionStatusChanged.connect(this._onConnection, this);
    this._kernelId = this._kernel?.id;
    void _context.ready.then(() => {
      if (!this._disposed) {
        this._ask();
      }
    });
    this._ask();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      Signal.clearData(this);
    }
  }

  /** Load greencell into the kernel, without a trace in the notebook. */
  async enable(): Promise<void> {
    const kernel = this._kernel;
    if (!kernel) {
      return;
    }
    this._model.setPhase('loading');
    const future = kernel.requestExecute({
      code: LOAD,
      silent: true,
      store_history: false,
      stop_on_error: false
    });
    const reply = await future.done;
    if (this._disposed || this._model.phase === 'measuring') {
      return;
    }
    if (reply.content.status === 'error') {
      const missing = reply.content.ename === 'ModuleNotFoundError';
      this._model.setPhase(missing ? 'not-installed' : 'load-failed');
      return;
    }
    // It was loaded before, so it did not say hello again.
    await this._askWhole();
  }

  /** Send a request of the user's and wait for the answer. */
  async request(op: string, extra: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const kernel = this._kernel;
    if (!kernel) {
      return { ok: false, error: 'no kernel' };
    }
    const content = await control(kernel, REQUEST_TYPE, { wire: WIRE_VERSION, op, ...extra });
    return isOkReply(content)
      ? { ok: true, content }
      : { ok: false, error: errorOf(content) || 'the kernel does not answer' };
  }

  private get _kernel(): Kernel.IKernelConnection | null {
    return this._context.session?.kernel ?? null;
  }

  private _onIopub(_: ISessionContext, message: KernelMessage.IMessage): void {
    if (message.header.msg_type !== 'comm_msg') {
      return;
    }
    const content = message.content as Readonly<Record<string, unknown>>;
    if (content['comm_id'] !== COMM_ID) {
      return;
    }
    const decoded = decode(content['data']);
    if (decoded.ok) {
      this._model.receive(decoded.message);
    } else if (decoded.reason === 'version') {
      this._model.setPhase('other-version');
    }
  }

  private _onKernelChanged(_: ISessionContext, change: Session.ISessionConnection.IKernelChangedArgs): void {
    this._asked = null;
    // A restart may bring a new connection to the same kernel: what it ended with stays.
    if (change.newValue?.id !== this._kernelId) {
      this._model.forget();
    }
    this._kernelId = change.newValue?.id ?? this._kernelId;
    this._ask();
  }

  private _onStatus(_: ISessionContext, status: Kernel.Status): void {
    if (status === 'restarting' || status === 'autorestarting') {
      this._asked = null;
      this._restarting = true;
      this._model.kernelRestarted();
    } else if (status === 'dead' || status === 'terminating') {
      this._asked = null;
      this._model.kernelRestarted();
    } else if (status === 'idle' && (this._restarting || this._wholeDue)) {
      this._ask();
    }
  }

  private _onConnection(): void {
    this._asked = null;
    this._ask();
  }

  /** Ask once per connection whether greencell is loaded. */
  private _ask(): void {
    const kernel = this._kernel;
    if (!kernel) {
      this._model.setPhase(this._context.isReady ? 'no-kernel' : 'asking');
      return;
    }
    if (!this._speaksPython(kernel)) {
      this._model.setPhase('other-language');
      return;
    }
    // Sent before the connection stands, a message would wait for the busy main shell.
    if (kernel.connectionStatus !== 'connected') {
      return;
    }
    if (this._asked === kernel.id && !this._restarting) {
      if (this._wholeDue) {
        void this._askWhole();
      }
      return;
    }
    this._asked = kernel.id;
    this._restarting = false;
    void this._probe(kernel);
  }

  private async _probe(kernel: Kernel.IKernelConnection): Promise<void> {
    if (this._model.phase === 'no-kernel') {
      this._model.setPhase('asking');
    }
    const content = await control(kernel, 'comm_info_request', { target_name: COMM_ID });
    if (this._disposed || this._kernel !== kernel) {
      return;
    }
    const comms = isComms(content) ? content.comms : {};
    if (!Object.prototype.hasOwnProperty.call(comms, COMM_ID)) {
      this._notLoaded();
      return;
    }
    this._wholeDue = true;
    if (kernel.status === 'idle') {
      await this._askWhole();
    }
  }

  private _notLoaded(): void {
    if (this._autoload()) {
      void this.enable();
    } else if (this._model.phase !== 'loading') {
      this._model.setPhase('not-loaded');
    }
  }

  /** Ask for everything; only an idle kernel is asked. */
  private async _askWhole(): Promise<void> {
    this._wholeDue = false;
    const reply = await this.request('snapshot');
    if (this._disposed || !reply.ok) {
      return;
    }
    const decoded = decode(reply.content['snapshot']);
    if (decoded.ok) {
      this._model.receive(decoded.message);
    }
  }

  /** By the kernel's specification: asking the kernel itself would wait for a busy one. */
  private _speaksPython(kernel: Kernel.IKernelConnection): boolean {
    const specs = this._context.specsManager.specs?.kernelspecs;
    const language = specs?.[kernel.name]?.language;
    return language === undefined || language.toLowerCase() === 'python';
  }

  private _asked: string | null = null;
  private _kernelId: string | undefined;
  private _restarting = false;
  private _wholeDue = false;
  private _disposed = false;
}

/** Send a message on the control channel; the reply's content, or `null` if none comes. */
async function control(
  kernel: Kernel.IKernelConnection,
  type: string,
  content: Readonly<Record<string, string | number>>
): Promise<unknown> {
  const message = {
    header: {
      msg_id: UUID.uuid4(),
      msg_type: type,
      session: kernel.clientId,
      username: kernel.username,
      date: new Date().toISOString(),
      version: '5.3'
    },
    parent_header: {},
    metadata: {},
    channel: 'control',
    content,
    buffers: []
  };
  // JupyterLab types the messages that it knows; the control channel takes any.
  const future = kernel.sendControlMessage(
    message as unknown as KernelMessage.IControlMessage,
    true,
    true
  );
  const timeout = new Promise<null>(resolve => {
    window.setTimeout(() => {
      resolve(null);
    }, ASK_TIMEOUT_MS);
  });
  const answer: Promise<unknown> = future.done.then(
    reply => reply.content,
    () => null // disposed with its kernel
  );
  const first = await Promise.race([answer, timeout]);
  future.dispose();
  return first;
}

function isComms(content: unknown): content is { comms: object } {
  if (typeof content !== 'object' || content === null || !('comms' in content)) {
    return false;
  }
  return typeof content.comms === 'object' && content.comms !== null;
}
