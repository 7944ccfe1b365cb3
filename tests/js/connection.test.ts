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
  loaded = true;
  /** Whether it lists greencell once that is loaded. */
  lists = true;
  probe: Content | undefined = {};
  load: Content[] = [{ status: 'ok' }];
  snapshot: Content | undefined = { ok: true, snapshot: golden('snapshot') };
  pages: Content[] = [];

  sendControlMessage(message: ISent): unknown {
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
  let connection: Connection | null = null;

  const connect = async (): Promise<Connection> => {
    context = new FakeContext(kernel);
    connection = new Connection(context as unknown as ISessionContext, model, () => Promise.resolve(autoload));
    await settle();
    return connection;
  };
  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    vi.useFakeTimers();
    kernel = new FakeKernel();
    model = new SessionModel();
    autoload = false;
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
    expect(made.askedFor(run)).toBe(true);

    context.say({ ...golden('hello'), session: 'another', seq: 0 });
    expect(made.askedFor(run)).toBe(false);
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

    expect(kernel.sent).toEqual(['control comm_info_request']);
    expect(model.phase).toBe('not-loaded');
    expect(model.ended).not.toBeNull();
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
    model.changed.connect(() => (known = made.askedFor(model.running?.run ?? '')));
    context.say(golden('cell-start'), client);

    expect(known).toBe(own); // at the first sign of the run
  });

  it('reports a refusal in the kernel’s own line', async () => {
    const made = await connect();
    kernel.snapshot = { ok: false, error: 'Unknown zone' };

    expect(await made.request('set-zone', { zone: 'Atlantis' })).toMatchObject({ ok: false, error: 'Unknown zone' });
  });
});
