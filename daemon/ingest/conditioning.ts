/**
 * The sound as the voice detector gets it: without what lies below voices and without drones, and quiet speech lifted.
 * What the recognizer hears stays as it was recorded. A detector is trained on speech of usual loudness: at −50 dB, on
 * a hum, or 30 dB below another speaker, it hears nobody, although every word can be understood.
 */

import { startHumRemoval } from './hum.ts';
import { startWhitening, type Levels } from './whitening.ts';

/** So many samples of 16 kHz are treated as one. */
export const FRAME = 512;
const RATE = 16_000;

/** How far quiet sound is lifted; loud sound stays as it is. */
export interface Lift {
  /** By so much at most, dB. */ most: number;
  /** Until the noise between the words is as loud as this, dB of full scale. */ noiseTo: number;
}

/** Below this voices have nothing that tells them from others; hum of 50 and 60 Hz, rumble and offsets have all. */
const LOW_CUT_HZ = 120;
/** Quality factors of the two halves of a Butterworth filter of the fourth order: 24 dB an octave. */
const HALVES = [0.541_196, 1.306_563];
/** Speech is lifted until its loudest frames are here, dB. */
const SPEECH_AT = -20;
/** After something loud the gain rises this fast, dB a second: within two seconds a far voice follows a near one. */
const RISE = 12;
/** What a gain is, it becomes over so many samples: no click. */
const RAMP = 128;
/** The noise is the least loudness of these: eight stretches of half a second. */
const STRETCH_FRAMES = 16,
  STRETCHES = 8;
const QUIETEST = -100;

export interface Conditioned {
  /** [-1, 1]; good until the next frame. */ samples: Float32Array;
  /** Its loudness without what was cut off, dB of full scale. */ level: number;
  /** The same once it is lifted. */ lifted: number;
}

/** Frame by frame, in order: what a frame becomes depends on those before it alone. */
export function startConditioning(lift: Lift): (frame: Int16Array) => Conditioned {
  const cut = lowCut(),
    withoutHum = startHumRemoval(),
    recorded = startLevels();
  // Each begins anew where something else than before is taken away ahead of it.
  let whiten = startWhitening(),
    unhummed = startLevels(),
    whitened = startLevels(),
    hums = false,
    drones = false;
  let samples = new Float32Array(FRAME),
    gain = 1;
  return frame => {
    if (samples.length !== frame.length) samples = new Float32Array(frame.length);
    let level = decibels(cut(frame, samples));
    const rest = withoutHum(samples, level, recorded(level).noise);
    if (rest !== null) level = decibels(rest);
    if (hums !== (rest !== null)) {
      whiten = startWhitening();
      unhummed = startLevels();
    }
    const even = whiten(samples, level, unhummed(level));
    if (even !== null) level = decibels(even);
    if (hums !== (rest !== null) || drones !== (even !== null)) whitened = startLevels();
    hums = rest !== null;
    drones = even !== null;
    const { noise, loud } = whitened(level),
      wanted = Math.max(0, Math.min(SPEECH_AT - loud, lift.most, lift.noiseTo - noise)),
      to = 10 ** (wanted / 20);
    if (gain !== 1 || to !== 1) amplify(samples, gain, to);
    gain = to;
    return { samples, level, lifted: level + wanted };
  };
}

const decibels = (power: number): number => 10 * Math.log10(power + 1e-10);

function startLevels(): (level: number) => Levels {
  const stretches: number[] = [];
  let loud = QUIETEST,
    smooth: number | null = null,
    least = 0,
    before = Infinity,
    inStretch = 0;
  return level => {
    loud = Math.max(level, loud - (RISE * FRAME) / RATE);
    smooth = smooth === null ? level : smooth + 0.3 * (level - smooth);
    const now = Math.max(level, smooth);
    least = inStretch === 0 ? now : Math.min(least, now);
    if (++inStretch === STRETCH_FRAMES) {
      stretches.push(least);
      if (stretches.length > STRETCHES) stretches.shift();
      before = Math.min(...stretches);
      inStretch = 0;
    }
    return { loud, noise: Math.max(QUIETEST, Math.min(least, before)) };
  };
}

/** Goes over from one gain to the other; what is too loud then is clipped. */
function amplify(samples: Float32Array, from: number, to: number): void {
  for (let i = 0; i < samples.length; i++) {
    const y = samples[i]! * (i < RAMP ? from + ((to - from) * (i + 1)) / RAMP : to);
    samples[i] = y > 1 ? 1 : y < -1 ? -1 : y;
  }
}

/** A high-pass of the fourth order, from 16-bit samples to [-1, 1]; answers their mean power. */
function lowCut(): (frame: Int16Array, samples: Float32Array) => number {
  const w = (2 * Math.PI * LOW_CUT_HZ) / RATE,
    state = new Float64Array(4);
  // In variables of their own: this runs for every sample.
  const [[b1, a11, a12], [b2, a21, a22]] = HALVES.map(q => {
    const alpha = Math.sin(w) / (2 * q);
    return [(1 + Math.cos(w)) / 2 / (1 + alpha), (-2 * Math.cos(w)) / (1 + alpha), (1 - alpha) / (1 + alpha)];
  }) as [[number, number, number], [number, number, number]];
  return (frame, samples) => {
    let x1 = state[0]!,
      x2 = state[1]!,
      y1 = state[2]!,
      y2 = state[3]!,
      energy = 0;
    for (let i = 0; i < frame.length; i++) {
      const x = b1 * (frame[i]! / 32768),
        y = x + x1;
      x1 = x2 - 2 * x - a11 * y;
      x2 = x - a12 * y;
      const by = b2 * y,
        z = by + y1;
      y1 = y2 - 2 * by - a21 * z;
      y2 = by - a22 * z;
      samples[i] = z;
      energy += z * z;
    }
    state[0] = audible(x1);
    state[1] = audible(x2);
    state[2] = audible(y1);
    state[3] = audible(y2);
    return energy / frame.length;
  };
}

/** What is left of a sound long gone would be counted in the slowest of numbers. */
const audible = (value: number): number => (Math.abs(value) < 1e-15 ? 0 : value);
