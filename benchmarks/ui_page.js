// What benchmarks/ui.py does within the page: feeds it with messages as a kernel would push them,
// made after real ones, and tells when things are painted.
window.bench = {
  longTasks: [],
  lastLong: 0,
  kinds: {},

  context: () => window.jupyterapp.shell.currentWidget.sessionContext,

  /** Keep the latest real message of each kind as a template. */
  listen() {
    this.context().iopubMessage.connect((_, message) => {
      if (message.header.msg_type === 'comm_msg' && message.content.comm_id === 'greencell') {
        this.kinds[message.content.data.kind] ??= message.content.data;
        if (message.content.data.record?.final) {
          this.record = message.content.data.record;
        }
      }
    });
    this.states = [];
    this.context().statusChanged.connect((_, status) => this.states.push(status));
  },

  /** The whole, as greencell answers the page's own request. */
  async whole() {
    const { kernel } = this.context().session;
    const header = {
      msg_id: 'bench', msg_type: 'greencell_request', session: kernel.clientId, username: '',
      date: new Date().toISOString(), version: '5.3'
    };
    const message = {
      header, parent_header: {}, metadata: {}, channel: 'control', buffers: [],
      content: { wire: 1, op: 'snapshot' }
    };
    this.picture = (await kernel.sendControlMessage(message, true, true).done).content.snapshot;
  },

  /** Push one message through the session, as if it had come over the socket. */
  say(data) {
    const content = { comm_id: 'greencell', data };
    const header = { msg_type: 'comm_msg' };
    this.context()._iopubMessage.emit({ header, parent_header: {}, metadata: {}, channel: 'iopub', content });
  },

  painted: () =>
    new Promise(done => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => done(performance.now());
        port2.postMessage(0);
      });
    }),

  tick(i) {
    const template = this.kinds.tick;
    const elapsed_s = i + 1;
    const energy_j = 3.3 * elapsed_s;
    const figures = { energy_j, energy_low_j: energy_j * 0.96, energy_high_j: energy_j * 1.04, co2_g: energy_j / 9e4 };
    const watts = 20 + 10 * Math.sin(i / 7);
    const running = { ...template.running, ...figures, run: 'bench', elapsed_s, started_at: template.t };
    const by_component_j = { cpu: energy_j * 0.8, dram: energy_j * 0.2 };
    const totals = { ...template.totals, ...figures, machine_j: 2 * energy_j, duration_s: elapsed_s, by_component_j };
    const by_component_w = { cpu: watts * 0.8, dram: watts * 0.2 };
    return { ...template, seq: 1e6 + i, t: template.t + i, power_w: watts, by_component_w, running, totals };
  },

  /** A second each: `count` of them, slowly enough to be painted one by one; the median of their script. */
  async ticks(count, say) {
    const took = [];
    for (let i = 0; i < count; i += 1) {
      this.at = (this.at ?? 0) + 1;
      const data = this.tick(this.at);
      const began = performance.now();
      if (say) {
        this.say(data);
      }
      await null;
      await null;
      took.push(performance.now() - began);
      await new Promise(done => setTimeout(done, 50));
      await this.painted();
    }
    return took.sort((a, b) => a - b)[count >> 1];
  },

  /** Count what changes in the panel from here on; it must be there. */
  watchPanel() {
    this.changes = 0;
    this.observer?.disconnect();
    this.observer = new MutationObserver(changes => (this.changes += changes.length));
    this.observer.observe(
      document.querySelector("[data-gc='panel']"),
      { subtree: true, childList: true, attributes: true, characterData: true }
    );
  },

  /** As fast as the page can take them. */
  async replay(from, count) {
    for (let i = from; i < from + count; i += 1) {
      this.say(this.tick(i));
      if (i % 5 === 0) {
        await this.painted();
      }
    }
    await this.painted();
  },

  /** A session of 10,000 finished cells, in two pictures, as one holds 5,000. */
  fill(session) {
    const ids = [...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => cell.id);
    for (const half of [0, 1]) {
      const cells = Array.from({ length: 5000 }, (_, i) => {
        const n = 5000 * half + i;
        const energy_j = 1 + ((n * 7919) % 10007) / 10;
        return {
          ...this.record, run: `r${n}`, number: n + 1, execution_count: n + 1, cell_id: ids[n % ids.length],
          started_at: this.record.started_at + n, duration_s: 1 + (n % 5), energy_j,
          energy_low_j: energy_j * 0.95, energy_high_j: energy_j * 1.05, co2_g: energy_j / 9e4
        };
      });
      this.say({ ...this.picture, kind: 'snapshot', session, seq: half, cells_total: 10000, running: null, cells });
    }
  },

  /** Milliseconds from showing the panel until it is painted, and how many rows there are. */
  async show() {
    const began = performance.now();
    await window.jupyterapp.commands.execute('greencell:open-panel');
    const took = (await this.painted()) - began;
    return [took, document.querySelectorAll("[data-gc='cell-row']").length];
  },

  async click(node) {
    const began = performance.now();
    node.click();
    return (await this.painted()) - began;
  },

  /** Whether so many cells and badges are there and nothing long has run for a while. */
  rested(cells, badges, quietMs) {
    const there =
      window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle' &&
      document.querySelectorAll('.jp-Notebook .jp-CodeCell').length >= cells &&
      document.querySelectorAll('.jp-Notebook .gc-Badge').length >= badges;
    this.there = there ? this.there || performance.now() : 0;
    return there && performance.now() - Math.max(this.lastLong, this.there) > quietMs;
  },

  async scroll() {
    const began = performance.now();
    const outer = document.querySelector('.jp-Notebook .jp-WindowedPanel-outer') ?? document.querySelector('.jp-Notebook');
    this.longTasks = [];
    for (let at = -1; at < outer.scrollTop; ) {
      at = outer.scrollTop;
      outer.scrollTop += 400;
      await this.painted();
    }
    return (performance.now() - began) / 1000;
  }
};

new PerformanceObserver(list => {
  for (const { startTime, duration } of list.getEntries()) {
    window.bench.longTasks.push(duration);
    window.bench.lastLong = startTime + duration;
  }
}).observe({ type: 'longtask', buffered: true });
