/** What happens now: the running cell counting, its power, and the chart. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import { Hold } from '../hold';
import type { Link, SessionModel } from '../model';
import type { Settings } from '../settings';
import { Chart } from './chart';
import { button, element, marked, section, setData, setText, show } from '../dom';
import { Legend } from './legend';
import { type IMoment, RUNNING_PROMPT } from './series';

const reducedMotion = window.matchMedia('(prefers-reduced-motion: reduce)');

/** What it asks of its surroundings. */
export interface INowOptions {
  settings: Settings;
  nameOf(cellId: string | null): string;
  /** Lead to a cell. */
  reveal(cellId: string): void;
}

export class Now {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _options: INowOptions
  ) {
    const { settings, reveal } = _options;
    this._legend = new Legend(_trans);
    this._chart = new Chart(_trans, {
      windowS: () => settings.chartWindowS,
      still: () => !settings.animations || reducedMotion.matches,
      onMoment: moment => {
        this._moment = moment;
        this._updateBelow();
      },
      reveal
    });
    this._name = button('', 'gc-mod-link gc-Code gc-Grow', () => {
      const cellId = this._model?.running?.cellId;
      if (cellId != null) {
        reveal(cellId);
      }
    });
    const head = element('div', 'gc-Row gc-Now-head', this._state, this._power);
    const prompt = element('span', 'gc-Code gc-Dim gc-Prompt', RUNNING_PROMPT);
    this._running.append(
      element('div', 'gc-Row', prompt, this._name, this._elapsed),
      element('div', 'gc-Row', this._energy, this._interval)
    );
    const below = element('div', 'gc-Row gc-Chart-below', this._readout, this._chart.reset);
    this._drawn.append(this._chart.node, below, this._legend.node);
    this.node = section(_trans.__('Now'), head, this._running, this._drawn);
  }

  readonly node: HTMLElement;

  /** Show the figures of now; `redraw` also the chart. */
  update(model: SessionModel, redraw: boolean): void {
    const { running, totals } = model;
    this._model = model;
    const provenance = totals?.provenance ?? 'estimated';
    this._estimated = format.isEstimated(provenance);
    this._showPower(model);
    setText(this._state, this._stateWord(model));
    show(this._running, running !== null);
    if (running) {
      const known = { ...running, provenance };
      setText(this._name, running.label ?? this._options.nameOf(running.cellId));
      setText(this._energy, format.energyWithInterval(known, this._energyHold));
      setText(this._interval, format.energyForm(known) === 'value' ? format.interval(known) : '');
      setText(this._elapsed, format.clock(model.elapsedS));
      setData(this._running, 'cell-id', running.cellId);
      setData(this._running, 'energy-j', running.energyJ);
      setData(this._running, 'co2-g', running.co2G);
    }
    show(this._drawn, model.samples.length > 0);
    if (model.samples.length > 0 && redraw) {
      this._chart.update(model);
      this._updateBelow();
    }
  }

  /** The power of the running cell; while none runs, what the kernel draws at idle. */
  private _showPower({ running, powerW, idlePower }: SessionModel): void {
    const idle = idlePower ? format.powerWithInterval(idlePower) : '';
    setText(this._power, running ? format.power(powerW, this._estimated, this._powerHold) : idle);
    setData(this._power, 'power-w', running ? powerW : (idlePower?.powerW ?? null));
    this._power.classList.toggle('gc-mod-resting', !running);
    this._power.title = running || !idlePower ? '' : this._trans.__('Idle power, as the kernel has told it');
  }

  /** Another notebook: what somebody looked at was in the last one. */
  forget(): void {
    this._model = null;
    this._chart.forget();
  }

  /** The panel got another width or theme. */
  refit(model: SessionModel): void {
    this._chart.refit();
    this.update(model, true);
  }

  dispose(): void {
    this._chart.refit();
  }

  /** The legend, and what the crosshair stands on or else the span of the chart. */
  private _updateBelow(): void {
    const [moment, model] = [this._moment, this._model];
    const idle = model?.running ? undefined : model?.samples.at(-1);
    const powers = (moment ?? idle ?? model)?.byComponentW ?? new Map<string, number>();
    this._legend.update(this._chart.components, powers, this._estimated);
    setText(this._readout, moment ? this._momentWords(moment) : this._spanWords());
    // Whoever moves the crosshair by keys hears where it stands; nobody hears the seconds pass.
    this._drawn.ariaLive = moment && this._chart.isByKeys ? 'polite' : 'off';
  }

  private _momentWords({ t, band }: IMoment): string {
    const cell = band
      ? `${band.prompt} ${band.label ?? this._options.nameOf(band.cellId)}`.trim()
      : this._trans.__('between cells');
    return `${format.timeOfDay(t)} · ${cell}`;
  }

  private _spanWords(): string {
    const span = this._chart.zoomed;
    return span
      ? span.map(format.timeOfDay).join(' – ')
      : this._trans.__('Last %1', format.clock(this._chart.spanS));
  }

  private _stateWord(model: SessionModel): string {
    if (model.over) {
      return this._trans.__('Ended');
    }
    if (model.paused) {
      return this._trans.__('Paused: nothing is counted');
    }
    if (!model.connected) {
      return this._linkWords(model.link);
    }
    if (model.running && model.stale) {
      return this._silenceWords(model);
    }
    if (!model.running) {
      return this._trans.__('Idle');
    }
    const others = model.running.others;
    return others > 0
      ? this._trans._n('Running, with %1 other cell', 'Running, with %1 other cells', others)
      : this._trans.__('Running');
  }

  private _linkWords(link: Link): string {
    const trans = this._trans;
    switch (link) {
      case 'offline':
        return trans.__('No connection: this computer is offline; the figures will catch up');
      case 'no-server':
        return trans.__('No connection: the Jupyter server does not answer; the figures will catch up');
      case 'given-up':
        return trans.__('No connection to the kernel; Kernel › Reconnect to Kernel tries again');
      default:
        return trans.__('No connection to the kernel; the figures will catch up');
    }
  }

  private _silenceWords({ silence, unheardS }: SessionModel): string {
    const [trans, time] = [this._trans, format.clock(unheardS)];
    switch (silence) {
      case 'native':
        return trans.__('No reading for %1: native code holds the interpreter; the figures will catch up', time);
      case 'offline':
        return trans.__('No reading for %1: no connection, this computer is offline; the figures will catch up', time);
      default:
        return trans.__('No reading for %1; the figures will catch up', time);
    }
  }

  private _model: SessionModel | null = null;
  private _moment: IMoment | null = null;
  private _estimated = true;
  private readonly _powerHold = new Hold();
  private readonly _energyHold = new Hold();
  private readonly _state = element('span', 'gc-Dim gc-Grow gc-Wrap');
  private readonly _power = marked('span', 'power', 'gc-Power');
  private readonly _running = marked('div', 'cell-running', 'gc-Running');
  private readonly _name: HTMLButtonElement;
  private readonly _energy = element('span', 'gc-Running-energy');
  private readonly _interval = element('span', 'gc-Dim');
  private readonly _elapsed = element('span', 'gc-Dim gc-Elapsed');
  private readonly _drawn = element('div');
  private readonly _readout = marked('div', 'chart-readout', 'gc-Dim gc-Grow');
  private readonly _legend: Legend;
  private readonly _chart: Chart;
}
