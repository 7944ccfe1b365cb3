/** The session in other places: bars, the least first; here is told by a mark and by weight. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { IElsewhere, IWhatIf } from '../whatif';
import type { ITotals } from '../wire';
import { element, marked, setData, setText } from '../dom';
import type { Follower } from './asked';

const J_PER_KWH = 3.6e6;

/** A list of places, and those of another basis apart under the line that says why. */
export function elsewhereList(
  answer: IWhatIf,
  trans: TranslationBundle,
  then: ITotals | null,
  followers: Follower[]
): HTMLElement[] {
  const largestG = Math.max(...answer.rows.map(row => row.co2G), 0);
  const list = (rows: readonly IElsewhere[]): HTMLElement =>
    element('ol', 'gc-Places', ...rows.map(row => item(row, largestG, trans, then, followers)));
  const alike = answer.rows.filter(row => row.isComparable);
  const apart = answer.rows.filter(row => !row.isComparable);
  const note = answer.note === '' ? [] : [element('p', 'gc-Small', answer.note)];
  return [list(alike), ...note, ...(apart.length === 0 ? [] : [list(apart)])];
}

function item(
  row: IElsewhere,
  largestG: number,
  trans: TranslationBundle,
  then: ITotals | null,
  followers: Follower[]
): HTMLElement {
  const name = element('span', 'gc-Grow', row.zoneName);
  const mass = element('span', 'gc-Cell-energy');
  const ratio = row.isHere || row.ratio === null ? '' : `×\u202f${format.digits(row.ratio, 2)}`;
  const bar = element('div', row.isComparable ? 'gc-Bar' : 'gc-Bar gc-mod-idle');
  const share = largestG > 0 ? row.co2G / largestG : 0;
  bar.style.setProperty('--gc-share', `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`);
  const line = element('div', 'gc-Row', name);
  if (row.isHere) {
    line.append(element('span', 'gc-Here', trans.__('here')));
  }
  line.append(element('span', 'gc-Dim', ratio), mass);
  const node = marked('li', 'elsewhere-row', row.isHere ? 'gc-Place gc-mod-here' : 'gc-Place', line, bar);
  const pue = row.pue === 1 ? '' : ` × PUE ${format.digits(row.pue, 3)}`;
  const year = row.year === null ? '' : `, ${row.year}`;
  const tell = (figures: format.Co2Figures): void => {
    setText(mass, format.co2WithInterval({ ...figures, provenance: 'estimated' }));
    node.title = [
      `${row.zoneName} (${row.zone})`,
      `${format.intensity(row.intensityGPerKwh)}${pue}, ${row.basis}${year}`,
      format.co2Interval(figures)
    ].join('\n');
    setData(node, 'co2-g', figures.co2G);
  };
  tell(row);
  followers.push(totals => {
    tell(row.isHere ? totals : grown(row, then, totals));
  });
  setData(node, 'zone', row.zone);
  setData(node, 'here', row.isHere ? 'true' : null);
  return node;
}

/** What the session would come to there, with what it has used since it was asked. */
function grown(row: IElsewhere, then: ITotals | null, now: ITotals): format.Co2Figures {
  const usedG = (to: number | null, from: number | null | undefined): number =>
    to === null || from == null ? 0 : ((to - from) / J_PER_KWH) * row.intensityGPerKwh * row.pue;
  return {
    co2G: row.co2G + usedG(now.energyJ, then?.energyJ),
    co2LowG: row.co2LowG + usedG(now.energyLowJ, then?.energyLowJ),
    co2HighG: row.co2HighG + usedG(now.energyHighJ, then?.energyHighJ)
  };
}
