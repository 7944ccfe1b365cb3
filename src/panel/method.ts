/** How the figures are computed: what was tried and what would better it, carbon, intervals. */
import type { TranslationBundle } from '@jupyterlab/translation';

import * as format from '../format';
import type { SessionModel } from '../model';
import type { ICarbon, IInfo, ISkipped, ISource } from '../wire';
import { told } from '../told';
import { isCommand, readingWords } from '../words';
import { componentName } from './components';
import { button, element, marked, setText, show } from '../dom';

const COPIED_MS = 2000;

/** A term and what there is to say about it. */
type Item = readonly [term: string, words: string];

export class Method {
  /** `copy` puts a text on the clipboard. */
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _copy: (text: string) => void
  ) {
    this.node.append(element('summary', 'gc-Section-title', _trans.__('How this is computed')), this._body);
  }

  readonly node = marked('details', 'method', 'gc-Section gc-Method');

  /** Open it and bring it into view. */
  reveal(): void {
    this.node.open = true;
    this.node.scrollIntoView({ block: 'nearest' });
  }

  update(model: SessionModel): void {
    const { info, carbon } = model;
    show(this.node, info !== null);
    if (!info || !carbon || info === this._shown) {
      return; // a remedy may be being copied
    }
    this._shown = info;
    const summed = info.sources.filter(source => source.scope === 'component');
    const whole = info.sources.filter(source => source.scope === 'node');
    this._body.replaceChildren(
      list(summed.map(source => this._source(source))),
      ...this._tried(info),
      ...this._beside(whole),
      list(this._rest(info, carbon))
    );
  }

  private _source({ component, detail, id, provenance, baselineW, lagS }: ISource): Item {
    const how = provenance === 'measured' ? this._trans.__('measured') : this._trans.__('estimated');
    const words = [`${detail || id} (${how})`];
    if (baselineW !== null) {
      words.push(this._trans.__('idle %1', format.power(baselineW, true)));
    }
    if (lagS !== null && lagS > 0) {
      words.push(this._trans.__('%1 late', format.duration(lagS)));
    }
    return [componentName(component), words.join(' · ')];
  }

  /** Each source that was looked for and is not used. */
  private _tried({ sources, skipped }: IInfo): HTMLElement[] {
    if (skipped.length === 0) {
      return [];
    }
    const estimated = sources.some(source => source.provenance !== 'measured');
    const title = estimated ? this._trans.__('Why this is an estimate') : this._trans.__('Not used');
    return [subtitle(title), ...skipped.map(one => this._skipped(one))];
  }

  private _skipped({ id, reason, remedy, caution, benefit }: ISkipped): HTMLElement {
    const node = marked('div', 'skipped', 'gc-Skipped');
    node.dataset['source'] = id;
    node.append(element('div', '', element('span', 'gc-Skipped-id', id), ' ', told(reason, this._trans)));
    if (benefit !== '') {
      node.append(element('div', 'gc-Dim', this._trans.__('It would bring: %1', benefit)));
    }
    if (remedy !== '') {
      node.append(...this._remedy(remedy));
    }
    if (caution !== '') {
      node.append(element('small', 'gc-Small', caution));
    }
    return node;
  }

  /** A command with a button that copies it; advice as it is. */
  private _remedy(remedy: string): HTMLElement[] {
    const label = element('span', 'gc-Dim gc-Grow', this._trans.__('To enable:'));
    if (!isCommand(remedy)) {
      return [element('div', 'gc-Wrap', label, ' ', told(remedy, this._trans))];
    }
    const copy = button(this._trans.__('Copy'), 'gc-mod-link gc-mod-copy', () => {
      this._copy(remedy);
      setText(copy, this._trans.__('Copied'));
      window.setTimeout(() => {
        setText(copy, this._trans.__('Copy'));
      }, COPIED_MS);
    });
    copy.title = this._trans.__('Copy this command');
    return [element('div', 'gc-Row', label, copy), element('code', 'gc-Remedy', remedy)];
  }

  /** Meters of the whole machine: shown, never added. */
  private _beside(whole: readonly ISource[]): HTMLElement[] {
    return whole.length === 0
      ? []
      : [
          subtitle(this._trans.__('Beside the sum')),
          element('div', 'gc-Dim', this._trans.__('Meters of the whole machine, to compare with; never added.')),
          list(whole.map(source => this._source(source)))
        ];
  }

  private _rest(info: IInfo, carbon: ICarbon): Item[] {
    const trans = this._trans;
    const year = carbon.year === null ? '' : `, ${carbon.year}`;
    const place = `${carbon.zoneName} (${carbon.zone})`;
    const factor = `${format.intensity(carbon.intensityGPerKwh)}, ${carbon.basis}${year}`;
    const counted =
      info.attribution === 'machine'
        ? trans.__('everything this machine used')
        : trans.__('what this kernel and its child processes caused: idle power, and their share of CPU time');
    return [
      [trans.__('Carbon'), `${place}, ${factor}. ${carbon.source}. ${told(carbon.note, trans)}`],
      ...optional(trans.__('Known by'), isSure(carbon) ? carbon.reason : ''),
      ...optional(trans.__('Live'), carbon.live ? readingWords(carbon.live, trans, Date.now()) : ''),
      ...optional(trans.__('Marginal'), this._marginal(carbon)),
      ['PUE', carbon.pueSource ? `${format.digits(carbon.pue, 3)} (${carbon.pueSource})` : format.digits(carbon.pue, 3)],
      [trans.__('Counted'), counted],
      [trans.__('Intervals'), this._intervals(carbon)],
      [trans.__('Not counted'), trans.__('screen, disks, network, losses of the power supply')],
      ['', `greencell ${info.version} · ${info.cpu}${info.gpus.map(gpu => ` · ${gpu}`).join('')}`]
    ];
  }

  private _marginal({ marginal }: ICarbon): string {
    return marginal
      ? this._trans.__('%1; in no sum', readingWords(marginal, this._trans, Date.now()))
      : '';
  }

  private _intervals({ relativeError }: ICarbon): string {
    return relativeError === null
      ? this._trans.__('about 95 %; those of CO₂e include the grid’s figure')
      : this._trans.__('about 95 %; those of CO₂e include %1 for the grid’s figure', format.plusMinus(relativeError));
  }

  private _shown: IInfo | null = null;
  private readonly _body = element('div');
}

function list(items: readonly Item[]): HTMLElement {
  const nodes = items.flatMap(([term, words]) => [element('dt', '', term), element('dd', '', words)]);
  return element('dl', 'gc-List', ...nodes);
}

/** Of a guess or a stand-in, the note tells all in whole sentences. */
function isSure({ locatedBy }: ICarbon): boolean {
  return locatedBy === 'setting' || locatedBy === 'cloud';
}

/** An item, where there is something to say. */
function optional(term: string, words: string): Item[] {
  return words === '' ? [] : [[term, words]];
}

function subtitle(text: string): HTMLElement {
  return element('h3', 'gc-Subtitle', text);
}
