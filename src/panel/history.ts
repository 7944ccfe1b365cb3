/** The past of this notebook: its sessions, what they come to, and how each cell's energy went. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import {
  decodeHistory,
  type IHistory,
  type IPast,
  type IPastCell,
  type IPastRun,
  type IPastSession,
  MAX_RUNS
} from '../history';
import type { IFigures, ITotals, Provenance } from '../wire';
import { mixture } from '../words';
import { Asked, type Asker, type Follower } from './asked';
import { element, marked, setData, setText } from '../dom';
import type { Names } from './places';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 72;
const HEIGHT = 18;
/** From the edge, so that the last run's dot is whole. */
const EDGE = 3;

export class History extends Asked<IHistory> {
  /** `names` gives the cells of now, `reveal` leads to one. */
  constructor(
    trans: TranslationBundle,
    asker: Asker,
    private readonly _options: { names(): Names; reveal(cellId: string): void; totals?(): ITotals | null }
  ) {
    super('history', trans.__('This notebook so far'), trans, asker, decodeHistory, () => _options.totals?.() ?? null);
  }

  protected override _shown(answer: IHistory, _: ITotals | null, followers: Follower[]): HTMLElement[] {
    const trans = this._trans;
    const sessions = [...answer.sessions].reverse();
    if (sessions.length === 0) {
      return [element('p', 'gc-Dim', trans.__('No session of this notebook has been kept yet.'))];
    }
    const largestJ = Math.max(...sessions.map(({ energyJ }) => energyJ ?? 0));
    const names = this._options.names();
    const cells = answer.cells.filter(({ cellId, label }) => label !== null || names(cellId) !== null);
    const nodes = [
      ...this._total(answer, followers),
      element('ol', 'gc-Places gc-Sessions', ...sessions.map(one => this._session(one, largestJ, followers)))
    ];
    if (cells.length > 0) {
      nodes.push(
        element('h3', 'gc-Subtitle', trans.__('Each cell, from run to run')),
        element('ul', 'gc-Places gc-Trends', ...cells.map(one => this._trend(one, one.label ?? names(one.cellId) ?? trans.__('(deleted cell)'))))
      );
    }
    return nodes;
  }

  private _total({ total, sessions, more }: IHistory, followers: Follower[]): HTMLElement[] {
    if (!total) {
      return [];
    }
    const trans = this._trans;
    const count = sessions.length;
    const over = more
      ? trans._n('over the last %1 session', 'over the last %1 sessions', count)
      : trans._n('over %1 session', 'over %1 sessions', count);
    const [energy, rest] = [element('strong'), element('span')];
    const node = marked('p', 'history-total', 'gc-Wrap', energy, rest);
    const tell = (figures: IPast): void => {
      setText(energy, format.energyWithInterval(figures));
      setText(rest, ` · ${format.co2WithInterval(figures)} CO₂e ${over}`);
      node.title = [format.interval(figures), format.co2Interval(figures)].join('\n');
      setData(node, 'energy-j', figures.energyJ);
      setData(node, 'co2-g', figures.co2G);
    };
    tell(total);
    const here = sessions.find(one => one.isHere);
    if (here) {
      followers.push(totals => {
        tell({ ...total, ...moved(total, here, totals), provenance: withEstimate(total.provenance, totals.provenance) });
      });
    }
    const mixed = mixture(total.bases, trans);
    return mixed ? [node, element('p', 'gc-Small', mixed)] : [node];
  }

