/**
 * Reads NVIDIA devices through NVML.
 *
 * Until a call that hangs comes back no other is made and no device answers. When a device falls off the bus (or the
 * driver was not there), NVML is started anew from time to time, which is also how a device comes back. Each field may
 * fail by itself.
 */
import { failure, type Failure } from '../../schemas/errors.ts';
import { HangingError, NvmlCalls, NvmlError, type Nvml } from './nvml-calls.ts';
import {
  DRIVER_NOT_LOADED,
  libraryNames,
  openNvml,
  SUCCESS,
  UNINITIALIZED,
  VERSION_MISMATCH,
  type NvmlLibrary,
} from './nvml-library.ts';
import { readDevice } from './nvml-read.ts';
import { findDevices, readVersions, type KnownDevice, type Versions } from './nvml-scan.ts';
import type { DeviceReader, DeviceReading, Detail } from './reading.ts';

export interface NvmlOptions {
  names?: readonly string[];
  /** Longest a call may take, and the first ones, which may have to wake devices up. */
  callMs?: number;
  initMs?: number;
  /** Pause between attempts to find devices that are missing. */
  rescanMs?: number;
}

export interface NvmlReader extends DeviceReader {
  /** false: no library, no driver, or a call that hangs: something else should look. */
  working(): boolean;
}

export function nvmlReader({
  names = libraryNames(),
  callMs = 2000,
  initMs = 30_000,
  rescanMs = 5000,
}: NvmlOptions = {}): NvmlReader {
  return new Reader({ names, callMs, initMs, rescanMs });
}

class Reader implements NvmlReader {
  readonly #options: Required<NvmlOptions>;
  readonly #calls: NvmlCalls;
  #library: NvmlLibrary | null = null;
  #devices: KnownDevice[] = [];
  #versions: Versions = { driver: null, cuda: null };
  /** The most devices that ever answered: with fewer, some are missing. */
  #expected = 0;
  #started = false;
  /** There is no library or no driver. */
  #missing = false;
  #trouble: Failure | null = null;
  #scanning: Promise<void> | null = null;
  #scannedAt = -Infinity;

  constructor(options: Required<NvmlOptions>) {
    this.#options = options;
    this.#calls = new NvmlCalls(options.callMs);
  }

  async read(detail: Detail): Promise<DeviceReading[]> {
    const due = performance.now() - this.#scannedAt >= this.#options.rescanMs;
    if (!this.#calls.hanging && due && (!this.#started || this.#devices.length < this.#expected)) await this.#rescan();
    const library = this.#library;
    if (!library || !this.#started || this.#scanning) return [];
    const nvml = { library, calls: this.#calls };
    const readings: DeviceReading[] = [];
    for (const device of [...this.#devices]) {
      try {
        readings.push(await readDevice(nvml, device, this.#versions, detail));
      } catch (error) {
        if (error instanceof HangingError) {
          this.#trouble = failure('driverHangs');
          return [];
        }
        this.#lose(device, error);
      }
    }
    if (this.#trouble?.code === 'driverHangs') this.#trouble = null;
    return readings;
  }

  working(): boolean {
    return this.#started && !this.#calls.hanging && !this.#missing;
  }

  problem(): Failure | null {
    return this.#trouble;
  }

  dispose(): void {
    const library = this.#library;
    this.#library = null;
    this.#devices = [];
    this.#calls.dispose();
    if (library && this.#started && !this.#calls.hanging) {
      this.#started = false;
      library.shutdown();
    }
  }

  /** Leaves a device out until a new scan finds it. */
  #lose(device: KnownDevice, error: unknown): void {
    this.#devices = this.#devices.filter(other => other !== device);
    if (error instanceof NvmlError && error.code === UNINITIALIZED) this.#started = false;
  }

  /** Scans, or joins the scan under way, for no longer than a call may take. */
  async #rescan(): Promise<void> {
    this.#scannedAt = performance.now();
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = null;
    });
    // Waking devices up may take long: the others are not kept waiting for it.
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      this.#scanning,
      new Promise<void>(resolve => {
        timer = setTimeout(resolve, this.#options.callMs);
      }),
    ]);
    clearTimeout(timer);
  }

  /** Starts NVML anew and finds the devices that answer. */
  async #scan(): Promise<void> {
    this.#devices = [];
    try {
      const nvml = await this.#restart();
      if (!nvml) return;
      this.#versions = await readVersions(nvml);
      this.#devices = await findDevices(nvml, this.#options.initMs);
      this.#expected = Math.max(this.#expected, this.#devices.length);
    } catch (error) {
      if (error instanceof HangingError) this.#trouble = failure('driverHangs');
    }
  }

  /** null: there is no library or no driver, or it does not start. @throws HangingError */
  async #restart(): Promise<Nvml | null> {
    const library = (this.#library ??= openNvml(this.#options.names));
    if (!library) {
      this.#missing = true;
      this.#trouble = null;
      return null;
    }
    if (this.#started) {
      this.#started = false;
      await this.#calls.call(library.shutdown, []);
    }
    const code = await this.#calls.call(library.init, [], this.#options.initMs);
    this.#trouble = code === VERSION_MISMATCH ? failure('driverMismatch') : null;
    if (code !== SUCCESS) {
      this.#missing = code === DRIVER_NOT_LOADED;
      return null;
    }
    this.#started = true;
    this.#missing = false;
    return { library, calls: this.#calls };
  }
}
