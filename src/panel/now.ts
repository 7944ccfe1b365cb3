/** What happens now: power, the running cell counting, and the chart. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import { Chart } from './chart';
import { componentClass, componentName } from './components';
import { element, marked, section, setData, setText, show } from './dom';

export class Now {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _nameOf: (cellId: string | null) => string
  ) {
    const head = element('div', 'gc-Row gc-Now-head', this._state, this._power);
    this.node = section(_trans.__('Now'), head, this._running, this._chart.node, this._legend);
    this._running.append(this._name, this._energy, this._elapsed);
  }

  readonly node: HTMLElement;

  /** Show the figures of now; `redraw` also the chart. */
  update(model: SessionModel, redraw: boolean): void {
    const { running, totals } = model;
    const provenance = totals?.provenance ?? 'estimated';
    const estimated = format.isEstimated(provenance);
    // What was read last is not the power of now where nothing has been heard since.
    const powerW = model.stale || !model.connected ? null : model.powerW;
    setText(this._power, running ? format.power(powerW, estimated) : '');
    setData(this._power, 'power-w', running ? powerW : null);
    setText(this._state, this._stateWord(model));
    show(this._running, running !== null);
    if (running) {
      setText(this._name, running.label ?? this._nameOf(running.cellId));
      setText(this._energy, format.energyWithInterval({ ...running, provenance }));
      setText(this._elapsed, format.clock(model.elapsedS));
      setData(this._running, 'cell-id', running.cellId);
      setData(this._running, 'energy-j', running.energyJ);
      setData(this._running, 'co2-g', running.co2G);
    }
    const drawn = model.samples.length > 0;
    show(this._chart.node, drawn);
    if (drawn && redraw) {
      this._chart.update(model);
      this._updateLegend(model, estimated);
    }
    show(this._legend, drawn);
  }

  /** The panel got another width or theme. */
  refit(model: SessionModel): void {
    this._chart.refit();
    if (model.samples.length > 0) {
      this._chart.update(model);
    }
  }

  dispose(): void {
    this._chart.dispose();
  }

  private _updateLegend(model: SessionModel, estimated: boolean): void {
    const items = this._chart.components(model).map(component => {
      const watts = model.running ? model.byComponentW.get(component) : undefined;
      const text = watts === undefined ? '' : ` ${format.power(watts, estimated)}`;
      const key = element('i', `gc-Key gc-mod-${componentClass(component)}`);
      return element('span', 'gc-Legend-item', key, componentName(component) + text);
    });
    this._legend.replaceChildren(...items);
  }

  private _stateWord(model: SessionModel): string {
    if (model.over) {
      return this._trans.__('Ended');
    }
    if (model.paused) {
      return this._trans.__('Paused: nothing is counted');
    }
    if (!model.connected) {
      return this._trans.__('Disconnected from the kernel; the figures will catch up');
    }
    if (model.stale) {
      return this._trans.__(
        'No reading for %1: native code holds the interpreter; the figures will catch up',
        format.clock(model.elapsedS - (model.running?.elapsedS ?? 0))
      );
    }
    if (!model.running) {
      return this._trans.__('Idle');
    }
    const others = model.running.others;
    return others > 0
      ? this._trans._n('Running, with %1 other cell', 'Running, with %1 other cells', others)
      : this._trans.__('Running');
  }

  private readonly _state = element('span', 'gc-Dim gc-Grow gc-Wrap');
  private readonly _power = marked('span', 'power', 'gc-Power');
  private readonly _running = marked('div', 'cell-running', 'gc-Row gc-Running');
  private readonly _name = element('span', 'gc-Code gc-Grow');
  private readonly _energy = element('span', 'gc-Running-energy');
  private readonly _elapsed = element('span', 'gc-Dim');
  private readonly _legend = element('div', 'gc-Legend');
  private readonly _chart = new Chart();
}
