/**
 * Wire version 1 (docs/wire.md): what the kernel sends, and the guard that lets it in.
 *
 * A message may be anything, also hostile: the kernel runs the notebook's code, and the notebook
 * may come from elsewhere. Known keys only, finite numbers only, short texts only; the rest is
 * dropped. Energies in J, power in W, masses in g, times in s since the epoch.
 */

import {
  attempt,
  isObject,
  list,
  longText,
  MAX_TEXT,
  number,
  numberIfAny,
  numberOrNull,
  object,
  oneOf,
  type Raw,
  text,
  textOrNull
} from './guard';

export const WIRE_VERSION = 1;
export const COMM_ID = 'greencell';
export const REQUEST_TYPE = 'greencell_request';
export const EXPORT_FORMATS = ['json', 'csv', 'md', 'html', 'tex', 'yaml', 'svg'] as const;
/** What is pasted somewhere, by its name: several have one suffix. */
export const STATEMENTS = [
  'model-card',
  'huggingface',
  'latex',
  'climate-card',
  'codecarbon',
  'sci',
  'ai-act'
] as const;

const MAX_FLAGS = 32;
const MAX_COMPONENTS = 32;

export type Provenance = 'measured' | 'estimated' | 'mixed';
export type CellStatus = 'ok' | 'error' | 'interrupted' | 'lost';
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export type Statement = (typeof STATEMENTS)[number];
export type Components = ReadonlyMap<string, number>;

/** A figure with its interval; `null` where nothing is known. */
export interface IFigures {
  energyJ: number | null;
  energyLowJ: number | null;
  energyHighJ: number | null;
  co2G: number | null;
  co2LowG: number | null;
  co2HighG: number | null;
}

/** What else used the machine; `null` where nothing is known. */
export interface ISurroundings {
  /** By others on the machine. */
  othersJ: number | null;
  /** Idle energy that is nobody's in particular. */
  idleJ: number | null;
  /** What a meter of the whole machine counted: beside the sum, never added. */
  nodeJ: number | null;
}

export interface ITotals extends IFigures, ISurroundings {
  cells: number;
  betweenCellsJ: number;
  machineJ: number;
  byComponentJ: Components;
  provenance: Provenance;
  /** Whether something is missing in the sums. */
  flags: readonly string[];
  /** What the intensities in the CO2 count; two of them are a mixture. */
  bases: readonly string[];
  /** What the CO2 is uncertain by from the grid's figures alone. */
  gridRelativeError: number | null;
  durationS: number;
}

/** What a session draws while nothing runs, with its interval. */
export interface IIdlePower {
  powerW: number;
  lowW: number;
  highW: number;
}

/** Up to when totals count, and how they go on while the kernel is idle and says nothing. */
export interface IStanding {
  /** In s since the epoch, by the kernel's clock; `null` where it is not told. */
  asOf: number | null;
  /** `null` where it is not known. */
  idle: IIdlePower | null;
}

export interface IRunning {
  run: string;
  /** The id of the `execute_request` that it came with. */
  request: string | null;
  number: number;
  cellId: string | null;
  label: string | null;
  startedAt: number;
  elapsedS: number;
  energyJ: number | null;
  energyLowJ: number | null;
  energyHighJ: number | null;
  co2G: number | null;
  meanPowerW: number | null;
  others: number;
}

export interface IRecord extends IFigures, ISurroundings {
  run: string;
  /** The id of the `execute_request` that it came with. */
  request: string | null;
  number: number;
  cellId: string | null;
  executionCount: number | null;
  label: string | null;
  status: CellStatus;
  startedAt: number;
  durationS: number;
  machineJ: number | null;
  meanPowerW: number | null;
  peakPowerW: number | null;
  byComponentJ: Components;
  provenance: Provenance;
  flags: readonly string[];
  zone: string;
  intensityGPerKwh: number;
  parent: number | null;
  final: boolean;
}

export interface ISource {
  id: string;
  component: string;
  kind: string;
  provenance: Provenance;
  detail: string;
  /** The sources of components are summed; one of the whole node stands beside the sum. */
  scope: 'component' | 'node';
  /** By how much its readings may be wrong, as a part of them. */
  relativeError: number | null;
  /** Its power at idle, as learnt so far. */
  baselineW: number | null;
  /** By how much its readings are late. */
  lagS: number | null;
}

export interface ISkipped {
  id: string;
  reason: string;
  remedy: string;
  /** What the remedy opens besides. */
  caution: string;
  /** What would change with it. */
  benefit: string;
}

