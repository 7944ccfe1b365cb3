// @vitest-environment happy-dom
import type { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Connection } from '../../src/connection';
import { SessionModel } from '../../src/model';
import { golden } from './golden';

type Content = Record<string, unknown>;
interface ISent {
  header: { msg_type: string };
  channel: string;
  content: Content;
}

/** A kernel that answers what it is told to; `undefined` is no answer. */
class FakeKernel {
  id = 'k1';
  name = 'python3';
  clientId = 'client';
  username = '';
  status = 'idle';
  connectionStatus = 'connected';
  sent: string[] = [];
  contents: Content[] = [];
  loaded = true;
  /** Whether it lists greencell once that is loaded. */
  lists = true;
  probe: Content | undefined = {};
  load: Content[] = [{ status: 'ok' }];
  snapshot: Content | undefined = { ok: true, snapshot: golden('snapshot') };
  pages: Content[] = [];
  anyMessage = new Signal<this, unknown>(this);

  /** The page asks for code to be run. */
  execute(request: string, cellId: string | null = 'c1', content: Content = { code: 'x', silent: false }): void {
    const msg = {
      header: { msg_type: 'execute_request', msg_id: request },
      metadata: cellId === null ? {} : { cellId },
      content
    };
    this.anyMessage.emit({ msg, direction: 'send' });
  }

  sendControlMessage(message: ISent): unknown {
    this.contents.push(message.content);
    this.sent.push(`${message.channel} ${message.header.msg_type} ${opOf(message.content)}`.trim());
    const probe = message.header.msg_type === 'comm_info_request';
    if (opOf(message.content) === 'cells') {
      this.sent.push(String(message.content['before']));
      return future(this.pages.shift() ?? { ok: false, error: 'no more' });
    }
    return future(probe ? this.probe && { comms: this.loaded ? { greencell: {} } : {} } : this.snapshot);
  }

  requestExecute(content: Content): unknown {
    this.sent.push(`shell ${String(content['code'])} silent=${String(content['silent'])}`);
    this.loaded = this.lists;
    return future(this.load.shift());
  }
}

function future(content: Content | undefined): unknown {
  let cancel: () => void = () => undefined;
  const done = new Promise((resolve, reject) => {
    cancel = () => {
      reject(new Error('canceled'));
    };
    if (content) {
      resolve({ content });
    }
  });
  return { done, dispose: () => cancel() };
}

const opOf = ({ op }: Content): string => (typeof op === 'string' ? op : '');

/** What of a session context the connection listens to. */
class FakeContext {
  iopubMessage = new Signal<this, unknown>(this);
  kernelChanged = new Signal<this, unknown>(this);
  statusChanged = new Signal<this, unknown>(this);
  connectionStatusChanged = new Signal<this, unknown>(this);
  ready = Promise.resolve();
  isReady = true;
  prevKernelName = 'python3';
  started: string[] = [];

  shutdown(): Promise<void> {
    this.started.push('shutdown');
    return Promise.resolve();
  }

  changeKernel({ name }: { name: string }): Promise<null> {
    this.started.push(name);
    return Promise.resolve(null);
  }

  specsManager = { specs: { kernelspecs: { python3: { language: 'python' }, ir: { language: 'R' } } } };
  session: { kernel: FakeKernel | null } | null;

  constructor(readonly kernel: FakeKernel) {
    this.session = { kernel };
  }

  /** `client`: who asked for what it tells of. */
  say(data: unknown, client?: string): void {
    const content = { comm_id: 'greencell', data };
    const parent_header = client === undefined ? {} : { session: client };
    this.iopubMessage.emit({ header: { msg_type: 'comm_msg' }, parent_header, content });
  }

  /** The kernel tells all how it stands to a request. */
  tell(msg_type: string, request: string, content: Content): void {
    this.iopubMessage.emit({ header: { msg_type }, parent_header: { msg_id: request }, content });
  }

  turn(status: string): void {
    this.kernel.status = status;
    this.statusChanged.emit(status);
  }
}

