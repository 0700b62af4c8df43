/** Devices, their memory, the instances on them, and what is believed about models' needs. All sizes in bytes. */
import { Type, type Static } from 'typebox';
import { Bytes, Closed, DeviceId, DeviceKind, Fraction, Id, Nullable, Stage, Time } from './words.ts';

/** A share of a device's memory and who has it. */
export const MemoryHolder = Closed({
  kind: Type.Enum(['ours', 'other']),
  name: Type.String(),
  pid: Nullable(Type.Integer()),
  bytes: Nullable(Bytes),
  /** The instance, when it is ours. */
  instance: Nullable(Type.String()),
});
export type MemoryHolder = Static<typeof MemoryHolder>;

export const Device = Closed({
  id: DeviceId,
  kind: DeviceKind,
  name: Type.String(),
  /** ok; degraded: read by a fallback or in part; lost: was there and does not answer. */
  health: Type.Enum(['ok', 'degraded', 'lost']),
  source: Type.Enum(['nvml', 'nvidia-smi', 'os']),
  memory: Closed({
    total: Bytes,
    free: Bytes,
    /** What we may hold at most, and what we leave free for others. */
    cap: Bytes,
    reserve: Bytes,
    /** Sum of our leases, and the part of it that does not show on the device yet. */
    leased: Bytes,
    notResident: Bytes,
    /** What could be admitted now. */
    admissible: Bytes,
    holders: Type.Array(MemoryHolder),
  }),
  utilization: Nullable(Fraction),
  memoryUtilization: Nullable(Fraction),
  temperatureC: Nullable(Type.Number()),
  powerW: Nullable(Type.Number()),
  powerLimitW: Nullable(Type.Number()),
  fan: Nullable(Fraction),
  clockMhz: Nullable(Type.Number()),
  throttle: Type.Array(Type.String()),
  computeCapability: Nullable(Type.String()),
  driver: Nullable(Type.String()),
  cuda: Nullable(Type.String()),
  pciBus: Nullable(Type.String()),
  /** Cores, for the CPU; null for a GPU. */
  cores: Nullable(Type.Integer()),
  /**
   * The GPU that shares the memory of this device (Apple silicon): what it may hold of it, and what our models that
   * compute on it have. Missing: there is none.
   */
  metal: Type.Optional(
    Closed({
      name: Type.String(),
      cores: Nullable(Type.Integer()),
      limitBytes: Bytes,
      leasedBytes: Bytes,
      excluded: Type.Boolean(),
    }),
  ),
  excluded: Type.Boolean(),
  warning: Nullable(Type.Enum(['high', 'critical'])),
  readAt: Time,
});
export type Device = Static<typeof Device>;

/** One loaded model in one worker process on one device. */
export const Instance = Closed({
  id: Id,
  stage: Stage,
  model: Type.String(),
  engine: Type.String(),
  device: DeviceId,
  /** It computes on the GPU that shares its device's memory. */
  onMetal: Type.Optional(Type.Boolean()),
  precision: Type.String(),
  state: Type.Enum(['starting', 'loading', 'idle', 'busy', 'stopping', 'releasing']),
  threads: Type.Integer(),
  leaseBytes: Bytes,
  residentBytes: Nullable(Bytes),
  peakBytes: Nullable(Bytes),
  pid: Nullable(Type.Integer()),
  startedAt: Time,
  loadedAt: Nullable(Time),
  idleSince: Nullable(Time),
  /** What it works on now. */
  job: Nullable(Id),
  utterances: Type.Array(Type.Integer()),
  attemptsDone: Type.Integer(),
});
export type Instance = Static<typeof Instance>;

/** Estimated against measured, for one model on one device. */
export const Estimate = Closed({
  device: DeviceId,
  model: Type.String(),
  engine: Type.String(),
  precision: Type.String(),
  estimateBytes: Bytes,
  source: Type.Enum(['card', 'measured']),
  samples: Type.Integer(),
  lastPeakBytes: Nullable(Bytes),
  maxPeakBytes: Nullable(Bytes),
  /** (estimate − last peak) / last peak. */
  error: Nullable(Type.Number()),
  loadMs: Nullable(Type.Number()),
});
export type Estimate = Static<typeof Estimate>;