/** What a provider of live figures said. */
export interface IReading {
  provider: string;
  zone: string;
  intensityGPerKwh: number;
  basis: string;
  /** ISO 8601. */
  at: string;
  isEstimated: boolean;
}

export interface ICarbon {
  zone: string;
  zoneName: string;
  intensityGPerKwh: number;
  basis: string;
  year: number | null;
  source: string;
  locatedBy: string;
  pue: number;
  note: string;
  /** What told the place, in one line. */
  reason: string;
  /** Other places that it may as well be. */
  candidates: readonly string[];
  relativeError: number | null;
  pueSource: string;
  live: IReading | null;
  /** Shown apart: it enters no sum. */
  marginal: IReading | null;
}

export interface IInfo {
  version: string;
  startedAt: number;
  attribution: string;
  cpu: string;
  gpus: readonly string[];
  virtual: boolean;
  sources: readonly ISource[];
  skipped: readonly ISkipped[];
  carbon: ICarbon;
}

export interface INotice {
  id: string;
  level: 'info' | 'warning';
  text: string;
  remedy: string;
  /** The part of the text that no translator knows. */
  about: string;
}

interface IEnvelope {
  session: string;
  seq: number;
  t: number;
}

export interface IPicture extends IEnvelope {
  kind: 'hello' | 'snapshot';
  info: IInfo;
  totals: ITotals;
  standing: IStanding;
  running: IRunning | null;
  cells: readonly IRecord[];
  cellsTotal: number;
  paused: boolean;
  notices: readonly INotice[];
}

export interface ITick extends IEnvelope {
  kind: 'tick';
  running: IRunning;
  totals: ITotals;
  powerW: number | null;
  byComponentW: Components;
}

export interface ICellStart extends IEnvelope {
  kind: 'cell-start';
  running: IRunning;
  totals: ITotals | null;
}

export interface ICellEnd extends IEnvelope {
  kind: 'cell-end';
  /** The latest run that ended. */
  record: IRecord;
  /** All that ended since the last message of this kind, oldest first, the latest among them. */
  records: readonly IRecord[];
  totals: ITotals;
  standing: IStanding;
}

export interface IStatusMessage extends IEnvelope {
  kind: 'status';
  info: IInfo;
  paused: boolean;
  notices: readonly INotice[];
}

export type Message = IPicture | ITick | ICellStart | ICellEnd | IStatusMessage;

/** What became of a message: read, of another version, or nothing for us. */
export type Decoded = { ok: true; message: Message } | { ok: false; reason: 'version' | 'ignored' };

/** Read one message; never throws. */
export function decode(data: unknown): Decoded {
  if (!isObject(data) || typeof data['wire'] !== 'number') {
    return { ok: false, reason: 'ignored' };
  }
  if (data['wire'] !== WIRE_VERSION) {
    return { ok: false, reason: 'version' };
  }
  const message = attempt(() => body(data));
  return message ? { ok: true, message } : { ok: false, reason: 'ignored' };
}

/** Whether a message tells of a session in which nothing has run yet. */
export function hasNothing(message: Message): message is IPicture {
  return (message.kind === 'hello' || message.kind === 'snapshot') && message.cellsTotal === 0 && message.running === null;
}

/** Which version a message is of, and that of the kernel's greencell: only what may be pasted. */
export function speaks(data: unknown): { wire: number; greencell: string } {
  const message = isObject(data) ? data : {};
  const { greencell_version: about } = isObject(message['info']) ? message['info'] : message;
  const greencell = typeof about === 'string' && /^\d[\w.+!]{0,30}$/.test(about) ? about : '';
  return { wire: Number(message['wire']), greencell };
}

/** Whether a reply says that what was asked is done. */
export function isOkReply(content: unknown): content is Raw & { ok: true } {
  return isObject(content) && content['ok'] === true;
}

/** The one line of a refused request. */
export function errorOf(content: unknown): string {
  const line = isObject(content) ? content['error'] : undefined;
  return typeof line === 'string' ? line.slice(0, MAX_TEXT * 2) : '';
}

/** Earlier records, and how many lie before them; `null` if the reply does not fit. */
export function pageOf(content: unknown): { cells: readonly IRecord[]; more: number } | null {
  const page = attempt(() => {
    const raw = object(content);
    return { cells: list(raw['cells'], record), more: number(raw['more']) };
  });
  return page ?? null;
}

/** The totals that come with every reply; `null` from kernels of before, and where they do not fit. */
export function totalsOf(content: unknown): { totals: ITotals; standing: IStanding } | null {
  const read = attempt(() => {
    const raw = object(content);
    return { totals: totals(object(raw['totals'])), standing: standing(raw) };
  });
  return read ?? null;
}

