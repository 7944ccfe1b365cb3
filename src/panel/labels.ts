/** Small texts over a canvas: a page keeps those that stay, where a canvas sets each anew, every second. */
import { element, setText } from '../dom';

/** A text and the point that it belongs to; its kind tells on which side of that it stands. */
export interface ILabel {
  kind: 'time' | 'level' | 'cell';
  text: string;
  leftPx: number;
  topPx: number;
}

export class Labels {
  readonly node = element('div', 'gc-Labels');

  update(labels: readonly ILabel[]): void {
    labels.forEach(({ kind, text, leftPx, topPx }, index) => {
      const node = this._nodes[index] ?? this._add();
      setText(node, text);
      const [name, place] = [`gc-mod-${kind}`, `${leftPx.toFixed(1)}px ${topPx.toFixed(1)}px`];
      if (node.className !== name || this._places[index] !== place) {
        node.className = name;
        node.style.left = `${leftPx.toFixed(1)}px`;
        node.style.top = `${topPx.toFixed(1)}px`;
        this._places[index] = place;
      }
    });
    for (const node of this._nodes.splice(labels.length)) {
      node.remove();
    }
  }

  private _add(): HTMLElement {
    const node = element('span');
    this._nodes.push(node);
    this.node.append(node);
    return node;
  }

  private readonly _nodes: HTMLElement[] = [];
  private readonly _places: string[] = [];
}
