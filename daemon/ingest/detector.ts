/**
 * Silero VAD, run by sherpa-onnx from the runtime pack: 16 kHz samples in, one decision a frame out. It gets a copy of
 * its own (conditioning.ts), on which quiet speech and speech on a hum are speech like any other.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { FRAME, startConditioning, type Lift } from './conditioning.ts';
import type { Frame } from './cutting.ts';

/** Silero v5 looks at the end of the frame before as well, which shifts what sherpa takes in at first. */
const CONTEXT = 64;
/** How sure the detector must be that somebody speaks, and how far quiet sound is lifted for it. */
export interface Look {
  threshold: number;
  lift: Lift;
}
export const USUAL: Look = { threshold: 0.5, lift: { most: 40, noiseTo: -48 } };
/** Where the usual one heard nobody. */
export const SENSITIVE: Look = { threshold: 0.3, lift: { most: 54, noiseTo: -36 } };
/** sherpa keeps the sound of a stretch of speech until it ends; after this many frames (20 s) it is reset. */
const LONGEST_HELD = 625;
/**
 * Below this (two steps of 16 bits, dB) a frame is digital silence; after a second of it the detector is not asked:
 * hours of it take seconds.
 */
const SILENT = -84,
  SILENT_FRAMES = 31;

interface Vad {
  acceptWaveform(samples: Float32Array): void;
  isDetected(): boolean;
  isEmpty(): boolean;
  pop(): void;
  flush(): void;
}
interface Sherpa {
  Vad: new (config: object, bufferSeconds: number) => Vad;
}

/** Where the pack keeps the detector's model. */
export const vadModel = (sherpaDirectory: string): string =>
  join(sherpaDirectory, 'node_modules', '@ricky0123', 'vad-web', 'dist', 'silero_vad_v5.onnx');

/**
 * Loads the native library: 0.1 to 0.2 s; throws when it is not there. `end` decides on what is left, filled up with
 * silence.
 */
export function openDetector(
  sherpaDirectory: string,
  { threshold, lift }: Look = USUAL,
): { push(samples: Int16Array): Frame[]; end(): Frame[] } {
  const sherpa = createRequire(join(sherpaDirectory, 'package.json'))('sherpa-onnx-node') as Sherpa;
  const vad = new sherpa.Vad(
    {
      // Shortest durations: every frame's own decision. Cutting is our own business.
      sileroVad: {
        model: vadModel(sherpaDirectory),
        threshold,
        minSilenceDuration: 0.001,
        minSpeechDuration: 0.001,
        maxSpeechDuration: 1e6,
        windowSize: FRAME,
      },
      sampleRate: 16_000,
      numThreads: 1,
      provider: 'cpu',
      debug: false,
    },
    60,
  );
  const condition = startConditioning(lift);
  let rest = new Int16Array(0),
    started = false,
    held = 0,
    silent = 0;

  const decide = (frame: Int16Array): Frame => {
    const { samples, level, lifted } = condition(frame);
    silent = level < SILENT ? silent + 1 : 0;
    if (silent > SILENT_FRAMES) return { speech: false, level: lifted };
    vad.acceptWaveform(samples);
    const speech = vad.isDetected();
    held = speech ? held + 1 : 0;
    if (held >= LONGEST_HELD) {
      vad.flush();
      held = 0;
    }
    while (!vad.isEmpty()) vad.pop();
    return { speech, level: lifted };
  };

  const push = (samples: Int16Array): Frame[] => {
    let all = samples;
    if (rest.length) {
      all = new Int16Array(rest.length + samples.length);
      all.set(rest);
      all.set(samples, rest.length);
    }
    const made: Frame[] = [];
    let at = 0;
    for (; at + FRAME + CONTEXT <= all.length; at += FRAME) {
      made.push(decide(all.subarray(started ? at + CONTEXT : at, at + CONTEXT + FRAME)));
      started = true;
    }
    rest = all.slice(at);
    return made;
  };
  return {
    push,
    end() {
      if (rest.length === 0) return [];
      const frames = Math.ceil(rest.length / FRAME);
      return push(new Int16Array(frames * FRAME + CONTEXT - rest.length));
    },
  };
}
