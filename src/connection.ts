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

import { isObject } from './guard';
import type { Phase, SessionModel } from './model';
import { COMM_ID, decode, errorOf, isOkReply, pageOf, REQUEST_TYPE, speaks, WIRE_VERSION } from './wire';

const ASK_TIMEOUT_MS = 10_000;
/** After this long without an answer the panel says that it waits. */
const SILENT_AFTER_MS = 1_000;
/** An idle kernel may have its next cell on the way already. */
const SETTLE_MS = 250;
/** A clock of whole milliseconds may be one short. */
const MOMENT_MS = 50;
const LOAD = '%load_ext greencell';
/** Loading reports its failures to people only; this tells the page whether a session began. */
const LOADED = "__import__('greencell').session() is not None";
const LOAD_TRIES = 3;

/** The outcome of a request: the reply's content, or the line that says why not. */
export type Reply =
  | { ok: true; content: Readonly<Record<string, unknown>> }
  | { ok: false; error: string; content?: unknown };

export class Connection implements IDisposable {
  constructor(
    private readonly _context: ISessionContext,
    private readonly _model: SessionModel,
    private readonly _autoload: () => Promise<boolean>
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
      window.clearTimeout(this._settling);
      window.clearTimeout(this._listening);
      Signal.clearData(this);
    }
  }

  /** The kernel's id; two notebooks on one kernel have the same. */
  get kernelId(): string | undefined {
    return this._kernel?.id;
  }

  /** Whether this connection has asked for a run; of what began before it was there that is not known. */
  askedFor(run: string): boolean {
    return this._own.has(run);
  }

  /** Load greencell into the kernel, without a trace in the notebook. */
  async enable(): Promise<void> {
    const kernel = this._kernel;
    if (!kernel || !this._speaksPython(kernel) || LOADING.has(this._model.phase)) {
      return;
    }
    this._model.setPhase(kernel.status === 'busy' ? 'queued' : 'loading');
    const outcome = await load(kernel);
    if (!this._isLoading(kernel)) {
      return;
    }
    if (outcome !== 'loaded') {
      this._model.setPhase(outcome);
      return;
    }
    const told = (await hasChannel(kernel)) && (await this._askWhole());
    if (!told && this._isLoading(kernel)) {
      // It measures, for magics: kernels that are no ipykernel have no way to tell a page.
      this._model.setPhase('no-channel');
    }
  }

  /** Whether nothing has been said meanwhile, by a hello, a restart or another kernel. */
  private _isLoading(kernel: Kernel.IKernelConnection): boolean {
    return !this._disposed && this._kernel === kernel && LOADING.has(this._model.phase);
  }

  /** Start a kernel like the last one; whether there was one to start another like it. */
  async startKernel(): Promise<boolean> {
    const name = this._context.prevKernelName;
    if (name) {
      if (this._context.session) {
        await this._context.shutdown(); // the server has lost the session of a dead kernel
      }
      await this._context.changeKernel({ name });
    }
    return name !== '';
  }

  /** Fetch all records, also those that pushed snapshots leave out. */
  async fetchAll(): Promise<void> {
    const { session } = this._model;
    await this._askWhole();
    for (let more = 1; more > 0 && this._model.missingRecords > 0; ) {
      const first = this._model.records.reduce((least, record) => Math.min(least, record.number), Infinity);
      const reply = await this.request('cells', { before: String(first) });
      const page = reply.ok ? pageOf(reply.content) : null;
      if (!page || page.cells.length === 0 || this._model.session !== session) {
        return;
      }
      this._model.addEarlier(page.cells);
      more = page.more;
    }
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
      : { ok: false, error: errorOf(content) || 'the kernel does not answer', content };
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
    this._take(content['data'], sender(message.parent_header));
  }

  private _onKernelChanged(_: ISessionContext, change: Session.ISessionConnection.IKernelChangedArgs): void {
    this._asked = null;
    const id = change.newValue?.id;
    if (id === undefined) {
      this._end('no-kernel', 'shut-down');
      return;
    }
    this._gone = false;
    if (id !== this._kernelId) {
      this._wasConnected = false;
      this._model.forget();
    }
    // A restart may bring a new connection to the same kernel: what it ended with stays.
    this._kernelId = id;
    this._ask();
  }

  private _onStatus(_: ISessionContext, status: Kernel.Status): void {
    if (status === 'restarting' || status === 'autorestarting') {
      this._restarting = true;
      this._end('restarted', status === 'restarting' ? 'restarted' : 'died');
    } else if (status === 'dead') {
      this._end('dead', 'died');
    } else if (status === 'idle' && (this._restarting || this._wholeDue)) {
      this._askWhenSettled();
    }
  }

  /** The kernel's process is gone: that its connection goes too is no news. */
  private _end(...how: Parameters<SessionModel['kernelEnded']>): void {
    this._asked = null;
    this._wasConnected = false;
    this._gone = how[0] !== 'restarted';
    this._model.setConnected(true);
    this._model.kernelEnded(...how);
  }

  private _onConnection(_: ISessionContext, status: Kernel.ConnectionStatus): void {
    this._model.setConnected(status === 'connected' || !this._wasConnected || !this._kernel);
    this._asked = null;
    this._ask();
  }

  /** Between two cells of a "run all" the kernel is idle for a moment only. */
  private _askWhenSettled(): void {
    window.clearTimeout(this._settling);
    this._settling = window.setTimeout(() => {
      if (!this._disposed && this._kernel?.status === 'idle') {
        this._ask();
      }
    }, SETTLE_MS);
  }

  /** Ask once per connection whether greencell is loaded. */
  private _ask(): void {
    const kernel = this._kernel;
    if (!kernel) {
      if (!this._gone) {
        this._model.setPhase(this._context.isReady ? 'no-kernel' : 'asking');
      }
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
    this._wasConnected = true;
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
    const silent = window.setTimeout(() => {
      if (!this._disposed && this._model.phase === 'asking') {
        this._model.setPhase('silent');
      }
    }, SILENT_AFTER_MS);
    // However late: native code may hold the interpreter, and the answer, for minutes.
    const content = await control(kernel, 'comm_info_request', { target_name: COMM_ID }, null);
    window.clearTimeout(silent);
    if (this._disposed || this._kernel !== kernel || !isComms(content)) {
      return;
    }
    if (!isListed(content)) {
      await this._notLoaded();
      return;
    }
    this._wholeDue = true;
    if (kernel.status === 'idle') {
      await this._askWhole();
    }
  }

  private async _notLoaded(): Promise<void> {
    if (await this._autoload()) {
      await this.enable();
    } else if (!this._disposed && !LOADING.has(this._model.phase)) {
      this._model.setPhase('not-loaded');
    }
  }

  /** Ask for everything; whether it came. By itself the page asks an idle kernel only. */
  private async _askWhole(): Promise<boolean> {
    this._wholeDue = false;
    const reply = await this.request('snapshot');
    if (this._disposed) {
      return false;
    }
    // A kernel of another version refuses, and says which.
    return this._take(reply.ok ? reply.content['snapshot'] : reply.content);
  }

  /** Whether it was a message of ours that fits; `client`: whose request it came with. */
  private _take(data: unknown, client?: string): boolean {
    const decoded = decode(data);
    if (decoded.ok) {
      const { message } = decoded;
      if (message.session !== this._model.session) {
        this._own.clear();
      }
      if (message.kind === 'cell-start' && client !== undefined && client === this._kernel?.clientId) {
        this._own.add(message.running.run);
      }
      this._model.receive(message);
      this._listen();
    } else if (decoded.reason === 'version') {
      this._model.setOtherVersion(speaks(data));
    }
    return decoded.ok;
  }

  /** Nothing tells of a message that does not come; what shows the power of now must hear of it. */
  private _listen(): void {
    window.clearTimeout(this._listening);
    const silentInS = this._model.silentInS;
    if (silentInS !== null) {
      this._listening = window.setTimeout(() => {
        this._model.noticeSilence();
      }, 1000 * silentInS + MOMENT_MS);
    }
  }

  /** By the kernel's specification: asking the kernel itself would wait for a busy one. */
  private _speaksPython(kernel: Kernel.IKernelConnection): boolean {
    const specs = this._context.specsManager.specs?.kernelspecs;
    const language = specs?.[kernel.name]?.language;
    return language === undefined || language.toLowerCase() === 'python';
  }

  private readonly _own = new Set<string>();
  private _asked: string | null = null;
  private _kernelId: string | undefined;
  private _restarting = false;
  private _wholeDue = false;
  private _wasConnected = false;
  private _gone = false;
  private _disposed = false;
  private _settling = 0;
  private _listening = 0;
}

