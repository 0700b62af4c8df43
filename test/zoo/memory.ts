/**
 * What a very long recording takes of memory: the peaks of the daemon and of what it starts to read it. Linux tells
 * them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { processes } from '../../daemon/devices/processes.ts';
import { fakeModel } from '../daemon/harness.ts';
import { RealDaemon } from '../daemon/real.ts';

const treeOf = (pid: number): number[] => [...processes().withChildren([pid]).get(pid)!];

/** MiB. `before`: of the daemon, when it had nothing to do yet. */
export interface Peaks {
  before: number;
  daemon: number;
  child: number;
  ffmpeg: number;
}
/** Whatever the length: what the daemon may grow by, what the ingest's process and ffmpeg may take, MiB. */
export const MOST = { growth: 48, child: 256, ffmpeg: 128 } as const;
const LOOK_EVERY_MS = 50;

const status = (pid: number, field: string): string => {
  try {
    return new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
};
const peakMiB = (pid: number): number => Math.round((parseInt(status(pid, 'VmHWM')) || 0) / 1024);
const command = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};

/** Has a daemon transcribe it (with a recogniser that costs nothing), and looks on. */
export async function peaksOf(path: string): Promise<Peaks> {
  const daemon = await new RealDaemon({
    models: [fakeModel('fake-asr', 'asr')],
    settings: { memoryReserveBytes: 0, formats: [] },
  }).start();
  const peaks: Peaks = { before: peakMiB(daemon.pid), daemon: 0, child: 0, ffmpeg: 0 };
  const timer = setInterval(() => {
    peaks.daemon = Math.max(peaks.daemon, peakMiB(daemon.pid));
    for (const pid of treeOf(daemon.pid).slice(1)) {
      const kind = /ingest.child/.test(command(pid)) ? 'child' : /^[^\0]*ffmpeg/.test(command(pid)) ? 'ffmpeg' : null;
      if (kind) peaks[kind] = Math.max(peaks[kind], peakMiB(pid));
    }
  }, LOOK_EVERY_MS);
  try {
    const [ended] = await daemon.ended(await daemon.submit([path], { language: 'en', repair: false }));
    assert.equal(ended!.state, 'completed', JSON.stringify(ended!.failure));
    return peaks;
  } finally {
    clearInterval(timer);
    await daemon.close();
  }
}

/** What is over its bound, or was never seen, in words. */
export const tooMuch = ({ before, daemon, child, ffmpeg }: Peaks): string[] => [
  ...(daemon - before > MOST.growth ? [`the daemon grew by ${daemon - before} MiB, ${MOST.growth} are allowed`] : []),
  ...(['child', 'ffmpeg'] as const).flatMap(what => {
    const mib = { child, ffmpeg }[what];
    return mib === 0
      ? [`${what} was never seen`]
      : mib > MOST[what]
        ? [`${what} took ${mib} MiB, ${MOST[what]} are allowed`]
        : [];
  }),
];
