/** The user's settings, with defaults where there is no registry. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { type ISignal, Signal } from '@lumino/signaling';

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

  async set(name: 'badges' | 'autoload' | 'openPanel', value: boolean): Promise<void> {
    await this._source?.set(name, value);
  }

  private _flag(name: string, otherwise: boolean): boolean {
    const value = this._source?.get(name).composite;
    return typeof value === 'boolean' ? value : otherwise;
  }

  private _loaded = Promise.resolve();
  private _source: ISettingRegistry.ISettings | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
