/**
 * The only room that talks to kernels: listens on iopub, asks on the control channel.
 *
 * While a cell runs the page by itself asks only "is greencell here?", by a request that the
 * kernel does not count as activity; all else waits for the kernel to be idle or for the user.
 */
import type { ISessionContext } from '@jupyterlab/apputils';
import { type Kernel, type KernelMessage, ServerConnection, type Session } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { isObject } from './guard';
import type { Link, Phase, SessionModel } from './model';
import { type IBegun, Requests } from './requests';
import { Waker } from './waker';
import {
  COMM_ID,
  decode,
  errorOf,
  hasNothing,
  type ICarbon,
  type IRecord,
  isOkReply,
  pageOf,
  REQUEST_TYPE,
  speaks,
  totalsOf,
  WIRE_VERSION
} from './wire';

const ASK_TIMEOUT_MS = 10_000;
/** After this long without an answer the panel says that it waits. */
const SILENT_AFTER_MS = 1_000;
/** An idle kernel may have its next cell on the way already. */
const SETTLE_MS = 250;
/** The record of a run that was shown comes so soon after Jupyter's word that it ended, or never. */
const RECORD_WITHIN_MS = 400;
const LOAD = '%load_ext greencell';
/** Loading reports its failures to people only; this tells the page whether a session began. */
const LOADED = "__import__('greencell').session() is not None";
const LOAD_TRIES = 3;
/** The same where a cell of the notebook will load it: IPython would print there that it is loaded already. */
const LOAD_AHEAD = "__import__('greencell').load_ipython_extension(get_ipython())";
/** Code that may have unloaded it; whether it did is then asked. */
const UNLOADS = /unload_(ipython_)?ext/;

/** Where the electricity comes from, and the building's PUE; empty and `null`: found out by the kernel. */
export interface IWishes {
  zone: string;
  pue: number | null;
}

/** The outcome of a request: the reply's content, or the line that says why not. */
export type Reply =
  | { ok: true; content: Readonly<Record<string, unknown>> }
  | { ok: false; error: string; content?: unknown };