function body(raw: Raw): Message | null {
  const envelope: IEnvelope = {
    session: text(raw['session']),
    seq: number(raw['seq']),
    t: number(raw['t'])
  };
  switch (raw['kind']) {
    case 'hello':
    case 'snapshot':
      return {
        ...envelope,
        kind: raw['kind'],
        info: info(object(raw['info'])),
        totals: totals(object(raw['totals'])),
        standing: standing(raw),
        running: raw['running'] === null ? null : running(object(raw['running'])),
        cells: list(raw['cells'], record),
        cellsTotal: number(raw['cells_total']),
        paused: raw['paused'] === true,
        notices: list(raw['notices'], notice)
      };
    case 'tick':
      return {
        ...envelope,
        kind: 'tick',
        running: running(object(raw['running'])),
        totals: totals(object(raw['totals'])),
        powerW: numberOrNull(raw['power_w']),
        byComponentW: components(raw['by_component_w'])
      };
    case 'cell-start':
      return {
        ...envelope,
        kind: 'cell-start',
        running: running(object(raw['running'])),
        totals: isObject(raw['totals']) ? totals(raw['totals']) : null
      };
    case 'cell-end':
      return {
        ...envelope,
        kind: 'cell-end',
        ...ended(raw),
        totals: totals(object(raw['totals'])),
        standing: standing(raw)
      };
    case 'status':
      return {
        ...envelope,
        kind: 'status',
        info: info(object(raw['info'])),
        paused: raw['paused'] === true,
        notices: list(raw['notices'], notice)
      };
    default:
      return null;
  }
}

export function figures(raw: Raw): IFigures {
  return {
    energyJ: numberOrNull(raw['energy_j']),
    energyLowJ: numberOrNull(raw['energy_low_j']),
    energyHighJ: numberOrNull(raw['energy_high_j']),
    co2G: numberOrNull(raw['co2_g']),
    co2LowG: numberOrNull(raw['co2_low_g']),
    co2HighG: numberOrNull(raw['co2_high_g'])
  };
}

function surroundings(raw: Raw): ISurroundings {
  return {
    othersJ: numberIfAny(raw['others_j']),
    idleJ: numberIfAny(raw['idle_j']),
    nodeJ: numberIfAny(raw['node_j'])
  };
}

function totals(raw: Raw): ITotals {
  return {
    ...figures(raw),
    ...surroundings(raw),
    cells: number(raw['cells']),
    betweenCellsJ: number(raw['between_cells_j']),
    machineJ: number(raw['machine_j']),
    byComponentJ: components(raw['by_component_j']),
    provenance: provenance(raw['provenance']),
    flags: textsIfAny(raw['flags']),
    bases: textsIfAny(raw['bases']),
    gridRelativeError: numberIfAny(raw['grid_relative_error']),
    durationS: number(raw['duration_s'])
  };
}

/** Kernels of before say nothing of these. */
export function textsIfAny(raw: unknown): readonly string[] {
  return raw === undefined ? [] : list(raw, text).slice(0, MAX_FLAGS);
}

function standing(raw: Raw): IStanding {
  const [powerW, lowW, highW] = [
    numberIfAny(raw['idle_power_w']),
    numberIfAny(raw['idle_power_low_w']),
    numberIfAny(raw['idle_power_high_w'])
  ];
  const isKnown = powerW !== null && lowW !== null && highW !== null;
  return {
    asOf: numberIfAny(raw['as_of']),
    idle: isKnown && 0 <= lowW && lowW <= powerW && powerW <= highW ? { powerW, lowW, highW } : null
  };
}

/** The latest record, and in a batch those before it. */
function ended(raw: Raw): Pick<ICellEnd, 'record' | 'records'> {
  const latest = record(object(raw['record']));
  const batch = Array.isArray(raw['records']) ? list(raw['records'], record) : [];
  return { record: latest, records: [...batch.filter(({ run }) => run !== latest.run), latest] };
}

function running(raw: Raw): IRunning {
  const elapsedS = number(raw['elapsed_s']);
  // The zeros of a start mark were not read from any meter.
  const read = elapsedS > 0 ? numberOrNull : (): null => null;
  return {
    run: text(raw['run']),
    request: requestIfAny(raw['request']),
    number: number(raw['number']),
    cellId: textOrNull(raw['cell_id']),
    label: textOrNull(raw['label']),
    startedAt: number(raw['started_at']),
    elapsedS,
    energyJ: read(raw['energy_j']),
    energyLowJ: read(raw['energy_low_j']),
    energyHighJ: read(raw['energy_high_j']),
    co2G: read(raw['co2_g']),
    meanPowerW: read(raw['mean_power_w']),
    others: number(raw['others'])
  };
}

