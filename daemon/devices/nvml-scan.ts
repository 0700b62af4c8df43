/** Finds the devices that NVML knows, and what of them never changes. */
import type { DeviceReading } from './reading.ts';
import { HangingError, type Nvml } from './nvml-calls.ts';
import type { DeviceHandle } from './nvml-library.ts';

export interface KnownDevice {
  handle: DeviceHandle;
  /** The device of which this is a part (MIG). */
  parent: DeviceHandle | null;
  fixed: Pick<DeviceReading, 'id' | 'name' | 'computeCapability' | 'pciBus' | 'powerLimitW'>;
}

/** Versions as people write them: `580.65.06` and `13.0`; null where the driver does not say. */
export interface Versions {
  driver: string | null;
  cuda: string | null;
}

export async function readVersions({ library, calls }: Nvml): Promise<Versions> {
  const driver = await calls.text(library.driver),
    cuda = await calls.unsigned(library.cuda, []);
  return { driver, cuda: cuda === null ? null : `${Math.floor(cuda / 1000)}.${Math.floor((cuda % 1000) / 10)}` };
}

/** Devices that answer; one that refuses is left out. @throws when NVML hangs or cannot count them */
export async function findDevices(nvml: Nvml, initMs: number): Promise<KnownDevice[]> {
  const count = [0];
  await nvml.calls.must(nvml.library.count, [count]);
  const found: KnownDevice[] = [];
  for (let index = 0; index < count[0]!; index++) {
    try {
      found.push(...(await devicesAt(nvml, index, initMs)));
    } catch (error) {
      if (error instanceof HangingError) throw error;
    }
  }
  return found;
}

/** A device, or the parts that it was divided into (MIG): work runs on those. */
async function devicesAt(nvml: Nvml, index: number, initMs: number): Promise<KnownDevice[]> {
  const { library, calls } = nvml;
  const handle: [DeviceHandle | null] = [null];
  await calls.must(library.handle, [index, handle], initMs);
  const whole = await describeDevice(nvml, handle[0]!, null);
  const current = [0],
    pending = [0];
  if ((await calls.maybe(library.migMode, [handle[0], current, pending], () => current[0])) !== 1) return [whole];
  const parts: KnownDevice[] = [],
    most = (await calls.unsigned(library.migCount, [handle[0]])) ?? 0;
  for (let part = 0; part < most; part++) {
    const partHandle: [DeviceHandle | null] = [null];
    if (await calls.maybe(library.migHandle, [handle[0], part, partHandle], () => true))
      parts.push(await describeDevice(nvml, partHandle[0]!, whole));
  }
  return parts;
}

async function describeDevice(
  { library, calls }: Nvml,
  handle: DeviceHandle,
  parent: KnownDevice | null,
): Promise<KnownDevice> {
  const id = await calls.text(library.uuid, [handle]);
  if (id === null) throw new Error('a device without UUID');
  const major = [0],
    minor = [0],
    bus: { busId?: string } = {},
    limit = await calls.unsigned(library.powerLimit, [handle]);
  return {
    handle,
    parent: parent?.handle ?? null,
    fixed: {
      id,
      name: await calls.text(library.name, [handle]),
      computeCapability:
        (await calls.maybe(library.capability, [handle, major, minor], () => `${major[0]}.${minor[0]}`)) ??
        parent?.fixed.computeCapability ??
        null,
      pciBus: (await calls.maybe(library.pci, [handle, bus], () => bus.busId ?? null)) ?? parent?.fixed.pciBus ?? null,
      powerLimitW: limit === null ? (parent?.fixed.powerLimitW ?? null) : limit / 1000,
    },
  };
}
