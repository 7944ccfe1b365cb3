/** The live chart: power by component, stacked, with a band for each cell. Drawn when visible. */
import type { TranslationBundle } from '@jupyterlab/translation';
import uPlot from 'uplot';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { ISample } from '../trace';
import { componentClass } from './components';
import { button, element, marked, show } from '../dom';
import { type ILabel, Labels } from './labels';
import * as series from './series';
import type { IBand, IMoment, Span } from './series';

const HEIGHT_PX = 104;
/** A drag that is shorter is a click. */
const DRAG_PX = 5;
const LABEL_FROM_PX = 24;
/** The time in which a second click makes a double one. */
const DOUBLE_MS = 250;
/** The sentence for those who do not see the chart changes this rarely. */
const DESCRIBED_EVERY_S = 30;
const KEY_STEP_PX = 4;
const HATCH_PX = 6;
/** How steeply the lines rise that tell components apart without colour, as in chart.css. */
const HATCHES: Readonly<Record<string, number>> = { dram: 1, gpu: -1, other: 0 };

/** What the chart asks of its surroundings. */
export interface IChartOptions {
  windowS(): number;
  /** Whether nothing may glide. */
  still(): boolean;
  /** Somebody points at a moment, or no longer. */
  onMoment(moment: IMoment | null): void;
  /** Lead to a cell. */
  reveal(cellId: string): void;
}

