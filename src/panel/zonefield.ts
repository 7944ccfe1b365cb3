/** A field for the name of a place, which suggests places while somebody types. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { element, marked, setText, show } from '../dom';
import * as format from '../format';
import type { IZone, Suggest } from '../zones';

/** Nobody types the next letter later than this. */
const PAUSE_MS = 150;
/** Ids of a page must differ. */
let fields = 0;

/** A field with places below it: typing asks for them, arrows or a click take one. */
export class ZoneField {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _suggest: Suggest
  ) {
    const input = this._input;
    input.setAttribute('aria-label', _trans.__('Zone'));
    input.setAttribute('role', 'combobox');
    input.setAttribute('aria-autocomplete', 'list');
    input.setAttribute('aria-expanded', 'false');
    input.autocomplete = 'off';
    input.spellcheck = false;
    this._list.id = this._id;
    this._list.setAttribute('role', 'listbox');
    this._list.setAttribute('aria-label', _trans.__('Places that fit'));
    input.setAttribute('aria-controls', this._list.id);
    input.addEventListener('input', () => {
      this._askSoon();
    });
    input.addEventListener('keydown', event => {
      this._onKey(event);
    });
    this._count.setAttribute('role', 'status');
    show(this._list, false);
  }

  get nodes(): readonly HTMLElement[] {
    return [this._input, this._list, this._count];
  }

  get value(): string {
    return this._input.value.trim();
  }

  set value(name: string) {
    this._input.value = name;
    void this._ask();
  }

  focus(): void {
    this._input.focus();
    this._input.select();
  }

  dispose(): void {
    window.clearTimeout(this._timer);
    this._asked += 1;
  }

  private _askSoon(): void {
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => void this._ask(), PAUSE_MS);
  }

  /** An answer that a later question overtook is no longer one. */
  private async _ask(): Promise<void> {
    const asked = (this._asked += 1);
    const zones = this.value === '' ? [] : await this._suggest(this.value);
    if (asked === this._asked) {
      this._isAnswered ||= zones !== null;
      show(this._list, this._isAnswered);
      this._show(zones ?? []);
    }
  }

  private _show(zones: readonly IZone[]): void {
    this._zones = zones;
    this._chosen = -1;
    this._list.replaceChildren(
      ...zones.map((zone, index) => {
        const node = marked(
          'li',
          'zone-suggestion',
          'gc-Suggestion gc-Row',
          element('span', 'gc-Grow gc-Ellipsis', zone.zoneName),
          element('span', 'gc-Code gc-Dim', zone.zone),
          element('span', 'gc-Dim gc-Intensity', format.intensity(zone.intensityGPerKwh))
        );
        node.id = `${this._id}-${index}`;
        node.setAttribute('role', 'option');
        node.dataset['zone'] = zone.zone;
        // Before the field would lose the focus.
        node.addEventListener('mousedown', event => {
          event.preventDefault();
          this._choose(index);
        });
        return node;
      })
    );
    this._mark();
    this._input.setAttribute('aria-expanded', String(zones.length > 0));
    const words = this._trans._n('%1 place fits', '%1 places fit', zones.length);
    const told = this._isAnswered && this.value !== '';
    setText(this._count, told ? (zones.length > 0 ? words : this._trans.__('No place fits')) : '');
  }

  /** Arrows go through the places and out of them again; Enter is the dialog's. */
  private _onKey(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const count = this._zones.length;
    if (step !== 0 && count > 0) {
      event.preventDefault();
      // One place more than there are: what was typed.
      const places = count + 1;
      this._choose(((this._chosen + 1 + step + places) % places) - 1);
    }
  }

  private _choose(index: number): void {
    if (this._chosen < 0) {
      this._typed = this._input.value;
    }
    this._chosen = index;
    this._input.value = this._zones[index]?.zone ?? this._typed;
    this._mark();
  }

  private _mark(): void {
    [...this._list.children].forEach((node, index) => {
      node.setAttribute('aria-selected', String(index === this._chosen));
      if (index === this._chosen) {
        node.scrollIntoView({ block: 'nearest' });
      }
    });
    if (this._chosen < 0) {
      this._input.removeAttribute('aria-activedescendant');
    } else {
      this._input.setAttribute('aria-activedescendant', `${this._id}-${this._chosen}`);
    }
  }

  private readonly _input = element('input', 'jp-mod-styled gc-Input');
  private readonly _list = marked('ul', 'zone-suggestions', 'gc-Suggestions');
  private readonly _count = element('div', 'gc-Dim gc-Small');
  private readonly _id = `gc-zones-${(fields += 1)}`;
  private _zones: readonly IZone[] = [];
  private _chosen = -1;
  private _typed = '';
  private _timer = 0;
  private _asked = 0;
  /** A kernel of before suggests nothing: there is no list then. */
  private _isAnswered = false;
}