  private _session(one: IPastSession, largestJ: number, followers: Follower[]): HTMLElement {
    const trans = this._trans;
    const at = new Date(one.startedAt * 1000);
    const day = at.toLocaleDateString([], { day: 'numeric', month: 'short' });
    const hour = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const line = element('div', 'gc-Row', element('span', 'gc-Grow', `${day}, ${hour}`));
    const word = one.isHere ? trans.__('this one') : stateWord(one.state, trans);
    if (word) {
      line.append(element('span', 'gc-Here', word));
    }
    const energy = element('span', 'gc-Cell-energy');
    line.append(energy);
    const bar = element('div', 'gc-Bar');
    const share = largestJ > 0 ? (100 * (one.energyJ ?? 0)) / largestJ : 0;
    bar.style.setProperty('--gc-share', `${share.toFixed(1)}%`);
    const node = marked('li', 'history-session', one.isHere ? 'gc-Place gc-mod-here' : 'gc-Place', line, bar);
    const details = element('div', 'gc-Dim gc-Ellipsis');
    node.append(details);
    const tell = (figures: IPast & { durationS: number }): void => {
      const count = trans._n('%1 cell', '%1 cells', figures.cells);
      const about = `${format.co2WithInterval(figures)} CO₂e · ${count} · ${format.clock(figures.durationS)}`;
      setText(energy, format.energyWithInterval(figures));
      setText(details, about);
      node.title = [
        one.label ?? '',
        `${at.toLocaleString()} · ${one.zoneName}`,
        about,
        format.interval(figures),
        format.co2Interval(figures)
      ]
        .filter(words => words !== '')
        .join('\n');
      setData(node, 'energy-j', figures.energyJ);
    };
    tell(one);
    if (one.isHere) {
      followers.push(tell); // the session of now has one total, wherever it stands
    }
    setData(node, 'state', one.state);
    return node;
  }

  private _trend({ cellId, runs }: IPastCell, name: string): HTMLElement {
    const last = runs[runs.length - 1];
    const words = trendWords(runs, this._trans);
    const line = marked(
      'button',
      'history-trend',
      'gc-Trend gc-Row',
      element('span', 'gc-Code gc-Grow', name),
      sparkline(runs),
      element('span', 'gc-Cell-energy', last ? format.energyWithInterval(last) : '')
    );
    line.type = 'button';
    line.title = [name, this._trans._n('one run', 'the last %1 runs', runs.length), words].join('\n').trim();
    line.addEventListener('click', () => {
      this._options.reveal(cellId);
    });
    setData(line, 'cell-id', cellId);
    return element('li', '', line, ...(words ? [element('div', 'gc-Small', words)] : []));
  }
}

/** A sum with the session of now as it has become. */
function moved(sum: IFigures, here: IFigures, now: IFigures): IFigures {
  const by = (key: keyof IFigures): number | null => {
    const [all, then, of] = [sum[key], here[key], now[key]];
    return all === null || then === null || of === null ? all : all - then + of;
  };
  return {
    energyJ: by('energyJ'),
    energyLowJ: by('energyLowJ'),
    energyHighJ: by('energyHighJ'),
    co2G: by('co2G'),
    co2LowG: by('co2LowG'),
    co2HighG: by('co2HighG')
  };
}

function withEstimate(one: Provenance, other: Provenance): Provenance {
  return one === other ? one : 'mixed';
}

function stateWord(state: IPastSession['state'], trans: TranslationBundle): string {
  return state === 'lost' ? trans.__('kernel died') : state === 'running' ? trans.__('running') : '';
}

/** "down 20 % since the first run"; empty where the intervals leave it open. */
export function trendWords(runs: readonly IPastRun[], trans: TranslationBundle): string {
  const [first, last] = [runs[0], runs[runs.length - 1]];
  if (!first || !last || first.energyJ <= 0) {
    return '';
  }
  const change = format.percent(Math.abs(last.energyJ / first.energyJ - 1));
  const since =
    runs.length < MAX_RUNS ? trans.__('since the first run') : trans.__('over the last %1 runs', runs.length);
  return last.energyHighJ < first.energyLowJ
    ? trans.__('down %1 %2', change, since)
    : last.energyLowJ > first.energyHighJ
      ? trans.__('up %1 %2', change, since)
      : '';
}

/** The energies of the runs, from 0 up: a line and a dot for the last; its words stand beside. */
function sparkline(runs: readonly IPastRun[]): SVGElement {
  const most = Math.max(...runs.map(({ energyJ }) => energyJ)) || 1;
  const points = runs.map(({ energyJ }, index) => [
    EDGE + (index / (runs.length - 1)) * (WIDTH - 2 * EDGE),
    HEIGHT - EDGE - (energyJ / most) * (HEIGHT - 2 * EDGE)
  ] as const);
  const image = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'gc-Spark', 'aria-hidden': 'true' });
  const [x, y] = points[points.length - 1] ?? [0, 0];
  image.append(
    svg('polyline', { points: points.map(point => point.map(n => n.toFixed(1)).join()).join(' ') }),
    svg('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: '2' })
  );
  return image;
}

function svg(tag: 'svg' | 'polyline' | 'circle', attributes: Readonly<Record<string, string>>): SVGElement {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  return node;
}
