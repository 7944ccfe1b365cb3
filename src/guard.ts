/** Guards: from anything to what is wanted, or a `Misfit`. Finite numbers and short texts only. */

export const MAX_TEXT = 200;
const MAX_LONG_TEXT = 2000;
const MAX_NUMBER = 1e12;
const MAX_ITEMS = 5000;

/** Thrown inside a guard only; what does not fit is ignored. */
export class Misfit extends Error {}

export type Raw = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function object(value: unknown): Raw {
  if (!isObject(value)) {
    throw new Misfit();
  }
  return value;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= MAX_NUMBER; // which NaN is not
}

export function number(value: unknown): number {
  if (!isNumber(value)) {
    throw new Misfit();
  }
  return value;
}

export function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : number(value);
}

/** A number that came later to this version: where it is missing or none, nothing is known. */
export function numberIfAny(value: unknown): number | null {
  return isNumber(value) ? value : null; // without an exception, which a tick each second would feel
}

export function text(value: unknown): string {
  if (typeof value !== 'string') {
    throw new Misfit();
  }
  return value.slice(0, MAX_TEXT);
}

export function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : text(value);
}

export function longText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_LONG_TEXT) : '';
}

/** What fits of a list, the latest if it is too long; an item that does not fit takes no other with it. */
export function list<T>(value: unknown, item: (value: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) {
    throw new Misfit();
  }
  return value.slice(-MAX_ITEMS).flatMap(one => {
    const read = attempt(() => item(one));
    return read === undefined ? [] : [read];
  });
}

/** What `read` makes of a value; `undefined` if it does not fit. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Misfit) {
      return undefined;
    }
    throw error;
  }
}

export function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find(item => item === value);
  if (found === undefined) {
    throw new Misfit();
  }
  return found;
}
