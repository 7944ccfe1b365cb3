// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { Badge } from '../../src/badges/badge';
import { SessionModel } from '../../src/model';
import { Cells } from '../../src/panel/cells';
import { componentClass, componentName } from '../../src/panel/components';
import { Notices } from '../../src/panel/details';
import { Method } from '../../src/panel/method';
import { Summary } from '../../src/panel/summary';
import { Where } from '../../src/panel/where';
import { decode } from '../../src/wire';
import { golden } from './golden';

const trans = nullTranslator.load('greencell');
const CANARIES = [
  '<img src=x onerror=alert(1)>',
  '<button data-commandlinker-command="docmanager:delete">x</button>',
  '"><svg onload=alert(1)>',
  'javascript:alert(1)',
  '__proto__',
  'constructor',
  'toString',
  '\u202egpj.exe'
];
/** Texts that a page reads as one of a few words; another one is dropped with what it stands in. */
const CLOSED = new Set(['kind', 'session', 'status', 'provenance', 'level', 'attribution', 'scope', 'run', 'basis']);

/** A message in which every open text, and every name of a component, is another one. */
function hostile(value: unknown, text: string, name = ''): unknown {
  if (Array.isArray(value)) {
    return value.map(item => hostile(item, text, name));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => [
      name.startsWith('by_component') ? text : key,
      hostile(item, text, key)
    ]);
    // As JSON.parse makes it: a key of its own, also where it is called __proto__.
    return JSON.parse(`{${entries.map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join(',')}}`);
  }
  return typeof value === 'string' && !CLOSED.has(name) ? text : value;
}

/** All that the page shows of a session, in one element. */
function shown(text: string): HTMLElement {
  const data = golden('snapshot');
  const cells = data['cells'] as object[];
  const notice = { id: 'n', level: 'warning', text: 'x', remedy: 'x' };
  const skipped = { id: 'x', reason: 'x', remedy: 'x', caution: 'x', benefit: 'x' };
  const info = { ...(data['info'] as object), skipped: [skipped] };
  const full = { ...data, info, notices: [notice], cells: cells.map(cell => ({ ...cell, label: 'x', flags: ['x'] })) };
  const decoded = decode(hostile(full, text));
  if (!decoded.ok) {
    throw new Error('the message does not decode');
  }
  const model = new SessionModel();
  model.receive(decoded.message);
  const nothing = (): undefined => undefined;
  const summary = new Summary(trans, nothing, nothing);
  summary.update(model, []);
  const where = new Where(trans);
  where.update(model);
  const notices = new Notices(trans, nothing);
  notices.update(model);
  const method = new Method(trans, nothing);
  method.update(model);
  const table = new Cells(trans, { names: () => () => text, sorted: () => undefined, changedSince: () => false, reveal: nothing, fetchAll: nothing });
  table.update(model);
  const badge = new Badge(text);
  const runs = model.runsOf(text);
  if (runs) {
    badge.showRuns(runs, trans);
  }
  const all = document.createElement('div');
  all.append(summary.node, where.node, notices.node, method.node, table.node, badge.node);
  return all;
}

/** Names of all elements and of their attributes, in order. */
function skeleton(root: HTMLElement): string[] {
  return [...root.querySelectorAll('*')].map(node => [node.tagName, ...node.getAttributeNames().sort()].join(' '));
}

describe('a hostile kernel', () => {
  it.each(CANARIES)('gets no element and no attribute into the page: %j', text => {
    const root = shown(text);

    expect(root.textContent).toContain(text);
    expect(skeleton(root)).toEqual(skeleton(shown('x')));
    for (const node of root.querySelectorAll('*')) {
      expect(node.getAttributeNames().filter(name => /^(on|href|src|formaction|data-commandlinker)/.test(name))).toEqual([]);
      expect(node.id).toBe('');
      expect(node.className).not.toContain(text);
    }
  });

  it.each(CANARIES)('changes no prototype: %j', text => {
    const before = Object.getOwnPropertyNames(Object.prototype).sort();
    shown(text);

    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(before);
    expect(componentName(text)).toBe(text);
    expect(componentClass(text)).toBe('other');
  });

  it('makes no message too large for the page', () => {
    const cells = golden('snapshot')['cells'] as object[];
    const many = Array.from({ length: 20_000 }, () => ({ ...cells[0], label: 'x'.repeat(1_000) }));
    const notices = Array.from({ length: 20_000 }, () => ({ id: 'n', level: 'info', text: 'x'.repeat(10_000), remedy: '' }));

    const decoded = decode({ ...golden('snapshot'), cells: many, notices });

    if (!decoded.ok || decoded.message.kind !== 'snapshot') {
      throw new Error('the message does not decode');
    }
    expect(decoded.message.cells.length).toBeLessThanOrEqual(5_000);
    expect(decoded.message.notices.length).toBeLessThanOrEqual(5_000);
    expect(decoded.message.notices[0]?.text.length).toBeLessThanOrEqual(2_000);
  });
});

describe('the code of the page', () => {
  const sources: Record<string, string> = import.meta.glob('../../src/**/*.ts', { eager: true, query: '?raw', import: 'default' });

  it('parses no markup, evaluates nothing and asks nobody but the kernel', () => {
    const forbidden =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment|dangerouslySet|(?<!states\.)\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|localStorage|sessionStorage|\.postMessage|renderMarkdown|Object\.assign\(/;

    expect(Object.keys(sources).length).toBeGreaterThan(25);
    for (const [name, text] of Object.entries(sources)) {
      expect(forbidden.exec(text)?.[0], name).toBeUndefined();
    }
  });
});
