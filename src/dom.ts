/** Small help for building elements. Text is always text: nothing here parses markup. */

/** An element with a class, maybe a mark for tests, and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (className) {
    node.className = className;
  }
  node.append(...children);
  return node;
}

/** The same with the `data-gc` mark of the public interface. */
export function marked<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  mark: string,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = element(tag, className, ...children);
  node.dataset['gc'] = mark;
  return node;
}

/** A button that does something. */
export function button(label: string, className: string, onClick: () => void): HTMLButtonElement {
  const node = element('button', `gc-Button ${className}`.trim(), label);
  node.type = 'button';
  node.addEventListener('click', onClick);
  return node;
}

/** Set a text only where it differs: a live panel must not redo layout for nothing. */
export function setText(node: HTMLElement, text: string): void {
  const { firstChild } = node;
  if (firstChild instanceof Text && !firstChild.nextSibling && text !== '') {
    if (firstChild.data !== text) {
      firstChild.data = text; // a new node would cost the page's styles anew
    }
  } else if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** Make `nodes` the children of `parent`; those that are in place stay, with focus and selection. */
export function arrange(parent: HTMLElement, nodes: readonly HTMLElement[]): void {
  const wanted = new Set<Element>(nodes);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) {
      child.remove();
    }
  }
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) {
      parent.insertBefore(node, parent.children[index] ?? null);
    }
  });
}

/** Show or hide. */
export function show(node: HTMLElement, visible: boolean): void {
  node.hidden = !visible;
}

/** Set or remove a `data-` attribute. */
export function setData(node: HTMLElement, name: string, value: string | number | null): void {
  if (value === null) {
    node.removeAttribute(`data-${name}`);
  } else {
    node.setAttribute(`data-${name}`, String(value));
  }
}

/** A section with its small title. */
export function section(title: string, ...children: (Node | string)[]): HTMLElement {
  const head = element('h2', 'gc-Section-title', title);
  return element('section', 'gc-Section', head, ...children);
}
