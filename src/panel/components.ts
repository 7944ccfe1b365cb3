/** The parts of a machine, and its idle power: what they are called, and which colour is theirs. */
import { IDLE } from '../trace';

const NAMES: ReadonlyMap<string, string> = new Map([
  [IDLE, IDLE],
  ['cpu', 'CPU'],
  ['dram', 'RAM'],
  ['gpu', 'GPU'],
  ['soc', 'SoC'],
  ['ane', 'Neural engine']
]);
/** Those that have a colour of their own. */
const COLOURED: readonly string[] = [IDLE, 'cpu', 'dram', 'gpu'];

export function componentName(component: string): string {
  return NAMES.get(component) ?? component;
}

/** The class that colours a component, and hatches it. */
export function componentClass(component: string): string {
  return COLOURED.includes(component) ? component : 'other';
}

/** Where a component stands in a stack, bottom first. */
export function componentRank(component: string): number {
  const place = [...NAMES.keys()].indexOf(component);
  return place < 0 ? NAMES.size : place;
}
