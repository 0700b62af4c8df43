/** The GPUs of this machine: NVML, and nvidia-smi where NVML does not work. */
import { nvmlReader, type NvmlReader } from './nvml.ts';
import type { DeviceReader } from './reading.ts';
import { smiReader } from './smi.ts';

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
