/** Devices as the device panel shows them. */
import * as vscode from 'vscode';
import type { Device, Estimate, Instance } from '../../schemas/device.ts';
import type { DeviceView, EstimateView, InstanceView, NoGpu, Sample, Slice } from '../../webview/messages.ts';
import { entryOf } from '../../text/messages/messages.ts';
import { bytesText, percentText, stageName } from '../ui/words.ts';

const HISTORY_MS = 10 * 60_000;
/** Too hot to be called normal. */
const HOT_C = 84;

/** Memory and load of each device over the last minutes; kept here, so that a hidden or reloaded panel has them. */
export class History {
  readonly #samples = new Map<string, Sample[]>();

  add(device: Device): void {
    const list = this.#samples.get(device.id) ?? [];
    if (list.at(-1)?.at === device.readAt) return;
    list.push({ at: device.readAt, used: device.memory.total - device.memory.free, utilization: device.utilization });
    const since = device.readAt - HISTORY_MS;
    while (list.length && list[0]!.at < since) list.shift();
    this.#samples.set(device.id, list);
  }

  of(id: string): Sample[] {
    return this.#samples.get(id) ?? [];
  }
}

/** Who holds the memory, in the order of the bar; the parts sum up to the device's total. */
export function slices(device: Device): Slice[] {
  const { total, free, reserve, notResident, holders } = device.memory;
  const used = Math.max(0, total - free);
  const known = holders
    .filter(h => (h.bytes ?? 0) > 0)
    .map(h => ({ kind: h.kind, name: h.name, bytes: h.bytes! }))
    .sort((a, b) => (a.kind === b.kind ? b.bytes - a.bytes : a.kind === 'ours' ? -1 : 1));
  const rest = used - known.reduce((sum, h) => sum + h.bytes, 0);
  const pending = Math.min(notResident, free),
    kept = Math.min(reserve, free - pending);
  return [
    ...known,
    {
      kind: 'other' as const,
      name: known.some(h => h.kind === 'other') ? vscode.l10n.t('System and others') : vscode.l10n.t('Other programs'),
      bytes: rest,
    },
    { kind: 'pending' as const, name: vscode.l10n.t('Loading'), bytes: pending },
    { kind: 'reserve' as const, name: vscode.l10n.t('Reserve'), bytes: kept },
    { kind: 'free' as const, name: vscode.l10n.t('Free'), bytes: free - pending - kept },
  ].filter(s => s.bytes > 0);
}

function facts(device: Device): DeviceView['facts'] {
  const result: DeviceView['facts'] = [];
  const add = (label: string, value: string | null, alarm = false): void => {
    if (value !== null) result.push({ label, value, alarm });
  };
  const percent = (fraction: number | null): string | null => (fraction === null ? null : percentText(fraction));
  add(vscode.l10n.t('Load'), percent(device.utilization));
  add(
    vscode.l10n.t('Temperature'),
    device.temperatureC === null ? null : `${Math.round(device.temperatureC)} °C`,
    (device.temperatureC ?? 0) >= HOT_C,
  );
  add(
    vscode.l10n.t('Power'),
    device.powerW === null
      ? null
      : device.powerLimitW === null
        ? `${Math.round(device.powerW)} W`
        : `${Math.round(device.powerW)} / ${Math.round(device.powerLimitW)} W`,
  );
  add(vscode.l10n.t('Clock'), device.clockMhz === null ? null : `${Math.round(device.clockMhz)} MHz`);
  add(vscode.l10n.t('Fan'), percent(device.fan));
  const { metal } = device;
  if (metal)
    add(
      vscode.l10n.t('GPU memory'),
      metal.excluded
        ? vscode.l10n.t('left alone, as your settings say')
        : vscode.l10n.t('{0} of at most {1}', bytesText(metal.leasedBytes), bytesText(metal.limitBytes)),
    );
  add(vscode.l10n.t('Throttled'), device.throttle.length ? device.throttle.join(', ') : null, true);
  return result;
}

/** Not every Mac says how many cores its GPU has. */
const gpuInIt = ({ cores }: NonNullable<Device['metal']>): string =>
  cores === null
    ? vscode.l10n.t('GPU in the same memory')
    : vscode.l10n.t('GPU with {0} cores, in the same memory', cores);

