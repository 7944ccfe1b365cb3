/** The live chart: power by component, stacked, with a band for each cell. Drawn when visible. */
import uPlot from 'uplot';

import * as format from '../format';
import type { SessionModel } from '../model';
import { CHART_WINDOW_S, type ISample } from '../trace';
import { marked } from './dom';
import { componentClass, componentRank } from './components';

const HEIGHT_PX = 96;
const MIN_SPAN_S = 60;

interface IBand {
  from: number;
  to: number;
}

export class Chart {
  readonly node: HTMLElement = marked('div', 'chart', 'gc-Chart');

  /** The components that have a series, bottom first. */
  components(model: SessionModel): string[] {
    const found = new Set<string>();
    for (const sample of model.samples) {
      for (const component of sample.byComponentW.keys()) {
        found.add(component);
      }
    }
    return [...found].sort((a, b) => componentRank(a) - componentRank(b));
  }

  /** Draw the samples of the model. */
  update(model: SessionModel): void {
    const components = this.components(model);
    if (!this._plot || components.join() !== this._series) {
      this._build(components);
    }
    const samples = model.samples;
    const last = samples[samples.length - 1]?.t ?? 0;
    this._bands = bands(model, last);
    const first = Math.max(last - CHART_WINDOW_S, Math.min(samples[0]?.t ?? last, last - MIN_SPAN_S));
    this._range = [first, last];
    this._plot?.setData(stacked(samples, components));
  }

  /** The colours or the width changed: build anew at the next update. */
  refit(): void {
    this._destroy();
  }

  dispose(): void {
    this._destroy();
  }

  private _build(components: readonly string[]): void {
    this._destroy();
    this._series = components.join();
    const style = getComputedStyle(this.node);
    const color = (name: string): string => style.getPropertyValue(name).trim() || '#888';
    const series: uPlot.Series[] = components.map(component => {
      const hue = color(`--gc-color-${componentClass(component)}`);
      return { stroke: hue, fill: hue, width: 0, points: { show: false } };
    });
    // The top of the stack is drawn first, so that lower ones lie over it.
    this._plot = new uPlot(
      {
        width: Math.max(120, this.node.clientWidth),
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { show: false },
        padding: [6, 0, 0, 0],
        scales: {
          x: { time: true, range: () => this._range },
          y: { range: (_self, _min, max) => [0, Math.max(1, (Number.isFinite(max) ? max : 1) * 1.1)] }
        },
        axes: [
          {
            stroke: color('--gc-color-dim'),
            font: '10px system-ui',
            size: 18,
            gap: 2,
            grid: { show: false },
            ticks: { show: false },
            splits: () => this._marks(),
            values: (_self, ticks) => ticks.map(t => format.ago(this._range[1] - t))
          },
          {
            stroke: color('--gc-color-dim'),
            font: '10px system-ui',
            size: 34,
            gap: 3,
            grid: { stroke: color('--gc-color-grid'), width: 1 },
            ticks: { show: false },
            space: 28,
            values: (_self, ticks) => ticks.map(format.watts)
          }
        ],
        hooks: {
          drawClear: [
            plot => {
              this._drawBands(plot, color('--gc-color-band'));
            }
          ]
        },
        series: [{}, ...series.reverse()]
      },
      [[]],
      this.node
    );
  }

  private _drawBands(plot: uPlot, fill: string): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = fill;
    for (const band of this._bands) {
      const left = Math.max(bbox.left, plot.valToPos(band.from, 'x', true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(band.to, 'x', true));
      if (right > left) {
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
      }
    }
    ctx.restore();
  }

  /** Two times to label, away from the edges, where a label would be cut. */
  private _marks(): number[] {
    const [from, to] = this._range;
    return [to - 0.75 * (to - from), to - 0.25 * (to - from)];
  }

  private _destroy(): void {
    this._plot?.destroy();
    this._plot = null;
    this._series = '';
  }

  private _plot: uPlot | null = null;
  private _series = '';
  private _bands: readonly IBand[] = [];
  private _range: [number, number] = [0, MIN_SPAN_S];
}

/** Columns for uPlot: the topmost sum first; `null` where nothing was read. */
function stacked(samples: readonly ISample[], components: readonly string[]): uPlot.AlignedData {
  const times = samples.map(sample => sample.t);
  const sums = components.map((_, level) =>
    samples.map(sample => {
      if (sample.byComponentW.size === 0) {
        return null;
      }
      const below = components.slice(0, level + 1);
      return below.reduce((sum, component) => sum + (sample.byComponentW.get(component) ?? 0), 0);
    })
  );
  return [times, ...sums.reverse()];
}

function bands(model: SessionModel, last: number): IBand[] {
  const from = last - CHART_WINDOW_S;
  const finished = model.records
    .slice(-200)
    .filter(record => record.parent === null && record.startedAt + record.durationS >= from)
    .map(record => ({ from: record.startedAt, to: record.startedAt + record.durationS }));
  return model.running ? [...finished, { from: model.running.startedAt, to: last }] : finished;
}
