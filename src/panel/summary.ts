/** The headline: energy, CO2, interval, provenance, and where the electricity comes from. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { Provenance } from '../wire';
import { provenanceWord } from '../words';
import { element, marked, setData, setText } from './dom';

export class Summary {
  constructor(
    private readonly _trans: TranslationBundle,
    onZone: () => void,
    onProvenance: () => void
  ) {
    this._chip = marked('button', 'provenance', 'gc-Chip');
    this._chip.type = 'button';
    this._chip.title = _trans.__('How this is computed');
    this._chip.addEventListener('click', onProvenance);
    this._zone = marked('button', 'zone', 'gc-Zone');
    this._zone.type = 'button';
    this._zone.title = _trans.__('Set where the electricity comes from');
    this._zone.addEventListener('click', onZone);
    this.node = element(
      'div',
      'gc-Summary',
      element(
        'div',
        'gc-Headline',
        figure(this._energy, this._energyValue, this._energyUnit, _trans.__('Energy')),
        figure(this._co2, this._co2Value, this._co2Unit, _trans.__('CO₂e'))
      ),
      element('div', 'gc-Row', this._interval, this._chip),
      this._span,
      this._zone
    );
  }

  readonly node: HTMLElement;

  /** Show the figures of now. */
  update(model: SessionModel, companions: readonly string[]): void {
    const { totals, carbon } = model;
    const provenance = totals?.provenance ?? 'estimated';
    this._setFigure(this._energy, this._energyValue, this._energyUnit, 'energy-j', totals?.energyJ ?? null, format.energyQuantity, provenance);
    this._setFigure(this._co2, this._co2Value, this._co2Unit, 'co2-g', totals?.co2G ?? null, format.co2Quantity, provenance);
    setText(this._interval, totals ? format.interval(totals) : '');
    this._interval.title = totals ? this._trans.__('CO₂e: %1', format.co2Interval(totals)) : '';
    setText(this._chip, provenanceWord(provenance, this._trans));
    this._chip.className = `gc-Chip gc-mod-${provenance}`;
    setData(this._chip, 'provenance', provenance);
    if (totals) {
      const cells = this._trans._n('%1 cell', '%1 cells', totals.cells);
      const shared = companions.map(name => this._trans.__(' · shared with %1', name));
      setText(this._span, this._trans.__('%1 in %2', cells, format.clock(totals.durationS)) + shared.join(''));
    }
    if (carbon) {
      const guessed = carbon.locatedBy === 'timezone' ? this._trans.__(' (time zone)') : '';
      const unknown = carbon.locatedBy === 'default' ? this._trans.__(' (place unknown)') : '';
      const pue = carbon.pue === 1 ? '' : ` × PUE ${format.digits(carbon.pue, 3)}`;
      setText(
        this._zone,
        `${carbon.zoneName}${guessed}${unknown} · ${format.intensity(carbon.intensityGPerKwh)}${pue}`
      );
      this._zone.title = carbon.note || this._trans.__('Set where the electricity comes from');
      setData(this._zone, 'zone', carbon.zone);
    }
  }

  private _setFigure(
    node: HTMLElement,
    value: HTMLElement,
    unit: HTMLElement,
    name: string,
    figure: number | null,
    quantity: (figure: number | null, estimated: boolean) => format.IQuantity,
    provenance: Provenance
  ): void {
    const shown = quantity(figure, format.isEstimated(provenance));
    setText(value, (figure ? format.mark(provenance) : '') + shown.value);
    setText(unit, shown.unit);
    setData(node, name, figure);
  }

  private readonly _energy = marked('div', 'session-energy', 'gc-Figure');
  private readonly _energyValue = element('span', 'gc-Figure-value');
  private readonly _energyUnit = element('span', 'gc-Figure-unit');
  private readonly _co2 = marked('div', 'session-co2', 'gc-Figure');
  private readonly _co2Value = element('span', 'gc-Figure-value');
  private readonly _co2Unit = element('span', 'gc-Figure-unit');
  private readonly _interval = element('span', 'gc-Dim');
  private readonly _span = element('div', 'gc-Dim');
  private readonly _chip: HTMLButtonElement;
  private readonly _zone: HTMLButtonElement;
}

function figure(
  node: HTMLElement,
  value: HTMLElement,
  unit: HTMLElement,
  label: string
): HTMLElement {
  node.setAttribute('aria-label', label);
  node.append(element('div', 'gc-Figure-label', label), element('div', 'gc-Figure-line', value, unit));
  return node;
}