const LOADING: ReadonlySet<Phase> = new Set<Phase>(['queued', 'loading']);

/** Load greencell silently: no execution count, no output, no entry in the history. */
async function load(
  kernel: Kernel.IKernelConnection
): Promise<'loaded' | 'not-installed' | 'load-failed'> {
  for (let tries = 0; tries < LOAD_TRIES; tries += 1) {
    const future = kernel.requestExecute({
      code: LOAD,
      silent: true,
      store_history: false,
      stop_on_error: false,
      user_expressions: { greencell: LOADED }
    });
    const reply = await future.done.catch(() => null);
    if (!reply) {
      break; // gone with its kernel
    }
    if (reply.content.status === 'ok') {
      return began(reply.content) ? 'loaded' : 'load-failed';
    }
    if (reply.content.status === 'error') {
      // xeus-python calls it <class 'ModuleNotFoundError'>.
      return reply.content.ename.includes('ModuleNotFoundError') ? 'not-installed' : 'load-failed';
    }
    // Aborted: a cell that failed took with it what was queued behind it.
  }
  return 'load-failed';
}

/** Whether a session began, as far as the kernel tells. */
function began({ user_expressions: told }: KernelMessage.IReplyOkContent & { user_expressions?: unknown }): boolean {
  const result = isObject(told) ? told['greencell'] : undefined;
  const data = isObject(result) ? result['data'] : undefined;
  return !isObject(data) || data['text/plain'] !== 'False';
}