describe('Connection', () => {
  let kernel = new FakeKernel();
  let context = new FakeContext(kernel);
  let model = new SessionModel();
  let autoload = false;
  let serverThere = true;
  let connection: Connection | null = null;

  const connect = async (): Promise<Connection> => {
    context = new FakeContext(kernel);
    connection = new Connection(context as unknown as ISessionContext, model, () => Promise.resolve(autoload), () =>
      Promise.resolve(serverThere)
    );
    await settle();
    return connection;
  };
  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    vi.useFakeTimers();
    kernel = new FakeKernel();
    model = new SessionModel();
    autoload = false;
    serverThere = true;
  });

  afterEach(() => {
    connection?.dispose();
    vi.useRealTimers();
  });

  it('asks an idle kernel once whether greencell is there, and then for everything', async () => {
    await connect();

    expect(kernel.sent).toEqual(['control comm_info_request', 'control greencell_request snapshot']);
    expect(model.phase).toBe('measuring');
    expect(model.records.length).toBe(2);
  });

  it.each(['busy', 'unknown'])('sends a kernel that is %s the probe and nothing else', async status => {
    kernel.status = status;
    await connect();
    context.say(golden('snapshot'));
    context.say({ ...golden('tick'), seq: 7 });
    await settle();

    expect(kernel.sent).toEqual(['control comm_info_request']);
    expect(model.running?.number).toBe(3);
  });

  it('asks for the older records when the kernel is idle and stays so', async () => {
    kernel.status = 'busy';
    await connect();
    context.turn('idle');
    context.turn('busy');
    await vi.advanceTimersByTimeAsync(1000);
    expect(kernel.sent.length).toBe(1);

    context.turn('idle');
    await vi.advanceTimersByTimeAsync(1000);
    context.turn('busy');
    context.turn('idle');
    await vi.advanceTimersByTimeAsync(1000);

    expect(kernel.sent.slice(1)).toEqual(['control greencell_request snapshot']);
  });

  it('says when a running cell falls silent, and not while it is heard', async () => {
    await connect();
    const told: string[] = [];
    model.changed.connect((_, change) => told.push(`${change} ${String(model.powerW)}`));
    for (const seq of [7, 8]) {
      context.say({ ...golden('tick'), seq });
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(told).toEqual(['live 3.25', 'live 3.25']);

    await vi.advanceTimersByTimeAsync(60_000);
    expect(told.slice(2)).toEqual(['live null']);

    context.say({ ...golden('tick'), seq: 9 });
    connection?.dispose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told.length).toBe(4);
  });

  it('forgets whose runs they were with their session', async () => {
    const made = await connect();
    const start = golden('cell-start');
    const { run } = start['running'] as { run: string };
    context.say({ ...start, seq: 7 }, kernel.clientId);
    expect(made.askedFor({ run, request: null })).toBe(true);

    context.say({ ...golden('hello'), session: 'another', seq: 0 });
    expect(made.askedFor({ run, request: null })).toBe(false);
  });

  it('fetches earlier records page by page, until there are no more', async () => {
    const [first] = golden('snapshot')['cells'] as Content[];
    const cell = (number: number): Content => ({ ...first, run: `r${number}`, number });
    kernel.snapshot = { ok: true, snapshot: { ...golden('snapshot'), cells: [cell(4), cell(5)], cells_total: 5 } };
    kernel.pages = [{ ok: true, cells: [cell(2), cell(3)], more: 1 }, { ok: true, cells: [cell(1)], more: 0 }];
    const made = await connect();
    expect(model.missingRecords).toBe(3);
    kernel.sent = [];

    await made.fetchAll();

    expect(model.missingRecords).toBe(0);
    expect(model.records.map(record => record.number).sort()).toEqual([1, 2, 3, 4, 5]);
    expect(kernel.sent).toEqual(['control greencell_request snapshot', 'control greencell_request cells', '4', 'control greencell_request cells', '2']);
  });

  it('says that it is not loaded, and loads nothing by itself', async () => {
    kernel.loaded = false;
    await connect();

    expect(model.phase).toBe('not-loaded');
    expect(kernel.sent).toEqual(['control comm_info_request']);
  });

  it('loads it silently where the user wants it in every new kernel', async () => {
    kernel.loaded = false;
    autoload = true;
    await connect();

    expect(kernel.sent).toContain('shell %load_ext greencell silent=true');
    expect(model.phase).toBe('measuring');
  });

  it.each([
    ['ModuleNotFoundError', 'not-installed'],
    ["<class 'ModuleNotFoundError'>", 'not-installed'],
    ['SyntaxError', 'load-failed']
  ])('tells %s as %s', async (ename, phase) => {
    kernel.loaded = false;
    kernel.load = [{ status: 'error', ename }];
    const made = await connect();
    await made.enable();

    expect(model.phase).toBe(phase);
  });

  it('tries again when a failing cell took the loading with it', async () => {
    kernel.loaded = false;
    kernel.load = [{ status: 'aborted' }, { status: 'ok' }];
    const made = await connect();
    await made.enable();

    expect(model.phase).toBe('measuring');
  });

  it('never waits for ever for a kernel that loaded and says nothing', async () => {
    kernel.loaded = false;
    kernel.snapshot = undefined;
    const made = await connect();
    const done = made.enable();
    await vi.advanceTimersByTimeAsync(11_000);
    await done;

    expect(model.phase).toBe('no-channel');
  });

  it('says what works in a kernel that measures and has no channel, as soon as that is known', async () => {
    kernel.loaded = false;
    kernel.snapshot = undefined;
    kernel.load = [{ status: 'ok', user_expressions: { greencell: { data: { 'text/plain': 'True' } } } }];
    kernel.lists = false;
    const made = await connect();
    await made.enable();

    expect(model.phase).toBe('no-channel');
    expect(kernel.sent).not.toContain('control greencell_request snapshot');
  });

  it('tells a greencell that could not start from one that cannot tell', async () => {
    kernel.loaded = false;
    kernel.load = [{ status: 'ok', user_expressions: { greencell: { data: { 'text/plain': 'False' } } } }];
    const made = await connect();
    await made.enable();

    expect(model.phase).toBe('load-failed');
  });

  it('leaves kernels of other languages alone', async () => {
    kernel.name = 'ir';
    autoload = true;
    const made = await connect();
    await made.enable();

    expect(kernel.sent).toEqual([]);
    expect(model.phase).toBe('other-language');
  });

  it('asks again after a restart, when the kernel is idle', async () => {
    await connect();
    kernel.sent = [];
    kernel.loaded = false;
    context.turn('restarting');
    expect(model.phase).toBe('restarted');
    expect(model.ended?.totals.energyJ).toBe(92.5);

    context.turn('idle');
    await vi.advanceTimersByTimeAsync(1000);

    expect(kernel.sent[0]).toBe('control comm_info_request');
    expect(model.ended).not.toBeNull();
  });

  const restart = async (): Promise<void> => {
    kernel.sent = [];
    kernel.loaded = false;
    context.turn('restarting');
    context.turn('idle');
    await vi.advanceTimersByTimeAsync(1000);
  };
  const begun = (session: string): Content => {
    const snapshot = golden('snapshot');
    const totals = { ...(snapshot['totals'] as Content), cells: 0 };
    return { ok: true, snapshot: { ...snapshot, session, totals, cells: [], cells_total: 0, running: null } };
  };
  const loads = (): string[] => kernel.sent.filter(sent => sent.startsWith('shell'));
  const AHEAD = "shell __import__('greencell').load_ipython_extension(get_ipython()) silent=true";

  it('goes on measuring after a restart; where a cell had loaded it, so that this cell prints nothing else', async () => {
    await connect();
    kernel.snapshot = begun('second');
    await restart();

    expect(loads()).toEqual([AHEAD]);
    expect(model.phase).toBe('measuring');
  });

  it('loads what it had loaded itself at once, ahead of cells that are on their way', async () => {
    kernel.loaded = false;
    const made = await connect();
    await made.enable();
    kernel.load = [{ status: 'ok' }];
    kernel.snapshot = begun('second');
    kernel.sent = [];
    context.turn('restarting');
    context.connectionStatusChanged.emit('connected');

    expect(kernel.sent).toEqual(['shell %load_ext greencell silent=true']);
    await settle();
    expect(model.phase).toBe('measuring');
  });

  it('loads nothing after a restart where nothing was measured, or where the kernel loads it by itself', async () => {
    kernel.snapshot = begun('first');
    await connect();
    await restart();
    expect(loads()).toEqual([]);
    expect(model.phase).toBe('not-loaded');

    kernel.snapshot = begun('second');
    kernel.loaded = true;
    context.turn('restarting');
    context.turn('idle');
    await vi.advanceTimersByTimeAsync(1000);
    expect(loads()).toEqual([]);
    expect(model.phase).toBe('measuring');
  });

  it('does not load again in a kernel that dies of it', async () => {
    await connect();
    kernel.load = [];
    await restart();
    expect(loads().length).toBe(1);
    await restart();

    expect(loads()).toEqual([]);
  });

  it('sees that a cell unloaded it, keeps the figures, and leaves it unloaded also after a restart', async () => {
    autoload = false;
    await connect();
    kernel.loaded = false;
    kernel.execute('r1', 'c1', { code: '%unload_ext greencell', silent: false });
    context.tell('status', 'r1', { execution_state: 'busy' });
    context.tell('status', 'r1', { execution_state: 'idle' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.phase).toBe('not-loaded');
    expect(model.ended?.by).toBe('unloaded');
    expect(model.over).toBe(true);

    await restart();
    expect(loads()).toEqual([]);
    expect(model.phase).toBe('not-loaded');
  });

  it('says that the page does not hear the kernel, and asks again when it does', async () => {
    await connect();
    kernel.sent = [];
    kernel.connectionStatus = 'connecting';
    context.connectionStatusChanged.emit('connecting');
    expect(model.connected).toBe(false);
    expect(kernel.sent).toEqual([]);

    kernel.connectionStatus = 'connected';
    context.connectionStatusChanged.emit('connected');
    await settle();
    expect(model.connected).toBe(true);
    expect(kernel.sent[0]).toBe('control comm_info_request');
  });

  it('asks for an update when the kernel speaks another version', async () => {
    kernel.loaded = false;
    await connect();
    context.say({ ...golden('hello'), wire: 2 });

    expect(model.phase).toBe('other-version');
    expect(model.otherVersion?.wire).toBe(2);
  });

  it('learns from a refusal which version the kernel speaks', async () => {
    kernel.snapshot = { ok: false, wire: 3, error: 'this kernel speaks wire version 3', greencell_version: '0.3.1' };
    await connect();

    expect(model.phase).toBe('other-version');
    expect(model.otherVersion).toEqual({ wire: 3, greencell: '0.3.1' });
  });

  it.each(['1.0; rm -rf ~', '$(id)', 'latest', ' 1', '1\n2', 7])('lets no version in that is none: %j', async told => {
    kernel.snapshot = { ok: false, wire: 3, error: '', greencell_version: told };
    await connect();

    expect(model.otherVersion).toEqual({ wire: 3, greencell: '' });
  });

  it('is not disconnected before it was connected', async () => {
    kernel.connectionStatus = 'connecting';
    await connect();
    context.connectionStatusChanged.emit('connecting');

    expect(model.connected).toBe(true);
  });

  it('says within a second that the kernel does not answer, and forgets it when it does', async () => {
    kernel.probe = undefined;
    await connect();
    expect(model.phase).toBe('asking');
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.phase).toBe('silent');

    context.say(golden('snapshot'));
    expect(model.phase).toBe('measuring');
  });

  it('knows a restart that nobody asked for, which looks like another one at first', async () => {
    await connect();
    context.turn('restarting');
    context.turn('autorestarting');

    expect(model.ended?.by).toBe('died');
  });

  it('waits for nothing where the kernel is gone', async () => {
    await connect();
    context.isReady = false;
    context.session = null;
    context.kernelChanged.emit({ newValue: null });
    context.connectionStatusChanged.emit('disconnected');
    await settle();

    expect(model.phase).toBe('no-kernel');
    expect(model.connected).toBe(true);
    expect(model.over).toBe(true);
  });

  it.each([['autorestarting', 'died'], ['restarting', 'restarted'], ['dead', 'died']])(
    'knows by “%s” what ended the session', async (status, by) => {
      await connect();
      context.turn(status);

      expect(model.ended?.by).toBe(by);
      expect(model.over).toBe(true);
    }
  );

  it('starts a kernel like the last one, if there was one', async () => {
    const made = await connect();
    expect(await made.startKernel()).toBe(true);
    expect(context.started).toEqual(['shutdown', 'python3']);
    context.session = null;
    expect(await made.startKernel()).toBe(true);
    context.prevKernelName = '';
    expect(await made.startKernel()).toBe(false);
    expect(context.started).toEqual(['shutdown', 'python3', 'python3']);
  });

  it('hears nothing of other comms, and nothing once disposed', async () => {
    kernel.loaded = false;
    const made = await connect();
    context.iopubMessage.emit({
      header: { msg_type: 'comm_msg' },
      content: { comm_id: 'other', data: golden('hello') }
    });
    made.dispose();
    context.say(golden('hello'));

    expect(model.phase).toBe('not-loaded');
  });

  it.each([
    ['this connection', 'client', true],
    ['another one on the same kernel', 'another', false],
    ['nobody it is told of', undefined, false]
  ])('knows whether it asked for a run: %s did', async (_, client, own) => {
    const made = await connect();
    let known = null;
    model.changed.connect(() => (known = made.askedFor({ run: model.begun?.run ?? '', request: null })));
    context.say(golden('cell-start'), client);

    expect(known).toBe(own); // at the first sign of the run
  });

  it('reports a refusal in the kernel’s own line', async () => {
    const made = await connect();
    kernel.snapshot = { ok: false, error: 'Unknown zone' };

    expect(await made.request('set-zone', { zone: 'Atlantis' })).toMatchObject({ ok: false, error: 'Unknown zone' });
  });

  describe('a run of which greencell has not told yet', () => {
    const begun = async (): Promise<Connection> => {
      kernel.snapshot = { ok: true, snapshot: { ...golden('snapshot'), running: null } };
      return connect();
    };
    const ended = (request: string, change: Content = {}): Content => {
      const { record, ...message } = golden('cell-end');
      return { ...message, seq: 90, record: { ...(record as Content), request, ...change } };
    };
    const later = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

    it('is shown from this page’s own request on, though the kernel says nothing', async () => {
      await begun();
      kernel.execute('q1', 'c7');
      expect(model.running).toBeNull();
      await later(200);

      expect(model.running).toMatchObject({ request: 'q1', cellId: 'c7', energyJ: null });
      expect(model.powerW).toBeNull();
      await later(10_000);
      expect(model.elapsedS).toBeCloseTo(10.2, 1);
      expect(model.stale).toBe(true);
      expect(model.silence).toBe('native');
    });

    it('is not shown where it ends within a moment', async () => {
      await begun();
      const seen: unknown[] = [];
      model.changed.connect(() => seen.push(model.running));
      for (let index = 0; index < 30; index++) {
        kernel.execute(`q${index}`);
        context.tell('status', `q${index}`, { execution_state: 'busy' });
        await later(100);
        context.tell('status', `q${index}`, { execution_state: 'idle' });
        context.say({ ...ended(`q${index}`, { run: `r${index}` }), seq: 100 + index });
      }
      await later(1000);

      expect(model.records.length).toBe(32);
      expect(seen.filter(running => running !== null)).toEqual([]);
    });

    it('leaves no ghost where there is no record of it: a silent, a blank or an aborted one', async () => {
      await begun();
      kernel.execute('silent', null, { code: 'x', silent: true });
      await later(1000);
      expect(model.running).toBeNull();

      context.tell('execute_input', 'blank', { code: '' });
      await later(200);
      expect(model.running?.cellId).toBeNull();
      context.tell('status', 'blank', { execution_state: 'idle' });
      await later(1000);
      expect(model.running).toBeNull();
      expect(model.totals?.told.energyJ).toBe(92.5);
    });

    it('is told of by greencell from its message on, without a step', async () => {
      await begun();
      kernel.execute('q1', 'c3f0');
      context.tell('status', 'q1', { execution_state: 'busy' });
      await later(200);
      const running = { ...(golden('tick')['running'] as Content), request: 'q1', elapsed_s: 0.2 };
      context.say({ ...golden('tick'), seq: 50, running });

      expect(model.running).toMatchObject({ request: 'q1', label: 'train', energyJ: 40 });
      context.say(ended('q1'));
      expect(model.running).toBeNull();
    });

    it('ends by Jupyter’s word where its record is lost', async () => {
      await begun();
      kernel.execute('q1', 'c3f0');
      const running = { ...(golden('tick')['running'] as Content), request: 'q1' };
      context.say({ ...golden('tick'), seq: 50, running });
      context.tell('status', 'q1', { execution_state: 'idle' });
      expect(model.running).not.toBeNull(); // its record is on the way
      await later(1000);

      expect(model.running).toBeNull();
    });

    it('is the next one in the row, when the one before has ended', async () => {
      await begun();
      kernel.execute('q1', 'c1');
      kernel.execute('q2', 'c2');
      await later(500);
      expect(model.running?.cellId).toBe('c1');

      context.tell('status', 'q1', { execution_state: 'idle' });
      context.say({ ...ended('q1') });
      await later(200);
      expect(model.running?.cellId).toBe('c2');
    });

    it('waits behind what others run', async () => {
      await begun();
      context.tell('execute_input', 'theirs', { code: 'y' });
      kernel.status = 'busy';
      kernel.execute('q1', 'c1');
      await later(500);
      expect(model.running?.request).toBe('theirs');

      context.tell('status', 'theirs', { execution_state: 'idle' });
      await later(1000);
      expect(model.running?.request).toBe('q1');
    });

    it('is not shown while nothing is counted, nor where greencell is not loaded', async () => {
      await begun();
      context.say({ ...golden('status'), seq: 50, paused: true });
      kernel.execute('q1');
      await later(1000);
      expect(model.running).toBeNull();

      model = new SessionModel();
      kernel.loaded = false;
      await connect();
      kernel.execute('q2');
      await later(1000);
      expect(model.running).toBeNull();
    });

    it('goes with its kernel', async () => {
      await begun();
      kernel.execute('q1');
      await later(1000);
      context.turn('restarting');

      expect(model.running).toBeNull();
    });

    it('is not blamed on native code where the kernel says other things', async () => {
      await begun();
      kernel.execute('q1');
      await later(5000);
      context.tell('stream', 'q1', { text: 'still here' });
      await later(5000);

      expect(model.stale).toBe(true);
      expect(model.silence).toBe('unknown');
    });

    it('tells whose it was by the request in its record', async () => {
      const made = await begun();
      kernel.execute('q1');
      const end = ended('q1', { run: 'mine' });
      context.say({ ...end, records: [{ ...(end['record'] as Content), run: 'theirs', request: 'other' }] });

      const own = model.records.filter(record => made.askedFor(record)).map(record => record.run);
      expect(own).toEqual(['mine']);
      expect(model.endedTogether.map(record => record.run)).toEqual(['theirs', 'mine']);
    });
  });

  it('answers a hello with a probe, also while a cell runs: the kernel tells only who asks', async () => {
    kernel.loaded = false;
    await connect();
    kernel.status = 'busy';
    context.say(golden('hello'));
    await settle();

    expect(kernel.sent).toEqual(['control comm_info_request', 'control comm_info_request']);
    expect(model.phase).toBe('measuring');
  });

  it('takes over the totals of an answer, but not those of another session', async () => {
    const made = await connect();
    const told = { ...(golden('cell-end')['totals'] as Content), energy_j: 200, duration_s: 700 };
    kernel.snapshot = { ok: true, totals: told, as_of: null };
    await made.request('history');
    expect(model.totals?.energyJ).toBe(200);

    kernel.snapshot = { ok: true, totals: { ...told, energy_j: 0, cells: 0, duration_s: 0 } };
    await made.request('reset');
    expect(model.totals?.energyJ).toBe(200);
  });

  describe('no connection', () => {
    const lost = async (status = 'connecting'): Promise<void> => {
      await connect();
      kernel.connectionStatus = status;
      context.connectionStatusChanged.emit(status);
      await settle();
    };
    const network = (isOn: boolean): void => {
      vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(isOn);
      window.dispatchEvent(new Event(isOn ? 'online' : 'offline'));
    };
    afterEach(() => vi.restoreAllMocks());

    it.each([['connecting', 'lost'], ['disconnected', 'given-up']])('is told from a kernel that is %s', async (status, link) => {
      await lost(status);

      expect(model.link).toBe(link);
    });

    it('is told from a server that is gone', async () => {
      serverThere = false;
      await lost();

      expect(model.link).toBe('no-server');
    });

    it('is told from a computer without network', async () => {
      await lost();
      network(false);
      expect(model.link).toBe('offline');
      network(true);
      expect(model.link).toBe('lost');
    });

    it('is noticed where no connection has been closed yet, and is over with the next word', async () => {
      await connect();
      serverThere = false;
      network(false);
      await settle();
      expect(model.link).toBe('offline');

      context.say({ ...golden('tick'), seq: 50 });
      expect(model.link).toBe('up');
    });

    it('is over with the network, and what was missed is asked for', async () => {
      await connect();
      serverThere = false;
      network(false);
      await settle();
      kernel.sent = [];
      network(true);
      await vi.advanceTimersByTimeAsync(1000);

      expect(model.link).toBe('up');
      expect(kernel.sent).toEqual(['control greencell_request snapshot']);
    });

    it('is none while messages come: a kernel on this computer needs no network', async () => {
      await connect();
      network(false);
      context.say({ ...golden('tick'), seq: 50 });

      expect(model.connected).toBe(true);
      expect(model.stale).toBe(false);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(model.stale).toBe(true);
      expect(model.silence).toBe('offline');
    });
  });
});