export class Chart {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _options: IChartOptions
  ) {
    this.reset = button(_trans.__('Reset zoom'), 'gc-mod-link', () => {
      this._zoom(null);
      this.node.focus();
    });
    this.reset.dataset['gc'] = 'chart-reset';
    show(this.reset, false);
    this.node.append(this._labels.node);
    this.node.tabIndex = 0;
    this.node.setAttribute('role', 'img');
    this.node.addEventListener('keydown', event => {
      if (this._plot && this._onKey(event.key, this._plot)) {
        event.preventDefault();
        event.stopPropagation();
      }
    });
    this.node.addEventListener('blur', () => {
      this._point(null);
    });
  }

  readonly node: HTMLElement = marked('div', 'chart', 'gc-Chart');
  /** Shows all again. */
  readonly reset: HTMLButtonElement;

  /** The components that have a series, bottom first. */
  get components(): readonly string[] {
    return this._components;
  }

  /** What is drawn, while it is a part of the window only. */
  get zoomed(): Span | null {
    return this._zoomed;
  }

  /** How much of the past is known and shown, unzoomed. */
  get spanS(): number {
    return Math.round(this._whole[1] - this._whole[0]);
  }

  /** Whether the keys have set the moment that is shown. */
  get isByKeys(): boolean {
    return this._keyT !== null;
  }

  /** Draw the samples of the model. */
  update(model: SessionModel): void {
    this._model = model;
    this._samples = model.samples;
    this._whole = series.windowOf(this._samples, this._options.windowS(), this._options.still());
    const span = this._span;
    const drawn = series.within(this._samples, span);
    this._bands = series.bandsIn(model.records, model.running, span);
    const components = series.componentsOf(drawn);
    if (!this._plot || components.join() !== this._components.join()) {
      this._components = components;
      this._build();
    }
    this._plot?.setData(series.stacked(drawn, components));
    this._describe(model);
    this._point(this._keyT);
  }

  /** Another session: a part of the last one means nothing in it. */
  forget(): void {
    this._model = this._zoomed = this._keyT = null;
    this._describedAt = 0;
    show(this.reset, false);
  }

  /** The colours or the width changed: build anew at the next update. */
  refit(): void {
    this._plot?.destroy();
    this._plot = null;
  }

  private get _span(): Span {
    return this._zoomed ?? this._whole;
  }

  private _build(): void {
    this.refit();
    const style = getComputedStyle(this.node);
    const color = (name: string): string => style.getPropertyValue(name).trim() || '#888';
    const ground = color('--gc-color-ground');
    const areas = this._components.map((component): uPlot.Series => {
      const name = componentClass(component);
      return {
        stroke: ground,
        fill: hatched(color(`--gc-color-${name}`), ground, name),
        width: 1,
        points: { show: false }
      };
    });
    // Read here and not while drawing, where it would make the page compute all styles anew.
    const [band, grid] = [color('--gc-color-band'), color('--gc-color-grid')];
    const axis: uPlot.Axis = { ticks: { show: false } };
    // The top of the stack is drawn first, so that lower ones lie over it.
    const plot = new uPlot(
      {
        width: Math.max(120, this.node.clientWidth),
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: {
          y: false,
          points: { show: false },
          drag: { setScale: false, dist: DRAG_PX, click: () => undefined }
        },
        padding: [6, 0, 0, 0],
        scales: {
          x: { time: true, range: () => this._span },
          y: { range: (_self, _min, max) => [0, series.topOf(Number.isFinite(max) ? max : 1)] }
        },
        axes: [
          {
            ...axis,
            size: 18,
            gap: 2,
            grid: { show: false },
            splits: () => this._marks(),
            values: () => []
          },
          {
            ...axis,
            size: 34,
            gap: 3,
            grid: { stroke: grid, width: 1 },
            space: 28,
            values: (_self, levels) => {
              this._levels = levels;
              return [];
            }
          }
        ],
        hooks: {
          drawClear: [
            () => {
              this._drawBands(plot, band);
            }
          ],
          draw: [
            () => {
              this._label(plot);
            }
          ],
          setCursor: [
            () => {
              this._onCursor(plot);
            }
          ],
          setSelect: [
            () => {
              this._onSelect(plot);
            }
          ]
        },
        series: [{}, ...areas.reverse()]
      },
      [[]],
      this.node
    );
    this._plot = plot;
    plot.over.addEventListener('click', event => {
      this._onClick(event);
    });
    plot.over.addEventListener('dblclick', () => {
      window.clearTimeout(this._clicked);
      this._zoom(null);
    });
  }

  private _onCursor(plot: uPlot): void {
    const { left } = plot.cursor;
    this._moment =
      left === undefined || left < 0
        ? null
        : series.momentAt(Math.min(plot.posToVal(left, 'x'), this._lastT), this._samples, this._bands);
    plot.over.classList.toggle('gc-mod-link', this._moment?.band?.cellId != null);
    this._options.onMoment(this._moment);
  }

  private _onSelect(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width > 0) {
      this._dragged = true;
      const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this._zoom(series.zoomed([from, to], this._whole, (from + to) / 2, 1));
    }
  }

  private _onClick({ detail }: MouseEvent): void {
    const cellId = this._moment?.band?.cellId;
    if (this._dragged) {
      this._dragged = false;
    } else if (cellId != null && detail === 1) {
      window.clearTimeout(this._clicked);
      // While zoomed, a second click means something else.
      this._clicked = window.setTimeout(() => this._options.reveal(cellId), this._zoomed ? DOUBLE_MS : 0);
    }
  }

  /** Whether the key meant something here. */
  private _onKey(key: string, plot: uPlot): boolean {
    const [from, to] = this._span;
    const t = this._keyT ?? Math.min(to, this._lastT);
    const step = ((to - from) * KEY_STEP_PX) / plot.over.clientWidth;
    switch (key) {
      case 'ArrowLeft':
      case 'ArrowRight':
        this._point(this._keyT === null ? t : Math.max(from, Math.min(t + (key === 'ArrowLeft' ? -step : step), to)));
        return true;
      case 'Home':
      case 'End':
        this._point(key === 'Home' ? from : to);
        return true;
      case '+':
      case '-':
        this._zoom(series.zoomed(this._span, this._whole, t, key === '+' ? 0.5 : 2));
        return true;
      case 'Enter':
        if (this._moment?.band?.cellId != null) {
          this._options.reveal(this._moment.band.cellId);
        }
        return true;
      case 'Escape':
        if (this._zoomed) {
          this._zoom(null);
        } else {
          this.node.blur();
        }
        return true;
      default:
        return false;
    }
  }

  /** Put the crosshair at a moment, and leave it there. */
  private _point(t: number | null): void {
    const plot = this._plot;
    if (plot && (t !== null || this._keyT !== null)) {
      this._keyT = t === null ? null : Math.min(t, this._lastT);
      plot.setCursor({ left: t === null ? -10 : plot.valToPos(this._keyT ?? 0, 'x'), top: 0 });
    }
  }

  private _zoom(span: Span | null): void {
    this._zoomed = span;
    show(this.reset, span !== null);
    if (this._model) {
      this.update(this._model);
    }
    this._options.onMoment(this._moment);
  }

  private _drawBands(plot: uPlot, fill: string): void {
    const { ctx, bbox } = plot;
    ctx.fillStyle = fill;
    for (const band of this._bands) {
      const [left, right] = this._edges(band, plot);
      if (right > left) {
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
      }
    }
  }

  /** The axes' labels, and where there is room, a cell's number over its band. */
  private _label(plot: uPlot): void {
    const { left, top, height } = plot.bbox;
    const [leftPx, topPx, belowPx] = [left, top, top + height].map(length => length / devicePixelRatio) as [number, number, number];
    const labels = this._marks().map(
      (t): ILabel => ({
        kind: 'time',
        text: this._zoomed ? format.timeOfDay(t) : format.ago(this._whole[1] - t),
        leftPx: leftPx + plot.valToPos(t, 'x'),
        topPx: belowPx
      })
    );
    for (const level of this._levels) {
      labels.push({ kind: 'level', text: format.watts(level), leftPx, topPx: topPx + plot.valToPos(level, 'y') });
    }
    for (const band of this._bands) {
      const [from, to] = this._edges(band, plot);
      if (to - from >= LABEL_FROM_PX * devicePixelRatio) {
        labels.push({ kind: 'cell', text: band.prompt, leftPx: from / devicePixelRatio, topPx });
      }
    }
    this._labels.update(labels);
  }

  private _edges(band: IBand, { bbox, valToPos }: uPlot): [number, number] {
    const right = valToPos(Math.min(band.to, this._lastT), 'x', true);
    return [Math.max(bbox.left, valToPos(band.from, 'x', true)), Math.min(bbox.left + bbox.width, right)];
  }

  private _describe(model: SessionModel): void {
    const last = this._lastT;
    const state = model.running?.run ?? '';
    if (state === this._describedState && last - this._describedAt < DESCRIBED_EVERY_S) {
      return;
    }
    this._describedState = state;
    this._describedAt = last;
    const highest = this._samples.reduce((most, { byComponentW }) => Math.max(most, [...byComponentW.values()].reduce((sum, watts) => sum + watts, 0)), 0);
    const words = this._trans.__(
      'Power over the last %1, highest %2. Arrow keys move through time, + and - zoom, Enter leads to the cell.',
      format.clock(this.spanS),
      format.power(highest, true)
    );
    this.node.setAttribute('aria-label', words);
  }

  /** Two times to label, away from the edges, where a label would be cut. */
  private _marks(): number[] {
    const [from, to] = this._span;
    return [to - 0.75 * (to - from), to - 0.25 * (to - from)];
  }

  private get _lastT(): number {
    return series.lastKnown(this._samples);
  }

  private _model: SessionModel | null = null;
  private _plot: uPlot | null = null;
  private _levels: readonly number[] = [];
  private readonly _labels = new Labels();
  private _components: readonly string[] = [];
  private _samples: readonly ISample[] = [];
  private _bands: readonly IBand[] = [];
  private _whole: Span = [0, 1];
  private _zoomed: Span | null = null;
  private _moment: IMoment | null = null;
  private _keyT: number | null = null;
  private _dragged = false;
  private _clicked = 0;
  private _describedAt = 0;
  private _describedState = '';
}

/** A fill of its own for each component, which also tells them apart without colour. */
function hatched(hue: string, ground: string, name: string): string | CanvasPattern {
  const slope = HATCHES[name];
  const size = HATCH_PX * devicePixelRatio;
  const tile = element('canvas');
  tile.width = tile.height = size;
  const ctx = tile.getContext('2d');
  if (slope === undefined || !ctx) {
    return hue;
  }
  ctx.fillStyle = hue;
  ctx.fillRect(0, 0, size, size);
  ctx.strokeStyle = ground;
  ctx.lineWidth = devicePixelRatio;
  // Lines at the corners too, so that the tiles fit.
  for (const middle of [-0.5, 0.5, 1.5]) {
    ctx.moveTo(-size, (middle + 1.5 * slope) * size);
    ctx.lineTo(2 * size, (middle - 1.5 * slope) * size);
  }
  ctx.stroke();
  return ctx.createPattern(tile, 'repeat') ?? hue;
}