function record(value: unknown): IRecord {
  const raw = object(value);
  return {
    ...figures(raw),
    ...surroundings(raw),
    run: text(raw['run']),
    request: requestIfAny(raw['request']),
    number: number(raw['number']),
    cellId: textOrNull(raw['cell_id']),
    executionCount: numberOrNull(raw['execution_count']),
    label: textOrNull(raw['label']),
    status: oneOf(raw['status'], ['ok', 'error', 'interrupted', 'lost'] as const),
    startedAt: number(raw['started_at']),
    durationS: number(raw['duration_s']),
    machineJ: numberOrNull(raw['machine_j']),
    meanPowerW: numberOrNull(raw['mean_power_w']),
    peakPowerW: numberOrNull(raw['peak_power_w']),
    byComponentJ: components(raw['by_component_j']),
    provenance: provenance(raw['provenance']),
    flags: list(raw['flags'], text).slice(0, MAX_FLAGS),
    zone: text(raw['zone']),
    intensityGPerKwh: number(raw['intensity_g_per_kwh']),
    parent: numberOrNull(raw['parent']),
    final: raw['final'] !== false
  };
}

/** It came later to this version, and is none where nobody asked. */
function requestIfAny(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : null;
}

function info(raw: Raw): IInfo {
  const host = object(raw['host']);
  return {
    version: text(raw['greencell_version']),
    startedAt: number(raw['started_at']),
    attribution: text(raw['attribution']),
    cpu: text(host['cpu']),
    gpus: list(host['gpus'], text),
    virtual: host['virtual'] === true,
    sources: list(raw['sources'], source),
    skipped: list(raw['skipped'], skipped),
    carbon: carbon(object(raw['carbon']))
  };
}

function source(value: unknown): ISource {
  const raw = object(value);
  return {
    id: text(raw['id']),
    component: text(raw['component']),
    kind: text(raw['kind']),
    provenance: provenance(raw['provenance']),
    detail: textOrNull(raw['detail']) ?? '',
    scope: raw['scope'] === 'node' ? 'node' : 'component',
    relativeError: numberIfAny(raw['relative_error']),
    baselineW: numberIfAny(raw['baseline_w']),
    lagS: numberIfAny(raw['lag_s'])
  };
}

function skipped(value: unknown): ISkipped {
  const raw = object(value);
  return {
    id: text(raw['id']),
    reason: longText(raw['reason']),
    remedy: longText(raw['remedy']),
    caution: longText(raw['caution']),
    benefit: longText(raw['benefit'])
  };
}

function carbon(raw: Raw): ICarbon {
  return {
    zone: text(raw['zone']),
    zoneName: text(raw['zone_name']),
    intensityGPerKwh: number(raw['intensity_g_per_kwh']),
    basis: text(raw['basis']),
    year: numberOrNull(raw['year']),
    source: text(raw['source']),
    locatedBy: text(raw['located_by']),
    pue: number(raw['pue']),
    note: longText(raw['note']),
    reason: longText(raw['reason']),
    candidates: textsIfAny(raw['candidates']),
    relativeError: numberIfAny(raw['relative_error']),
    pueSource: longText(raw['pue_source']),
    live: attempt(() => reading(raw['live'])) ?? null,
    marginal: attempt(() => reading(raw['marginal'])) ?? null
  };
}

function reading(value: unknown): IReading {
  const raw = object(value);
  return {
    provider: text(raw['provider']),
    zone: text(raw['zone']),
    intensityGPerKwh: number(raw['intensity_g_per_kwh']),
    basis: text(raw['basis']),
    at: text(raw['at']),
    isEstimated: raw['is_estimated'] === true
  };
}

function notice(value: unknown): INotice {
  const raw = object(value);
  return {
    id: text(raw['id']),
    level: oneOf(raw['level'], ['info', 'warning'] as const),
    text: text(raw['text']),
    remedy: longText(raw['remedy']),
    about: longText(raw['about'])
  };
}

function components(value: unknown): Components {
  const entries = Object.entries(object(value)).slice(0, MAX_COMPONENTS);
  return new Map(entries.map(([name, figure]) => [name.slice(0, MAX_TEXT), number(figure)]));
}

export function provenance(value: unknown): Provenance {
  return oneOf(value, ['measured', 'estimated', 'mixed'] as const);
}
