/** The headline: energy, CO2, interval, provenance, and where the electricity comes from. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import { Hold } from '../hold';
import type { SessionModel } from '../model';
import { told } from '../told';
import type { ITotal } from '../total';
import type { ITotals } from '../wire';
import type { IPrice } from '../settings';
import { ageWords, bestGuess, co2Causes, costWords, machineLine, mixture, placeMark, provenanceWord } from '../words';
import { element, marked, setData, setText, show } from '../dom';

export class Summary {
  constructor(
    private readonly _trans: TranslationBundle,
    onZone: () => void,
    onProvenance: () => void,
    onAge: () => void = () => undefined,
    private readonly _price: () => IPrice | null = () => null
  ) {
    this._energy = new Figure('session-energy', _trans.__('Energy'));
    this._co2 = new Figure('session-co2', _trans.__('CO₂e'));
    this._chip = marked('button', 'provenance', 'gc-Chip');
    this._chip.type = 'button';
    this._chip.title = _trans.__('How this is computed');
    this._chip.addEventListener('click', onProvenance);
    this._zone = marked('button', 'zone', 'gc-Zone');
    this._zone.type = 'button';
    this._zone.title = _trans.__('Set where the electricity comes from');
    this._zone.addEventListener('click', onZone);
    this._age = marked('button', 'as-of', 'gc-Button gc-mod-link gc-Age');
    this._age.type = 'button';
    this._age.addEventListener('click', onAge);
    this._aged.append(' · ', this._age);
    this.node = element(
      'div',
      'gc-Summary',
      element(
        'div',
        'gc-Headline',
        this._energy.node,
        this._co2.node
      ),
      element('div', 'gc-Row', this._interval, this._chip),
      this._cost,
      this._machine,
      element('div', 'gc-Dim', this._span, this._aged),
      this._zone,
      this._mixture
    );
  }

  readonly node: HTMLElement;

  /** Show the figures of now. */
  update(model: SessionModel, companions: readonly string[]): void {
    const { totals, carbon } = model;
    const provenance = totals?.told.provenance ?? 'estimated';
    setText(this._chip, provenanceWord(provenance, this._trans));
    this._chip.className = `gc-Chip gc-mod-${provenance}`;
    setData(this._chip, 'provenance', provenance);
    if (totals) {
      this._energy.show(format.energyQuantity(totals, this._energy.hold), format.energyForm(totals));
      this._co2.show(format.co2Quantity(totals, this._co2.hold), format.co2Form(totals));
      setData(this._energy.node, 'energy-j', totals.energyJ);
      setData(this._co2.node, 'co2-g', totals.co2G);
      setText(this._interval, this._intervalWords(totals));
      const cost = costWords(totals, this._price());
      setText(this._cost, cost);
      show(this._cost, cost !== '');
      const causes = co2Causes(totals, this._trans);
      this._interval.title = this._trans.__('CO₂e: %1', format.co2Interval(totals)) + (causes ? `\n${causes}` : '');
      setText(this._mixture, mixture(totals.bases, this._trans));
      show(this._mixture, totals.bases.length > 1);
      const machine = machineLine(totals, this._trans);
      setText(this._machine, machine);
      show(this._machine, machine !== '');
      const cells = this._trans._n('%1 cell', '%1 cells', totals.cells);
      const shared = companions.map(name => this._trans.__(' · shared with %1', name));
      setText(this._span, this._trans.__('%1 in %2', cells, format.clock(totals.durationS)) + shared.join(''));
      this._showAge(model, totals);
    }
    if (carbon) {
      const live = carbon.live ? this._trans.__(' · live') : '';
      const pue = carbon.pue === 1 ? '' : ` × PUE ${format.digits(carbon.pue, 3)}`;
      setText(
        this._zone,
        `${carbon.zoneName}${placeMark(carbon, this._trans)} · ${format.intensity(carbon.intensityGPerKwh)}${pue}${live}`
      );
      const about = [told(carbon.note || carbon.reason, this._trans), this._trans.__('Set where the electricity comes from')];
      this._zone.title = about.filter(line => line !== '').join('\n');
      setData(this._zone, 'zone', carbon.zone);
    }
  }

  /** How old the total is, where it is not that of now; whoever wants it newer asks for it. */
  private _showAge(model: SessionModel, totals: ITotal): void {
    const words = ageWords(model, this._trans, Date.now() / 1000);
    const isCarried = model.isFresh;
    setText(this._age, words);
    show(this._aged, words !== '');
    this._age.disabled = !model.connected;
    setData(this._age, 'as-of', isCarried ? totals.toldAsOfS : totals.asOfS);
    const { idlePower } = model;
    this._age.title = [
      isCarried && idlePower
        ? this._trans.__('An idle kernel sends nothing: since then its idle power, %1, is added here.', format.powerWithInterval(idlePower))
        : this._trans.__('What was used since then is not in it yet.'),
      this._trans.__('Click to ask the kernel.')
    ].join('\n');
  }

  /** "± 4 %"; where the headline is the interval itself, the value within. */
  private _intervalWords(totals: ITotals): string {
    return format.energyForm(totals) === 'range' ? bestGuess(totals, this._trans) : format.interval(totals);
  }

  private readonly _energy: Figure;
  private readonly _co2: Figure;
  private readonly _cost = marked('div', 'cost', 'gc-Dim');
  private readonly _interval = element('span', 'gc-Dim');
  private readonly _machine = marked('div', 'machine', 'gc-Dim');
  private readonly _mixture = marked('div', 'mixture', 'gc-Dim');
  private readonly _span = element('span');
  private readonly _aged = element('span');
  private readonly _age: HTMLButtonElement;
  private readonly _chip: HTMLButtonElement;
  private readonly _zone: HTMLButtonElement;
}

/** One large number with its name above and its unit behind. */
class Figure {
  constructor(mark: string, label: string) {
    const line = element('div', 'gc-Figure-line', this._value, this._unit);
    this.node = marked('div', mark, 'gc-Figure', element('div', 'gc-Figure-label', label), line);
    this.node.role = 'group';
    this.node.ariaLabel = label;
  }

  readonly node: HTMLElement;
  readonly hold = new Hold();

  show({ value, unit }: format.IQuantity, form: format.Form): void {
    setText(this._value, value);
    setText(this._unit, unit);
    this.node.classList.toggle('gc-mod-range', form === 'range');
  }

  private readonly _value = element('span', 'gc-Figure-value');
  private readonly _unit = element('span', 'gc-Figure-unit');
}