const STATES: Readonly<Record<Instance['state'], () => string>> = {
  starting: () => vscode.l10n.t('starting'),
  loading: () => vscode.l10n.t('loading'),
  idle: () => vscode.l10n.t('ready'),
  busy: () => vscode.l10n.t('busy'),
  stopping: () => vscode.l10n.t('stopping'),
  releasing: () => vscode.l10n.t('releasing memory'),
};

function instanceView(instance: Instance, modelName: (id: string) => string): InstanceView {
  const threads =
    instance.device === 'cpu' && !instance.onMetal ? vscode.l10n.t('{0} threads', instance.threads) : null;
  return {
    id: instance.id,
    model: modelName(instance.model),
    stage: instance.stage,
    state: instance.state,
    busy: instance.state === 'busy',
    bytes: instance.residentBytes ?? instance.leaseBytes,
    peakBytes: instance.peakBytes,
    detail: [
      stageName(instance.stage),
      entryOf(STATES, instance.state, () => instance.state)(),
      // Where it works first: a narrow view cuts the end.
      instance.onMetal ? vscode.l10n.t('on the GPU') : null,
      instance.precision,
      threads,
    ]
      .filter(Boolean)
      .join(' · '),
    canUnload: instance.state === 'idle' || instance.state === 'busy',
  };
}

const estimateView = (e: Estimate, modelName: (id: string) => string): EstimateView => ({
  model: modelName(e.model),
  estimateBytes: e.estimateBytes,
  measuredBytes: e.maxPeakBytes,
  samples: e.samples,
  error: e.error,
});

export interface DeviceInput {
  devices: Iterable<Device>;
  instances: Iterable<Instance>;
  estimates: readonly Estimate[];
  history: History;
  modelName: (id: string) => string;
}

/** GPUs first, the CPU last. */
export function deviceViews({ devices, instances, estimates, history, modelName }: DeviceInput): DeviceView[] {
  const all = [...instances];
  return [...devices]
    .sort((a, b) => (a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind === 'gpu' ? -1 : 1))
    .map(device => ({
      id: device.id,
      kind: device.kind,
      name: device.name,
      health: device.health,
      warning: device.warning,
      excluded: device.excluded,
      subtitle:
        device.kind === 'cpu'
          ? [vscode.l10n.t('Processor, {0} cores', device.cores ?? 1), device.metal ? gpuInIt(device.metal) : null]
              .filter(Boolean)
              .join(' · ')
          : [
              device.driver ? vscode.l10n.t('Driver {0}', device.driver) : null,
              device.cuda ? `CUDA ${device.cuda}` : null,
              device.computeCapability ? vscode.l10n.t('Compute {0}', device.computeCapability) : null,
            ]
              .filter(Boolean)
              .join(' · '),
      healthText: device.excluded
        ? vscode.l10n.t('Earshot leaves this device alone.')
        : device.health === 'lost'
          ? vscode.l10n.t('This device no longer responds.')
          : device.warning === 'critical'
            ? vscode.l10n.t('Memory is nearly full: new models must wait.')
            : device.warning === 'high'
              ? vscode.l10n.t('Memory is filling up.')
              : device.health === 'degraded'
                ? vscode.l10n.t('Only part of its state can be read.')
                : '',
      total: device.memory.total,
      used: device.memory.total - device.memory.free,
      slices: slices(device),
      facts: facts(device),
      instances: all.filter(i => i.device === device.id).map(i => instanceView(i, modelName)),
      estimates: estimates.filter(e => e.device === device.id).map(e => estimateView(e, modelName)),
      history: history.of(device.id),
    }));
}

/** Shown when no GPU is there: calm when there is none, helpful when its driver is missing. */
export function noGpuView(devices: Iterable<Device>, platform: NodeJS.Platform): NoGpu | null {
  if ([...devices].some(d => d.kind === 'gpu' || d.metal)) return null;
  const driver = platform === 'darwin' ? null : 'https://www.nvidia.com/drivers';
  return {
    title: vscode.l10n.t('No NVIDIA GPU was found'),
    text:
      platform === 'darwin'
        ? vscode.l10n.t('Models run on the processor of this Mac. Small ones are fast enough for everyday recordings.')
        : vscode.l10n.t(
            'Models run on the processor: everything works, small models are fast enough, large ones are slow. ' +
              'If this machine has an NVIDIA card, its driver is missing or not visible here; ' +
              'after installing it, reload this window.',
          ),
    link: driver,
    linkText: driver ? vscode.l10n.t('Get the driver') : null,
  };
}
