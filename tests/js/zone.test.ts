// @vitest-environment happy-dom
import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ZoneField } from '../../src/panel/zonefield';
import { decodeZones, type IZone } from '../../src/zones';
import golden from '../wire/replies/zones.json';

const trans = nullTranslator.load('greencell');
const place = (zone: string): IZone => ({ zone, zoneName: `The ${zone}`, intensityGPerKwh: 41 });

describe('zones', () => {
  it('are read as the kernel sends them', () => {
    expect(decodeZones(golden)?.[0]).toEqual({ zone: 'FR', zoneName: 'France', intensityGPerKwh: 41.4 });
  });

  it.each([null, {}, { zones: 'FR' }, { ok: false, error: 'unknown op' }])('are none in %j', content => {
    expect(decodeZones(content)).toBeNull();
  });

  it('lets in what fits only, and not without end', () => {
    const [first] = golden.zones;
    expect(decodeZones({ zones: [{ zone: 7 }, first] })?.length).toBe(1);
    expect(decodeZones({ zones: Array(50).fill(first) })?.length).toBe(8);
  });
});

describe('ZoneField', () => {
  let asked: string[] = [];
  let answers: (readonly IZone[] | null)[] = [];
  let field = new ZoneField(trans, () => Promise.resolve(null));
  const input = (): HTMLInputElement => field.nodes[0] as HTMLInputElement;
  const options = (): HTMLElement[] => [...(field.nodes[1]?.children ?? [])] as HTMLElement[];

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    answers = [];
    field = new ZoneField(trans, query => {
      asked.push(query);
      const next = answers.shift();
      return Promise.resolve(next === undefined ? [place('FR'), place('GF')] : next);
    });
    document.body.replaceChildren(...field.nodes);
  });

  afterEach(() => {
    field.dispose();
    vi.useRealTimers();
  });

  async function type(...texts: string[]): Promise<void> {
    for (const text of texts) {
      input().value = text;
      input().dispatchEvent(new Event('input'));
      await vi.advanceTimersByTimeAsync(50);
    }
    await vi.advanceTimersByTimeAsync(200);
  }
  const press = (key: string): boolean =>
    input().dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));

  it('asks when the typing rests, not at each letter', async () => {
    await type('F', 'Fr', 'Fra');

    expect(asked).toEqual(['Fra']);
    expect(options().map(node => node.dataset['zone'])).toEqual(['FR', 'GF']);
    expect(input().getAttribute('aria-expanded')).toBe('true');
  });

  it('takes a place by the arrows, and gives back what was typed', async () => {
    await type('Fra');
    const values = ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp', 'ArrowUp'].map(key => {
      expect(press(key)).toBe(false);
      return field.value;
    });

    expect(values).toEqual(['FR', 'GF', 'Fra', 'GF', 'FR']);
    expect(input().getAttribute('aria-activedescendant')).toBe(options()[0]?.id);
    expect(options().map(node => node.getAttribute('aria-selected'))).toEqual(['true', 'false']);
    expect(press('Enter')).toBe(true); // it is the dialog's
  });

  it('takes a place by a click', async () => {
    await type('Fra');
    options()[1]?.dispatchEvent(new MouseEvent('mousedown', { bubbles: true }));

    expect(field.value).toBe('GF');
  });

  it('shows nothing that a later question overtook', async () => {
    const waits: ((zones: readonly IZone[]) => void)[] = [];
    field = new ZoneField(trans, () => new Promise(resolve => waits.push(resolve)));
    await type('Fra');
    await type('Ger');
    waits[1]?.([place('DE')]);
    waits[0]?.([place('FR')]);
    await vi.advanceTimersByTimeAsync(0);

    expect(options().map(node => node.dataset['zone'])).toEqual(['DE']);
  });

  it('says that nothing fits, and has no list where the kernel suggests nothing', async () => {
    answers = [null, []];
    await type('x');
    expect(field.nodes[1]?.hidden).toBe(true);
    await type('y');

    expect(field.nodes[1]?.hidden).toBe(false);
    expect(field.nodes[2]?.textContent).toBe('No place fits');
    await type('');
    expect(field.nodes[2]?.textContent).toBe('');
  });
});
