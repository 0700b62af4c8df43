/** Who reads the devices of this machine. */
import { cpuReader } from './cpu.ts';
import { countedReader, gpuCounters } from './gpu-counters.ts';
import { nvmlReader, type NvmlReader } from './nvml.ts';
import type { DeviceReader } from './reading.ts';
import { smiReader } from './smi.ts';

/** Its GPUs, then its CPU. */
export const deviceReaders = (platform: NodeJS.Platform = process.platform): DeviceReader[] => [
  platform === 'win32' ? countedReader(gpuReader(), gpuCounters()) : gpuReader(),
  cpuReader(),
];

/** NVML, and nvidia-smi where NVML does not work. */
export function gpuReader(nvml: NvmlReader = nvmlReader(), smi: DeviceReader = smiReader()): DeviceReader {
  return {
    async read(detail, pids) {
      const readings = await nvml.read(detail, pids);
      return nvml.working() ? readings : smi.read(detail, pids);
    },
    problem: () => nvml.problem(),
    dispose() {
      nvml.dispose();
      smi.dispose();
    },
  };
}
