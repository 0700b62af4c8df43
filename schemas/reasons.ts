/** Why a job waits, what holds the queue up, and what the doctor found: codes and their arguments. */
import { Type, type Static } from 'typebox';
import { known, type ArgKinds, type ArgsOf } from './args.ts';
import { Args } from './failure.ts';
import { Closed } from './words.ts';

/** `at`: when it is expected to be over, ms since the epoch. Devices are named as people know them. */
export const REASONS = {
  paused: {},
  queuePaused: {},
  ingesting: {},
  modelDownloading: { model: 'text', percent: 'number' },
  engineInstalling: { engine: 'text', percent: 'number' },
  modelLoading: { stage: 'text', model: 'text', device: 'text', at: 'number?' },
  /** `bytes` are missing on the device; `holder`: the model that holds them, when it is one of ours. */
  memory: { stage: 'text', model: 'text', device: 'text', bytes: 'number', holder: 'text?', at: 'number?' },
  /** The room is kept for the job `for`, which waits longer. */
  reserved: { stage: 'text', model: 'text', device: 'text', for: 'text', at: 'number?' },
  deviceLimit: { device: 'text', limit: 'number' },
  modelLimit: { limit: 'number' },
  taskLimit: { limit: 'number' },
  cores: { device: 'text', threads: 'number', at: 'number?' },
  /** `count` jobs go first, and how many of them at each priority where that is known. */
  behind: { count: 'number', urgent: 'number?', high: 'number?', normal: 'number?', low: 'number?' },
  retryAt: { stage: 'text', at: 'number' },
  instanceBusy: { stage: 'text', model: 'text', at: 'number?' },
  deviceBusyLoading: { device: 'text', model: 'text' },
  releasing: { device: 'text', bytes: 'number' },
  serial: { count: 'number' },
  starting: {},
  /** Its sound is on the way to the fleet. */
  fleetSending: { percent: 'number' },
  /** `count` jobs of the fleet go first. */
  fleetAhead: { count: 'number' },
  /** A machine of the fleet has it and gets ready for it. */
  fleetStarting: { machine: 'text' },
  /** `lacks`: what the machine lacks that lacks the least; missing: there is no machine. */
  noMachineFits: { lacks: 'text?' },
  fleetUnreachable: {},
} as const satisfies Record<string, ArgKinds>;
export type ReasonCode = keyof typeof REASONS;
export type ReasonArgs = { [C in ReasonCode]: ArgsOf<(typeof REASONS)[C]> };

/** Why a job waits. `code` is a ReasonCode unless another version wrote it. */
export const Reason = Closed({ code: Type.String(), args: Args });
export type Reason = Static<typeof Reason>;
/** Left out where a code needs no arguments. */
type Maybe<A> = {} extends A ? [args?: A] : [args: A];
export const reason = <C extends ReasonCode>(code: C, ...[args]: Maybe<ReasonArgs[C]>): Reason => ({
  code,
  args: known(args ?? {}),
});

/** Shares are 0 to 1: of the time in which a stage was busy, and of all waiting. */
export const BOTTLENECKS = {
  stageBusy: { stage: 'text', busyShare: 'number', waitShare: 'number' },
  memoryShort: { share: 'number' },
  loading: { share: 'number' },
} as const satisfies Record<string, ArgKinds>;
export type BottleneckCode = keyof typeof BOTTLENECKS;
export type BottleneckArgs = { [C in BottleneckCode]: ArgsOf<(typeof BOTTLENECKS)[C]> };

/** The one thing that holds the queue up. */
export const Bottleneck = Closed({ code: Type.String(), args: Args });
export type Bottleneck = Static<typeof Bottleneck>;
export const bottleneckOf = <C extends BottleneckCode>(code: C, args: BottleneckArgs[C]): Bottleneck => ({
  code,
  args: known(args),
});

