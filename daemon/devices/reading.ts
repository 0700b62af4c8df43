/**
 * What can be read of a device at one moment. Every field may be missing by itself (null): drivers and platforms differ
 * in what they report.
 */
import type { Failure } from '../../schemas/errors.ts';
import type { DeviceKind } from '../../schemas/words.ts';

export interface ProcessReading {
  pid: number;
  /** Program name; null when the system does not report it. */
  name: string | null;
  /** Memory that is gone from the device's free memory because of this process. */
  bytes: number | null;
  /** The most that it ever held, where the system keeps it. */
  peakBytes: number | null;
}

/** A GPU that computes in the memory of its device, and may hold so much of it. */
export interface MetalReading {
  name: string;
  cores: number | null;
  limitBytes: number;
}

export interface DeviceReading {
  id: string;
  kind: DeviceKind;
  name: string | null;
  source: 'nvml' | 'nvidia-smi' | 'os';
  /** Coarse or incomplete: admit with care. */
  degraded: boolean;
  totalBytes: number | null;
  freeBytes: number | null;
  /** Processes on a GPU; on the CPU only those asked for. null: the driver does not report who holds what. */
  processes: ProcessReading[] | null;
  /** 0 to 1. */
  utilization: number | null;
  memoryUtilization: number | null;
  fan: number | null;
  temperatureC: number | null;
  powerW: number | null;
  powerLimitW: number | null;
  clockMhz: number | null;
  throttle: string[];
  computeCapability: string | null;
  driver: string | null;
  cuda: string | null;
  pciBus: string | null;
  cores: number | null;
  /** Of them, how many other programs keep busy. */
  outsideCores: number | null;
  /** Of unified memory, the GPU that shares it. */
  metal: MetalReading | null;
}

/** memory: what admission needs, cheap; all: also what people look at. */
export type Detail = 'memory' | 'all';

export interface DeviceReader {
  /**
   * Devices that answer now: one that was there before and is missing counts as lost. @throws where it could not look;
   * its devices then stay as they were read last. `pids`: our workers with their children, for readers that cannot
   * list processes.
   */
  read(detail: Detail, pids: ReadonlySet<number>): Promise<DeviceReading[]>;
  /** Why devices may be missing, if something is wrong; absence of a GPU is nothing wrong. */
  problem(): Failure | null;
  dispose(): void;
}

/** A reading of which nothing is known yet. */
export const blankReading = (id: string, kind: DeviceKind, source: DeviceReading['source']): DeviceReading => ({
  id,
  kind,
  source,
  name: null,
  degraded: false,
  totalBytes: null,
  freeBytes: null,
  processes: null,
  utilization: null,
  memoryUtilization: null,
  fan: null,
  temperatureC: null,
  powerW: null,
  powerLimitW: null,
  clockMhz: null,
  throttle: [],
  computeCapability: null,
  driver: null,
  cuda: null,
  pciBus: null,
  cores: null,
  outsideCores: null,
  metal: null,
});
