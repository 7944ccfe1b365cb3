/** The user's settings, with defaults where there is no registry. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { type ISignal, Signal } from '@lumino/signaling';

const ENERGY_UNITS = ['Wh', 'J'] as const;
export type EnergyUnit = (typeof ENERGY_UNITS)[number];
type FlagName = 'badges' | 'autoload' | 'openPanel' | 'embed' | 'animations';

const MAX_NAME = 200;
const MAX_PUE = 5;
const MAX_PRICE = 1e6;
const MAX_CURRENCY = 12;

/** What electricity costs. */
export interface IPrice {
  perKwh: number;
  currency: string;
}

export class Settings {
  /** Take the values of a registry's plugin from now on; rejects if it has none. */
  async connect(registry: ISettingRegistry, id: string): Promise<void> {
    const loading = registry.load(id);
    this._loaded = loading.then(
      () => undefined,
      () => undefined
    );
    this._source = await loading;
    this._source.changed.connect(() => {
      this._changed.emit();
    });
    this._changed.emit();
  }

  /** Done when the user's values are known, or known to be missing. */
  get loaded(): Promise<void> {
    return this._loaded;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether a badge stands under each cell that has run. */
  get badges(): boolean {
    return this._flag('badges', true);
  }

  /** Whether greencell is loaded into every new Python kernel. */
  get autoload(): boolean {
    return this._flag('autoload', false);
  }

  /** Whether the panel shows when JupyterLab starts. */
  get openPanel(): boolean {
    return this._flag('openPanel', false);
  }

  /** Whether the figures of a cell are kept in its metadata, and so in the notebook's file. */
  get embed(): boolean {
    return this._flag('embed', false);
  }

  /** Where the electricity comes from, for sessions that begin; empty: found out. */
  get zone(): string {
    const value = this._value('zone');
    return typeof value === 'string' ? value.trim().slice(0, MAX_NAME) : '';
  }

  /** Power usage effectiveness of the building, for sessions that begin; `null`: found out. */
  get pue(): number | null {
    const pue = this._number('pue', 0, 1, MAX_PUE);
    return pue === 0 ? null : pue;
  }

  /** What a kWh costs; `null`: no costs are shown. */
  get price(): IPrice | null {
    const perKwh = this._number('pricePerKwh', 0, 0, MAX_PRICE);
    const currency = this._value('currency');
    const known = typeof currency === 'string' ? currency.trim().slice(0, MAX_CURRENCY) : '';
    return perKwh > 0 && known !== '' ? { perKwh, currency: known } : null;
  }

  /** The share of all cells' energy, in percent, from which a short cell has a badge. */
  get badgeFromPercent(): number {
    return this._number('badgeFromPercent', 1, 0, 100);
  }

  /** The family of units of energies. */
  get energyUnit(): EnergyUnit {
    const value = this._value('energyUnit');
    return ENERGY_UNITS.find(unit => unit === value) ?? 'Wh';
  }

  /** Significant digits of measured figures; estimated ones have one less. */
  get digits(): number {
    return this._number('digits', 3, 2, 6);
  }

  /** How much of the past the chart shows. */
  get chartWindowS(): number {
    return this._number('chartWindowS', 300, 30, 3600);
  }

  /** Whether anything moves but the figures. */
  get animations(): boolean {
    return this._flag('animations', true);
  }

  async set(name: FlagName, value: boolean): Promise<void> {
    await this._source?.set(name, value);
  }

  private _flag(name: FlagName, otherwise: boolean): boolean {
    const value = this._value(name);
    return typeof value === 'boolean' ? value : otherwise;
  }

  private _number(name: string, otherwise: number, least: number, most: number): number {
    const value = this._value(name);
    return typeof value === 'number' && value >= least && value <= most ? value : otherwise;
  }

  private _value(name: string): unknown {
    return this._source?.get(name).composite;
  }

  private _loaded = Promise.resolve();
  private _source: ISettingRegistry.ISettings | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
