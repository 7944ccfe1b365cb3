/** The session in other places: bars, the least first; here is told by a mark and by weight. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { IElsewhere, IWhatIf } from '../whatif';
import type { ITotals } from '../wire';
import { element, marked, setData, setText } from '../dom';
import type { Follower } from './asked';

/** A list of places, and those of another basis apart under the line that says why. */
export function elsewhereList(
  answer: IWhatIf,
  trans: TranslationBundle,
  followers: Follower[]
): HTMLElement[] {
  const here = answer.rows.find(row => row.isHere);
  const largestG = Math.max(...answer.rows.map(row => row.co2G), 0);
  const list = (rows: readonly IElsewhere[]): HTMLElement =>
    element('ol', 'gc-Places', ...rows.map(row => item(row, here, largestG, trans, followers)));
  const alike = answer.rows.filter(row => row.isComparable);
  const apart = answer.rows.filter(row => !row.isComparable);
  const note = answer.note === '' ? [] : [element('p', 'gc-Small', answer.note)];
  return [list(alike), ...note, ...(apart.length === 0 ? [] : [list(apart)])];
}

function item(
  row: IElsewhere,
  here: IElsewhere | undefined,
  largestG: number,
  trans: TranslationBundle,
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
    tell(here ? inProportion(row, here, totals) : row);
  });
  setData(node, 'zone', row.zone);
  setData(node, 'here', row.isHere ? 'true' : null);
  return node;
}

/** What the session of now would come to there: as much more or less than here as when it was asked. */
function inProportion(row: IElsewhere, here: IElsewhere, now: ITotals): format.Co2Figures {
  const scaled = (nowG: number | null, thereG: number, hereG: number): number =>
    nowG !== null && hereG > 0 ? (nowG * thereG) / hereG : thereG;
  return {
    co2G: scaled(now.co2G, row.co2G, here.co2G),
    co2LowG: scaled(now.co2LowG, row.co2LowG, here.co2LowG),
    co2HighG: scaled(now.co2HighG, row.co2HighG, here.co2HighG)
  };
}
