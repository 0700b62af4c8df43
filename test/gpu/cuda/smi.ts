/** `nvidia-smi -q -x`: the same driver through another program. */
import { execFileSync } from 'node:child_process';
import type { ComparedField } from '../../../daemon/devices/agreement.ts';
import type { DeviceReading } from '../../../daemon/devices/reading.ts';

const MiB = 1024 ** 2;

export interface Element {
  name: string;
  id: string | null;
  text: string;
  children: Element[];
}

/** XML as nvidia-smi writes it: elements, text, and no attribute but `id`. */
export function parseElements(xml: string): Element {
  const root: Element = { name: '', id: null, text: '', children: [] },
    open = [root];
  for (const [, closing, name, attributes, text] of xml.matchAll(/<(\/?)([a-z]\w*)([^>]*)>|([^<]+)/gi)) {
    const inside = open.at(-1)!;
    if (text !== undefined) inside.text += text.trim();
    else if (closing) open.pop();
    else {
      const element = { name: name!, id: /id="([^"]*)"/.exec(attributes!)?.[1] ?? null, text: '', children: [] };
      inside.children.push(element);
      if (!attributes!.endsWith('/')) open.push(element);
    }
  }
  return root;
}

const within = (element: Element | undefined, ...path: string[]): Element | undefined =>
  path.reduce((found, name) => found?.children.find(child => child.name === name), element);

/** "N/A", "[Unknown Error]" and what is not there are null. */
const numberIn = (text: string | undefined): number | null => {
  const found = /^-?[\d.]+/.exec(text ?? '');
  return found ? Number(found[0]) : null;
};

export interface SmiGpu {
  uuid: string;
  values: Partial<Pick<DeviceReading, ComparedField>>;
  mig: boolean;
  processes: { pid: number; name: string; bytes: number | null }[];
}
export interface SmiAnswer {
  cuda: string | null;
  gpus: SmiGpu[];
}

/** Names in `values` are those of our readings; bytes, watts, degrees, MHz and shares of one. */
export function parseSmi(xml: string): SmiAnswer {
  const log = within(parseElements(xml), 'nvidia_smi_log');
  return {
    cuda: within(log, 'cuda_version')?.text ?? null,
    gpus: (log?.children ?? [])
      .filter(child => child.name === 'gpu')
      .map(gpu => gpuOf(gpu, within(log, 'driver_version')?.text ?? null)),
  };
}

function gpuOf(gpu: Element, driver: string | null): SmiGpu {
  const value = (...path: string[]): number | null => numberIn(within(gpu, ...path)?.text),
    scaled = (factor: number, found: number | null): number | null => (found === null ? null : found * factor),
    power = (name: string): number | null =>
      value('gpu_power_readings', name) ?? value('power_readings', name.replace('instant_', ''));
  return {
    uuid: within(gpu, 'uuid')?.text ?? '',
    mig: within(gpu, 'mig_mode', 'current_mig')?.text === 'Enabled',
    values: {
      driver,
      name: within(gpu, 'product_name')?.text ?? null,
      pciBus: gpu.id,
      totalBytes: scaled(MiB, value('fb_memory_usage', 'total')),
      freeBytes: scaled(MiB, value('fb_memory_usage', 'free')),
      temperatureC: value('temperature', 'gpu_temp'),
      fan: scaled(0.01, value('fan_speed')),
      utilization: scaled(0.01, value('utilization', 'gpu_util')),
      memoryUtilization: scaled(0.01, value('utilization', 'memory_util')),
      powerW: power('instant_power_draw') ?? power('power_draw'),
      powerLimitW: power('current_power_limit') ?? value('power_readings', 'enforced_power_limit'),
      clockMhz: value('clocks', 'sm_clock'),
    },
    processes: (within(gpu, 'processes')?.children ?? [])
      .filter(child => child.name === 'process_info')
      .map(process => ({
        pid: Number(within(process, 'pid')?.text),
        name: within(process, 'process_name')?.text ?? '',
        bytes: scaled(MiB, numberIn(within(process, 'used_memory')?.text)),
      })),
  };
}

/** @throws where there is no nvidia-smi, or it fails */
export const askSmi = (): SmiAnswer =>
  parseSmi(
    execFileSync(process.env.EARSHOT_NVIDIA_SMI ?? 'nvidia-smi', ['-q', '-x'], {
      encoding: 'utf8',
      maxBuffer: 64 * MiB,
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
