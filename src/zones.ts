/** Places that a half-typed name may become: the kernel's answer, and its guard. */
import type { Reply } from './connection';
import { attempt, list, number, object, text } from './guard';

const MAX_ZONES = 8;

/** Asks with what was typed; `null`: nobody can say. */
export type Suggest = (typed: string) => Promise<readonly IZone[] | null>;

export interface IZone {
  zone: string;
  zoneName: string;
  intensityGPerKwh: number;
}

/** Read the content of a reply; `null` if it is something else, as from a kernel that suggests nothing. */
export function decodeZones(content: unknown): readonly IZone[] | null {
  return attempt(() => list(object(content)['zones'], zone).slice(0, MAX_ZONES)) ?? null;
}

/** Suggestions by a kernel that is asked. */
export function suggestions(ask: (query: string) => Promise<Reply>): Suggest {
  return async query => {
    const reply = await ask(query);
    return reply.ok ? decodeZones(reply.content) : null;
  };
}

function zone(value: unknown): IZone {
  const raw = object(value);
  return {
    zone: text(raw['zone']),
    zoneName: text(raw['zone_name']),
    intensityGPerKwh: number(raw['intensity_g_per_kwh'])
  };
}