/** What `earshot doctor` looks at, what it may find, and the arguments of each finding. */
export const CHECKS = {
  node: { ok: { version: 'text' }, problem: { version: 'text', needed: 'number' } },
  python: {
    ok: { version: 'text', path: 'text' },
    /** `missing`: the part of Python that is not there; `platform`: Node's name of the system. */
    warning: { version: 'text', path: 'text', missing: 'text', platform: 'text?' },
    /** `newest`: that packages are built for. */
    problem: { needed: 'text', newest: 'text?', platform: 'text?' },
  },
  ffmpeg: {
    ok: { path: 'text', version: 'text?' },
    /** `path`: stands in for Earshot's own until that is installed; without one there is none yet. */
    warning: { path: 'text?', version: 'text?' },
    /** `path`: the one that was chosen. */
    problem: { path: 'text?' },
  },
  /** `names` of those that work, joined by commas; `problem`: the code of a failure. */
  gpu: {
    /** `metalBytes`: what a GPU of Apple silicon may hold of the machine's memory; 0: it is to be left alone. */
    ok: { names: 'text', metalBytes: 'number?' },
    warning: { names: 'text?', problem: 'text?' },
    problem: { problem: 'text', name: 'text?' },
  },
  /** `devices`: how many nvidia-smi agrees about; without it nothing can be compared. `fields`: where they differ. */
  gpuReadings: { ok: { devices: 'number' }, warning: {}, problem: { fields: 'text' } },
  /** `ms`: what a reading takes. */
  gpuSpeed: { ok: { ms: 'number' }, warning: { ms: 'number' } },
  /** `names` of the programs that hold most; warning: the driver does not list them. */
  gpuPrograms: { ok: { count: 'number', names: 'text?' }, warning: {} },
  /** `types` of numbers that it computes with on a GPU; warning: it is not installed. */
  gpuRecognition: { ok: { types: 'text' }, warning: {}, problem: { why: 'text' } },
  memory: { ok: { freeBytes: 'number' }, warning: { freeBytes: 'number' }, problem: { freeBytes: 'number' } },
  disk: {
    ok: { freeBytes: 'number', path: 'text' },
    warning: { freeBytes: 'number', path: 'text' },
    problem: { freeBytes: 'number', path: 'text' },
  },
  /** `offline`: 1 where the setting is on. */
  models: { ok: { names: 'text' }, warning: { names: 'text', offline: 'number?' }, problem: { names: 'text' } },
  engines: { ok: { names: 'text' }, warning: { names: 'text' } },
  /** `proxy`: the one on the way, without its password; `why`: what stands in the way, as for modelUnavailable. */
  network: {
    ok: { url: 'text?', offline: 'number?', proxy: 'text?', unusable: 'text?' },
    warning: { url: 'text', proxy: 'text?', why: 'text?' },
  },
  sandbox: {
    ok: { abi: 'number' },
    /** `reason`: "off" for the setting, "system" where the system has no sandbox. */
    warning: { reason: 'text' },
    /** `path`: an ffmpeg that does not start in it. */
    problem: { path: 'text' },
  },
  socket: { ok: { path: 'text' }, problem: { path: 'text', mode: 'text' } },
} as const satisfies Record<string, Partial<Record<'ok' | 'warning' | 'problem', ArgKinds>>>;
export type CheckId = keyof typeof CHECKS;
export type CheckStatus<I extends CheckId = CheckId> = keyof (typeof CHECKS)[I];
export type CheckArgs<I extends CheckId, S> = S extends keyof (typeof CHECKS)[I]
  ? (typeof CHECKS)[I][S] extends ArgKinds
    ? ArgsOf<(typeof CHECKS)[I][S]>
    : never
  : never;

/** Each check says whether it is fine, and what was found. */
export const DoctorReport = Closed({
  checks: Type.Array(Closed({ id: Type.String(), status: Type.Enum(['ok', 'warning', 'problem']), args: Args })),
});
export type DoctorReport = Static<typeof DoctorReport>;
export type Check = DoctorReport['checks'][number];
export const checkOf = <I extends CheckId, S extends keyof (typeof CHECKS)[I] & Check['status']>(
  id: I,
  status: S,
  ...[args]: Maybe<CheckArgs<I, S>>
): Check => ({ id, status, args: known(args ?? {}) });