describe('what the user has set about the place', () => {
  const SNAPSHOT = golden('snapshot');
  const nothing = (session: string, carbon: Content = {}): Content => {
    const info = SNAPSHOT['info'] as Content;
    const told = { ...info, carbon: { ...(info['carbon'] as Content), ...carbon } };
    return { ...SNAPSHOT, session, info: told, cells: [], cells_total: 0, running: null };
  };
  let kernel = new FakeKernel();
  let context = new FakeContext(kernel);
  let connection: Connection | null = null;
  const asked = (): unknown[] => kernel.contents.filter(({ op }) => op === 'set-zone');

  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    connection?.dispose();
    vi.useRealTimers();
  });

  async function connect(snapshot: Content, wishes = { zone: 'FR', pue: 1.2 as number | null }): Promise<Connection> {
    kernel = new FakeKernel();
    kernel.snapshot = { ok: true, snapshot };
    context = new FakeContext(kernel);
    const made = new Connection(context as unknown as ISessionContext, new SessionModel(), () => Promise.resolve(false));
    made.wishes = () => Promise.resolve(wishes);
    connection = made;
    await vi.advanceTimersByTimeAsync(500);
    return made;
  }

  it('is told to a session that has begun, once', async () => {
    await connect(nothing('new'));
    context.turn('busy');
    context.turn('idle');
    await vi.advanceTimersByTimeAsync(500);

    expect(asked()).toEqual([{ wire: 1, op: 'set-zone', zone: 'FR', pue: 1.2 }]);
  });

  it.each([
    [{ zone: 'FR', pue: null }, { zone: 'FR' }],
    [{ zone: '', pue: 1.2 }, { pue: 1.2 }]
  ])('is told as far as it is set: %j', async (wishes, told) => {
    await connect(nothing('new'), wishes);
    expect(asked()).toEqual([{ wire: 1, op: 'set-zone', ...told }]);
  });

  it('is not told where nothing is set, nor to a session in which cells ran', async () => {
    await connect(nothing('new'), { zone: '', pue: null });
    expect(asked()).toEqual([]);
    connection?.dispose();
    await connect(SNAPSHOT);
    expect(asked()).toEqual([]);
  });

  it('waits for a busy kernel, and gives way to what a cell set meanwhile', async () => {
    await connect(nothing('new'), { zone: '', pue: null });
    const made = connection;
    context.turn('restarting');
    if (made) {
      made.wishes = () => Promise.resolve({ zone: 'FR', pue: null });
    }
    kernel.loaded = false;
    context.turn('busy');
    context.say({ ...nothing('second'), kind: 'hello' });
    expect(asked()).toEqual([]);
    context.say({ ...golden('status'), session: 'second', seq: 90, info: nothing('x', { zone: 'DE' })['info'] });
    context.turn('idle');
    await vi.advanceTimersByTimeAsync(500);

    expect(asked()).toEqual([]);
  });

  it('is not told again after a reset, which keeps what was set', async () => {
    await connect(nothing('new'));
    context.say({ ...nothing('reset'), kind: 'hello' });
    await vi.advanceTimersByTimeAsync(500);

    expect(asked().length).toBe(1);
  });

  it('says in the kernel’s own line that a place is none', async () => {
    const made = await connect(SNAPSHOT);
    const said: string[] = [];
    made.refused.connect((_, line) => said.push(line));
    context.turn('restarting');
    kernel.snapshot = { ok: false, error: 'Unknown zone' };
    context.turn('idle');
    context.say({ ...nothing('second'), kind: 'hello' });
    await vi.advanceTimersByTimeAsync(500);

    expect(said).toEqual(['Unknown zone']);
  });
});