export class Connection implements IDisposable {
  constructor(
    private readonly _context: ISessionContext,
    private readonly _model: SessionModel,
    private readonly _autoload: () => Promise<boolean>,
    private readonly _isServerThere: (kernel: Kernel.IKernelConnection) => Promise<boolean> = isServerThere
  ) {
    this._waker = new Waker(_model);
    this._requests = new Requests(
      begun => {
        this._model.begin(begun.request, begun.cellId);
        this._unloading = UNLOADS.test(begun.code) ? begun.request : this._unloading;
        this._waker.plan();
        this._began.emit(begun);
      },
      request => {
        this._onRunEnded(request);
        if (request === this._unloading) {
          this._unloading = null;
          this._askAgain();
        }
      }
    );
    window.addEventListener('online', this._onNetwork);
    window.addEventListener('offline', this._onNetwork);
    this._followKernel();
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
      window.removeEventListener('online', this._onNetwork);
      window.removeEventListener('offline', this._onNetwork);
      this._waker.dispose();
      Signal.clearData(this);
    }
  }

  /** The kernel's id; two notebooks on one kernel have the same. */
  get kernelId(): string | undefined {
    return this._kernel?.id;
  }

  /** Code has begun to run in the kernel, whoever asked for it. */
  get began(): ISignal<this, IBegun> {
    return this._began;
  }

  /** Whether this connection has asked for a run; of what began before it was there that is not known. */
  askedFor({ run, request }: Pick<IRecord, 'run' | 'request'>): boolean {
    return this._own.has(run) || (request !== null && this._requests.has(request));
  }

  /** Load greencell into the kernel, without a trace in the notebook, because the user wants it. */
  async enable(): Promise<void> {
    this._model.keepsLast = false;
    await this._load(LOAD);
  }

  private async _load(code: string): Promise<void> {
    const kernel = this._kernel;
    if (!kernel || !this._speaksPython(kernel) || LOADING.has(this._model.phase)) {
      return;
    }
    this._model.setPhase(kernel.status === 'busy' ? 'queued' : 'loading');
    const outcome = await load(kernel, code);
    this._isLoadedHere ||= outcome === 'loaded' && code === LOAD && this._kernel === kernel;
    if (!this._isLoading(kernel)) {
      return;
    }
    if (outcome !== 'loaded') {
      this._model.setPhase(outcome);
      return;
    }
    await this._wish();
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

  /** Ask for what holds now, because the user wants to know. */
  async refresh(): Promise<void> {
    await this._askWhole();
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
  async request(op: string, extra: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const kernel = this._kernel;
    if (!kernel) {
      return { ok: false, error: 'no kernel' };
    }
    const { session } = this._model;
    const content = await control(kernel, REQUEST_TYPE, { wire: WIRE_VERSION, op, ...extra });
    const told = isOkReply(content) ? totalsOf(content) : null;
    if (told && !this._disposed && this._kernel === kernel && this._model.session === session) {
      this._model.takeTotals(told.totals, told.standing);
    }
    return isOkReply(content)
      ? { ok: true, content }
      : { ok: false, error: errorOf(content) || 'the kernel does not answer', content };
  }

  /** A setting that the kernel refused, in the kernel's own line. */
  get refused(): ISignal<this, string> {
    return this._refused;
  }

  /** What the user has set about the place, for sessions that begin. */
  wishes: () => Promise<IWishes> = () => Promise.resolve({ zone: '', pue: null });

  private get _kernel(): Kernel.IKernelConnection | null {
    return this._context.session?.kernel ?? null;
  }

  private _onIopub(_: ISessionContext, message: KernelMessage.IMessage): void {
    this._model.noteSign();
    if (!this._model.connected && this._kernel?.connectionStatus === 'connected') {
      this._hearAgain();
    }
    this._requests.heard(message);
    if (message.header.msg_type !== 'comm_msg') {
      return;
    }
    const content = message.content as Readonly<Record<string, unknown>>;
    if (content['comm_id'] !== COMM_ID) {
      return;
    }
    const data = content['data'];
    if (this._take(data, sender(message.parent_header)) && isObject(data) && data['kind'] === 'hello') {
      this._sayThatSomebodyListens();
    }
  }

  /** After its hello the kernel tells only who asks; the probe is no activity, and its answer no news. */
  private _sayThatSomebodyListens(): void {
    if (this._kernel?.connectionStatus === 'connected') {
      void control(this._kernel, 'comm_info_request', { target_name: COMM_ID });
    }
  }

  private _onKernelChanged(_: ISessionContext, change: Session.ISessionConnection.IKernelChangedArgs): void {
    this._asked = null;
    this._followKernel();
    const id = change.newValue?.id;
    if (id === undefined) {
      this._end('no-kernel', 'shut-down');
      return;
    }
    this._gone = false;
    if (id !== this._kernelId) {
      this._wasConnected = false;
      this._isLoadedHere = this._resumes = false;
      this._model.leave();
    }
    // A restart may bring a new connection to the same kernel: what it ended with stays.
    this._kernelId = id;
    this._ask();
  }

  private _onStatus(_: ISessionContext, status: Kernel.Status): void {
    if (status === 'restarting' || status === 'autorestarting') {
      this._restarting = true;
      this._noteForResuming();
      this._end('restarted', status === 'restarting' ? 'restarted' : 'died');
    } else if (status === 'dead') {
      this._end('dead', 'died');
    } else if (status === 'idle') {
      this._wishWhenIdle();
      if (this._restarting || this._wholeDue) {
        this._askWhenSettled();
      }
    }
  }

  /** Where it was on and measured something, it goes on by itself; the last figures stay until then. */
  private _noteForResuming(): void {
    const { phase, totals } = this._model;
    if (phase === 'measuring') {
      this._resumes = (totals?.cells ?? 0) > 0; // else it may be greencell that the kernel died of
    }
    this._model.keepsLast = this._resumes;
  }

  /** The kernel's process is gone: that its connection goes too is no news. */
  private _end(...how: Parameters<SessionModel['kernelEnded']>): void {
    this._asked = null;
    this._wasConnected = false;
    this._gone = how[0] !== 'restarted';
    this._requests.clear();
    this._model.setLink('up');
    this._model.kernelEnded(...how);
  }

  private _onConnection(_: ISessionContext, status: Kernel.ConnectionStatus): void {
    const kernel = this._kernel;
    const isUp = status === 'connected' || !this._wasConnected || !kernel;
    this._model.setLink(isUp ? 'up' : this._linkWithout(status));
    if (!isUp) {
      void this._askServer(kernel);
    }
    this._asked = null;
    this._ask();
  }

  /** The kernel is not heard: by whose fault, as far as that is known without asking. */
  private _linkWithout(status: Kernel.ConnectionStatus): Link {
    return !navigator.onLine ? 'offline' : status === 'disconnected' ? 'given-up' : 'lost';
  }

  /** Whether it is the server that is gone: asked once for each loss, of the server only. */
  private async _askServer(kernel: Kernel.IKernelConnection): Promise<void> {
    const isThere = await this._isServerThere(kernel);
    if (!isThere && !this._disposed && !this._model.connected && this._model.link !== 'offline') {
      this._model.setLink('no-server');
    }
  }

  /** The computer's network came or went. */
  private readonly _onNetwork = (): void => {
    const kernel = this._kernel;
    const isOffline = !navigator.onLine;
    this._model.setOffline(isOffline);
    if (kernel?.connectionStatus !== 'connected') {
      if (!this._model.connected && kernel) {
        this._model.setLink(this._linkWithout(kernel.connectionStatus));
      }
    } else if (isOffline) {
      void this._checkNetwork(kernel);
    } else if (!this._model.connected) {
      this._hearAgain();
    }
  };

  /** A lost network closes no connection for minutes, and a kernel on this computer needs none. */
  private async _checkNetwork(kernel: Kernel.IKernelConnection): Promise<void> {
    const isThere = await this._isServerThere(kernel);
    if (!isThere && !this._disposed && this._kernel === kernel && !navigator.onLine) {
      this._model.setLink('offline');
    }
  }

  /** The connection is there after all: nobody knows what was missed. */
  private _hearAgain(): void {
    this._model.setLink('up');
    this._wholeDue = this._model.phase === 'measuring';
    if (this._kernel?.status === 'idle') {
      this._askWhenSettled();
    }
  }

  /** Hear what this page sends to the kernel that the notebook has now. */
  private _followKernel(): void {
    const kernel = this._kernel;
    if (kernel !== this._followed) {
      this._followed?.anyMessage.disconnect(this._onMessage, this);
      kernel?.anyMessage.connect(this._onMessage, this);
      this._followed = kernel;
      this._requests.clear();
    }
  }

  private _onMessage(kernel: Kernel.IKernelConnection, { msg, direction }: Kernel.IAnyMessageArgs): void {
    if (direction === 'send') {
      this._requests.sent(msg, kernel.status === 'idle');
    }
  }

  /** A run that was not shown is forgotten at once; one that was, when its record does not come either. */
  private _onRunEnded(request: string): void {
    const waitMs = this._model.running?.request === request ? RECORD_WITHIN_MS : 0;
    if (waitMs === 0) {
      this._model.endRun(request);
    } else {
      window.setTimeout(() => {
        this._model.endRun(request);
      }, waitMs);
    }
  }

  private _wishWhenIdle(): void {
    if (this._kernel?.status === 'idle') {
      void this._wish();
    }
  }

  /** Tell a session that has begun what the user has set, unless a cell has set something else since. */
  private async _wish(): Promise<void> {
    const before = this._begunWith;
    this._begunWith = null;
    const { zone, pue } = before ? await this.wishes() : { zone: '', pue: null };
    const now = this._model.carbon;
    const isSame = now === null || this._model.over || (now.zone === before?.zone && now.pue === before.pue);
    if ((zone !== '' || pue !== null) && isSame && !this._disposed) {
      const reply = await this.request('set-zone', { ...(zone === '' ? {} : { zone }), ...(pue === null ? {} : { pue }) });
      if (!reply.ok) {
        this._refused.emit(reply.error);
      }
    }
  }

  /** Whether greencell is still there. */
  private _askAgain(): void {
    if (this._kernel && this._model.phase === 'measuring') {
      void this._probe(this._kernel);
    }
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
    if (this._resumes && this._isLoadedHere) {
      this._resumes = false;
      void this._load(LOAD); // at once: cells may be on their way already
    } else {
      void this._probe(kernel);
    }
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
      await this._notLoaded(kernel);
      return;
    }
    this._resumes = false;
    this._wholeDue = true;
    if (kernel.status === 'idle') {
      await this._askWhole();
    }
  }

  private async _notLoaded(kernel: Kernel.IKernelConnection): Promise<void> {
    if (this._model.phase === 'measuring') {
      this._isLoadedHere = this._resumes = false;
      this._model.kernelEnded('not-loaded', 'unloaded'); // by a cell, so it stays out
    } else if (await this._autoload()) {
      await this._load(LOAD);
    } else if (this._resumes && kernel === this._kernel) {
      this._resumes = false;
      await this._load(this._isLoadedHere ? LOAD : LOAD_AHEAD);
    } else if (!this._disposed && !LOADING.has(this._model.phase)) {
      this._model.setPhase('not-loaded');
    }
  }

  /** Ask for everything; whether it came. By itself the page asks an idle kernel only. */
  private async _askWhole(): Promise<boolean> {
    this._wholeDue = false;
    const askedAtS = Date.now() / 1000;
    const reply = await this.request('snapshot');
    if (this._disposed) {
      return false;
    }
    // A kernel of another version refuses, and says which.
    const isTaken = this._take(reply.ok ? reply.content['snapshot'] : reply.content);
    if (isTaken) {
      this._model.endBegun(askedAtS); // of what is on by then the picture tells
    }
    return isTaken;
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
      const isFirst = this._model.phase !== 'measuring' && hasNothing(message);
      this._model.receive(message);
      if (isFirst) {
        this._begunWith = message.info.carbon;
        this._wishWhenIdle();
      }
    } else if (decoded.reason === 'version') {
      this._model.setOtherVersion(speaks(data));
    }
    return decoded.ok;
  }

  /** By the kernel's specification: asking the kernel itself would wait for a busy one. */
  private _speaksPython(kernel: Kernel.IKernelConnection): boolean {
    const specs = this._context.specsManager.specs?.kernelspecs;
    const language = specs?.[kernel.name]?.language;
    return language === undefined || language.toLowerCase() === 'python';
  }

  /** The runs of this connection, from kernels that do not tell the request of a run. */
  private readonly _own = new Set<string>();
  private readonly _began = new Signal<this, IBegun>(this);
  private readonly _waker: Waker;
  private readonly _requests: Requests;
  private _followed: Kernel.IKernelConnection | null = null;
  private _asked: string | null = null;
  private _kernelId: string | undefined;
  private _restarting = false;
  /** Whether measuring goes on after the restart that is under way. */
  private _resumes = false;
  /** Where a session began that has not been told what the user has set. */
  private _begunWith: ICarbon | null = null;
  private readonly _refused = new Signal<this, string>(this);
  /** Whether this page loaded greencell, and no cell. */
  private _isLoadedHere = false;
  /** The request whose code may unload it. */
  private _unloading: string | null = null;
  private _wholeDue = false;
  private _wasConnected = false;
  private _gone = false;
  private _disposed = false;
  private _settling = 0;
}

const LOADING: ReadonlySet<Phase> = new Set<Phase>(['queued', 'loading']);

/** Load greencell silently: no execution count, no output, no entry in the history. */
async function load(
  kernel: Kernel.IKernelConnection,
  code: string
): Promise<'loaded' | 'not-installed' | 'load-failed'> {
  for (let tries = 0; tries < LOAD_TRIES; tries += 1) {
    const future = kernel.requestExecute({
      code,
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
  content: Readonly<Record<string, unknown>>,
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

/** Whether the server answers at all, whatever it says. */
async function isServerThere(kernel: Kernel.IKernelConnection): Promise<boolean> {
  const { serverSettings } = kernel;
  return ServerConnection.makeRequest(`${serverSettings.baseUrl}api`, {}, serverSettings).then(
    () => true,
    () => false
  );
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
