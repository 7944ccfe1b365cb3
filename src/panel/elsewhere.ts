/** The session in other places: bars, the least first; here is told by a mark and by weight. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { IElsewhere, IWhatIf } from '../whatif';
import { element, marked, setData } from '../dom';

/** A list of places, and those of another basis apart under the line that says why. */
export function elsewhereList(answer: IWhatIf, trans: TranslationBundle): HTMLElement[] {
  const largestG = Math.max(...answer.rows.map(row => row.co2G), 0);
  const list = (rows: readonly IElsewhere[]): HTMLElement =>
    element('ol', 'gc-Places', ...rows.map(row => item(row, largestG, trans)));
  const alike = answer.rows.filter(row => row.isComparable);
  const apart = answer.rows.filter(row => !row.isComparable);
  const note = answer.note === '' ? [] : [element('p', 'gc-Small', answer.note)];
  return [list(alike), ...note, ...(apart.length === 0 ? [] : [list(apart)])];
}

function item(row: IElsewhere, largestG: number, trans: TranslationBundle): HTMLElement {
  const name = element('span', 'gc-Grow', row.zoneName);
  const mass = format.co2WithInterval({ ...row, provenance: 'estimated' });
  const ratio = row.isHere || row.ratio === null ? '' : `×\u202f${format.digits(row.ratio, 2)}`;
  const bar = element('div', row.isComparable ? 'gc-Bar' : 'gc-Bar gc-mod-idle');
  const share = largestG > 0 ? row.co2G / largestG : 0;
  bar.style.setProperty('--gc-share', `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`);
  const line = element('div', 'gc-Row', name);
  if (row.isHere) {
    line.append(element('span', 'gc-Here', trans.__('here')));
  }
  line.append(element('span', 'gc-Dim', ratio), element('span', 'gc-Cell-energy', mass));
  const node = marked('li', 'elsewhere-row', row.isHere ? 'gc-Place gc-mod-here' : 'gc-Place', line, bar);
  const pue = row.pue === 1 ? '' : ` × PUE ${format.digits(row.pue, 3)}`;
  const year = row.year === null ? '' : `, ${row.year}`;
  node.title = [
    `${row.zoneName} (${row.zone})`,
    `${format.intensity(row.intensityGPerKwh)}${pue}, ${row.basis}${year}`,
    format.co2Interval(row)
  ].join('\n');
  setData(node, 'zone', row.zone);
  setData(node, 'co2-g', row.co2G);
  setData(node, 'here', row.isHere ? 'true' : null);
  return node;
}
