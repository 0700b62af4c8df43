/** Every device of this machine: its GPUs, then its CPU. */
import { cpuReader } from './cpu.ts';
import { gpuReader } from './gpu.ts';
import type { DeviceReader } from './reading.ts';

export const deviceReaders = (): DeviceReader[] => [gpuReader(), cpuReader()];
