/**
 * Reads NVIDIA devices by asking nvidia-smi: coarser (MiB) and slower than NVML, so only where NVML does not answer.
 */
import { environment } from '../workers/environment.ts';
import { run, succeeded, SYSTEM_FOLDER } from '../workers/spawn.ts';
import { blankReading, type DeviceReader, type DeviceReading } from './reading.ts';

const MiB = 1024 ** 2;
const NEEDED = ['uuid', 'name', 'memory.total', 'memory.free'] as const;
/** Older programs refuse the whole question when they do not know one of these. */
const WISHED = [
  'temperature.gpu',
  'utilization.gpu',
  'utilization.memory',
  'power.draw',
  'power.limit',
  'fan.speed',
  'clocks.sm',
  'driver_version',
  'pci.bus_id',
] as const;

/** Nothing was asked: this machine had no descriptors or memory left for another process. */
const COULD_NOT_START = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']);

/** Runs the program with arguments and answers its output; rejects when it fails. */
export type Ask = (args: readonly string[]) => Promise<string>;

const rows = (csv: string): string[][] =>
  csv
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => line.split(',').map(cell => cell.trim()));
/** "[N/A]", "[Not Supported]" and the like are no numbers. */
const number = (cell: string | undefined): number | null =>
  cell !== undefined && cell !== '' && Number.isFinite(Number(cell)) ? Number(cell) : null;
const scaled = (cell: string | undefined, factor: number): number | null => {
  const value = number(cell);
  return value === null ? null : value * factor;
};

/** Devices from the two answers; `fields` names the columns of the first. */
export function parseSmi(devicesCsv: string, fields: readonly string[], processesCsv: string | null): DeviceReading[] {
  const processes = processesCsv === null ? null : rows(processesCsv);
  return rows(devicesCsv).flatMap(row => {
    const cell = (field: string): string | undefined => row[fields.indexOf(field)];
    const plain = (field: string): string | null => {
      const value = cell(field);
      return value === undefined || value.startsWith('[') ? null : value;
    };
    const id = plain('uuid');
    if (id === null) return [];
    return [
      {
        ...blankReading(id, 'gpu', 'nvidia-smi'),
        degraded: true,
        name: plain('name'),
        totalBytes: scaled(cell('memory.total'), MiB),
        freeBytes: scaled(cell('memory.free'), MiB),
        processes:
          processes
            ?.filter(([uuid]) => uuid === id)
            .map(([, pid, used]) => ({ pid: Number(pid), name: null, bytes: scaled(used, MiB), peakBytes: null })) ??
          null,
        temperatureC: number(cell('temperature.gpu')),
        utilization: scaled(cell('utilization.gpu'), 0.01),
        memoryUtilization: scaled(cell('utilization.memory'), 0.01),
        powerW: number(cell('power.draw')),
        powerLimitW: number(cell('power.limit')),
        fan: scaled(cell('fan.speed'), 0.01),
        clockMhz: number(cell('clocks.sm')),
        driver: plain('driver_version'),
        pciBus: plain('pci.bus_id'),
      },
    ];
  });
}

const askProgram =
  (program: string): Ask =>
  async args =>
    succeeded(await run(program, args, { cwd: SYSTEM_FOLDER, env: environment('local'), timeoutMs: 5000 }));

export function smiReader(ask: Ask = askProgram(process.env.EARSHOT_NVIDIA_SMI ?? 'nvidia-smi')): DeviceReader {
  let fields: readonly string[] = [...NEEDED, ...WISHED],
    absent = false;
  const question = (what: string): string[] => [what, '--format=csv,noheader,nounits'];
  return {
    async read() {
      if (absent) return [];
      let devices: string;
      try {
        devices = await ask(question(`--query-gpu=${fields.join(',')}`));
      } catch (error) {
        // No program at all: it will not appear while we run.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          absent = true;
          return [];
        }
        if (COULD_NOT_START.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
        if (fields.length === NEEDED.length) return [];
        try {
          devices = await ask(question(`--query-gpu=${NEEDED.join(',')}`));
          fields = NEEDED;
        } catch {
          return [];
        }
      }
      const processes = await ask(question('--query-compute-apps=gpu_uuid,pid,used_memory')).catch(() => null);
      return parseSmi(devices, fields, processes);
    },
    problem: () => null,
    dispose() {},
  };
}