/** Whether greencell can tell pages anything there; a kernel that does not answer is not said to lack it. */
async function hasChannel(kernel: Kernel.IKernelConnection): Promise<boolean> {
  const content = await control(kernel, 'comm_info_request', { target_name: COMM_ID });
  return !isComms(content) || isListed(content);
}

function isListed({ comms }: { comms: object }): boolean {
  return Object.prototype.hasOwnProperty.call(comms, COMM_ID);
}

/** Send a message on the control channel; the reply's content, or `null` if none comes in time. */
async function control(
  kernel: Kernel.IKernelConnection,
  type: string,
  content: Readonly<Record<string, string | number>>,
  timeoutMs: number | null = ASK_TIMEOUT_MS
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
  // A future that is disposed, also with its kernel, is done with an error.
  const timer = timeoutMs === null ? undefined : window.setTimeout(() => future.dispose(), timeoutMs);
  const reply = await future.done.catch(() => null);
  window.clearTimeout(timer);
  return reply?.content;
}

/** Of whose request a message tells, by its parent's header. */
function sender(header: unknown): string | undefined {
  const session = isObject(header) ? header['session'] : undefined;
  return typeof session === 'string' ? session : undefined;
}

function isComms(content: unknown): content is { comms: object } {
  if (typeof content !== 'object' || content === null || !('comms' in content)) {
    return false;
  }
  return typeof content.comms === 'object' && content.comms !== null;
}
