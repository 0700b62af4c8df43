/** What is believed about the memory that models need: the card first, then the peaks that were measured. */
import type { Estimate } from '../../schemas/device.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { DeviceKind } from '../../schemas/words.ts';
import type { Store } from '../contracts/store.ts';

const GiB = 1024 ** 3;

export interface EstimateKey {
  device: string;
  model: string;
  engine: string;
  precision: string;
}
export type CalibrationPort = Pick<Store, 'addPeak' | 'calibration'>;
type Tuning = Pick<
  Settings,
  'calibrationSamples' | 'calibrationFactor' | 'firstEstimateFactor' | 'calibrationFloorBytes'
>;
/** Of a card, what the first guess needs. */
export type CardMemory = Pick<ModelCard, 'id' | 'memory' | 'files'>;

/** Whisper by size, for cards without a figure: what is commonly measured on a GPU. */
const BY_NAME: readonly [pattern: RegExp, bytes: number][] = [
  [/\bturbo\b/, 4.5 * GiB],
  [/\blarge\b/, 10 * GiB],
  [/\bmedium\b/, 5 * GiB],
  [/\bsmall\b/, 2 * GiB],
  [/\b(base|tiny)\b/, GiB],
];
const UNKNOWN_BYTES = 5 * GiB;

/**
 * The peak that a card promises: its figure for this kind of device, else by name, else by its files, else a careful
 * guess.
 */
export function cardBytes(card: CardMemory, kind: DeviceKind): number {
  const figure = card.memory[kind] ?? card.memory[kind === 'gpu' ? 'cpu' : 'gpu'];
  if (figure !== undefined) return figure;
  const named = /whisper/.test(card.id) ? BY_NAME.find(([pattern]) => pattern.test(card.id)) : undefined;
  if (named) return named[1];
  const fileBytes = card.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  return fileBytes > 0 ? fileBytes : UNKNOWN_BYTES;
}

export const firstEstimate = (card: CardMemory, kind: DeviceKind, tuning: Tuning): number =>
  Math.ceil(cardBytes(card, kind) * tuning.firstEstimateFactor) + tuning.calibrationFloorBytes;

/**
 * Highest of the last peaks, a factor, and a floor; the floor covers what allocators round up and never outweighs a
 * sixteenth of a small model.
 */
export function calibratedEstimate(peaks: readonly number[], tuning: Tuning): number {
  const highest = Math.max(...peaks.slice(-tuning.calibrationSamples));
  return (
    Math.ceil(highest * tuning.calibrationFactor) + Math.min(tuning.calibrationFloorBytes, Math.ceil(highest / 16))
  );
}

/**
 * After running out of memory ask for a quarter more; where peaks are known it was more likely an accident, and a tenth
 * has to do.
 */
const RAISE = 1.25,
  RAISE_KNOWN = 1.1;

interface Entry extends EstimateKey {
  peaks: number[];
  loadMs: number | null;
  raisedBytes: number | null;
  cardEstimate: number | null;
}

export interface Estimates {
  /**
   * `everBytes`: what the device could ever give. A first guess is cautious, but not so that it forbids what its card
   * says would fit.
   */
  estimate(
    key: EstimateKey,
    card: CardMemory,
    kind: DeviceKind,
    everBytes?: number,
  ): { bytes: number; source: 'card' | 'measured' };
  /** One more peak, bytes; loadMs when a load was measured too. */
  measured(key: EstimateKey, peakBytes: number, loadMs: number | null): void;
  /** A run went well: half of what a raise added is forgotten. */
  ranWell(key: EstimateKey): void;
  /** The model needed more than `leaseBytes`: ask for more next time, at most `limitBytes`. */
  raise(key: EstimateKey, leaseBytes: number, limitBytes: number): void;
  loadMs(key: EstimateKey): number | null;
  list(): Estimate[];
}

export function createEstimates({
  settings,
  calibration,
  clock,
}: {
  settings: () => Tuning;
  calibration: CalibrationPort;
  clock: () => number;
}): Estimates {
  const nameOf = ({ device, model, engine, precision }: EstimateKey): string =>
    JSON.stringify([device, model, engine, precision]);
  const entries = new Map<string, Entry>();
  const entryOf = ({ device, model, engine, precision }: EstimateKey): Entry => {
    const name = nameOf({ device, model, engine, precision });
    let entry = entries.get(name);
    if (!entry)
      entries.set(
        name,
        (entry = { device, model, engine, precision, peaks: [], loadMs: null, raisedBytes: null, cardEstimate: null }),
      );
    return entry;
  };
  for (const { peaks, loadMs, ...key } of calibration.calibration())
    Object.assign(entryOf(key), { peaks: [...peaks], loadMs });

  const believed = (entry: Entry): number | null => {
    const plain = entry.peaks.length > 0 ? calibratedEstimate(entry.peaks, settings()) : entry.cardEstimate;
    return plain === null ? entry.raisedBytes : Math.max(plain, entry.raisedBytes ?? 0);
  };
  return {
    estimate(key, card, kind, everBytes = Infinity) {
      const entry = entryOf(key),
        promised = cardBytes(card, kind),
        careful = firstEstimate(card, kind, settings());
      entry.cardEstimate = promised <= everBytes ? Math.min(careful, everBytes) : careful;
      return { bytes: believed(entry)!, source: entry.peaks.length > 0 ? 'measured' : 'card' };
    },
    measured(key, peakBytes, loadMs) {
      if (!Number.isSafeInteger(peakBytes) || peakBytes <= 0) return;
      const entry = entryOf(key),
        keep = settings().calibrationSamples;
      entry.peaks = [...entry.peaks, peakBytes].slice(-keep);
      entry.loadMs = loadMs ?? entry.loadMs;
      calibration.addPeak(
        { device: entry.device, model: entry.model, engine: entry.engine, precision: entry.precision },
        peakBytes,
        loadMs,
        clock(),
        keep,
      );
    },
    ranWell(key) {
      const entry = entryOf(key);
      if (entry.raisedBytes === null || entry.peaks.length === 0) return;
      const plain = calibratedEstimate(entry.peaks, settings());
      entry.raisedBytes = entry.raisedBytes - plain > plain / 100 ? Math.ceil((entry.raisedBytes + plain) / 2) : null;
    },
    raise(key, leaseBytes, limitBytes) {
      const entry = entryOf(key),
        before = Math.max(believed(entry) ?? 0, leaseBytes);
      entry.raisedBytes = Math.max(
        before,
        Math.min(Math.ceil(leaseBytes * (entry.peaks.length > 0 ? RAISE_KNOWN : RAISE)), limitBytes),
      );
    },
    loadMs: key => entries.get(nameOf(key))?.loadMs ?? null,
    list: () =>
      [...entries.values()].flatMap(entry => {
        const estimateBytes = believed(entry);
        if (estimateBytes === null) return [];
        const { device, model, engine, precision, peaks, loadMs } = entry,
          lastPeakBytes = peaks.at(-1) ?? null;
        return [
          {
            device,
            model,
            engine,
            precision,
            estimateBytes,
            source: peaks.length > 0 ? ('measured' as const) : ('card' as const),
            samples: peaks.length,
            lastPeakBytes,
            maxPeakBytes: peaks.length > 0 ? Math.max(...peaks) : null,
            error: lastPeakBytes === null ? null : (estimateBytes - lastPeakBytes) / lastPeakBytes,
            loadMs,
          },
        ];
      }),
  };
}
