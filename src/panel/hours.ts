/** Greener hours ahead: the forecast as a staircase, the best start marked, and one sentence. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { IAhead, IBestStart, IForecastPoint } from '../whatif';
import { element, marked } from '../dom';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 240;
const HEIGHT = 44;
const DAY_MS = 86_400_000;

/** The sentence and the staircase. `nowMs` is this page's clock. */
export function hoursAhead(ahead: IAhead, trans: TranslationBundle, nowMs: number): HTMLElement[] {
  const words = marked('p', 'ahead', 'gc-Wrap', aheadWords(ahead.best, trans, nowMs));
  const kind = ahead.basis === 'marginal' ? trans.__('marginal, in no sum') : ahead.basis;
  const source = element(
    'p',
    'gc-Small',
    trans.__('Forecast by %1 for %2 (%3)', ahead.provider, ahead.zone, kind)
  );
  return ahead.points.length < 2 ? [words, source] : [words, staircase(ahead, trans), source];
}

/** "Starting at 02:00 would save 38 %", in this page's time and language. */
export function aheadWords(best: IBestStart | null, trans: TranslationBundle, nowMs: number): string {
  if (!best) {
    return trans.__('No hour ahead is clearly better.');
  }
  return trans.__('Starting %1 would save %2.', clock(best.at * 1000, trans, nowMs), format.percent(best.saving));
}

/** An hour of today, tomorrow, or a day with its name. */
function clock(atMs: number, trans: TranslationBundle, nowMs: number): string {
  const at = new Date(atMs);
  const hour = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const midnight = new Date(nowMs).setHours(0, 0, 0, 0);
  const days = Math.floor((atMs - midnight) / DAY_MS);
  if (days <= 0) {
    return trans.__('at %1', hour);
  }
  return days === 1
    ? trans.__('tomorrow at %1', hour)
    : trans.__('%1 at %2', at.toLocaleDateString([], { weekday: 'long' }), hour);
}

function staircase({ points, best }: IAhead, trans: TranslationBundle): HTMLElement {
  const first = points[0]?.at ?? 0;
  const last = points[points.length - 1]?.at ?? first;
  const step = last - (points[points.length - 2]?.at ?? first);
  const highest = Math.max(...points.map(point => point.intensityGPerKwh), 1);
  const x = (at: number): number => ((at - first) / Math.max(1, last + step - first)) * WIDTH;
  const y = (value: number): number => HEIGHT - (value / highest) * (HEIGHT - 4);
  const image = document.createElementNS(SVG, 'svg');
  image.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  image.setAttribute('preserveAspectRatio', 'none');
  image.setAttribute('class', 'gc-Stairs');
  image.setAttribute('role', 'img');
  image.setAttribute(
    'aria-label',
    trans.__('Carbon intensity ahead: from %1 to %2', ...ends(points))
  );
  if (best) {
    const from = x(best.at);
    image.append(rectangle(from, Math.max(2, x(best.at + best.durationS) - from)));
  }
  const path = document.createElementNS(SVG, 'path');
  const stairs = points.map(({ at, intensityGPerKwh }, index) => {
    const until = points[index + 1]?.at ?? last + step;
    return `L${x(at).toFixed(1)} ${y(intensityGPerKwh).toFixed(1)}H${x(until).toFixed(1)}`;
  });
  path.setAttribute('d', `M0 ${HEIGHT}${stairs.join('')}V${HEIGHT}Z`);
  path.setAttribute('class', 'gc-Stairs-area');
  image.append(path);
  return element('div', 'gc-Stairs-frame', image);
}

function rectangle(from: number, width: number): SVGRectElement {
  const mark = document.createElementNS(SVG, 'rect');
  mark.setAttribute('x', from.toFixed(1));
  mark.setAttribute('y', '0');
  mark.setAttribute('width', width.toFixed(1));
  mark.setAttribute('height', String(HEIGHT));
  mark.setAttribute('class', 'gc-Stairs-best');
  return mark;
}

function ends(points: readonly IForecastPoint[]): [string, string] {
  const values = points.map(point => point.intensityGPerKwh);
  return [format.intensity(Math.min(...values)), format.intensity(Math.max(...values))];
}
