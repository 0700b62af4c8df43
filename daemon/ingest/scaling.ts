/**
 * Samples as ffmpeg decodes them, 32-bit floats, to the 16 bits that are kept. Floats may be louder than full scale
 * (recorders and editors write them so, some in whole numbers), and 16 bits would clip them: from a louder peak on the
 * sound is turned down to it, and comes back slowly, so that one broken sample costs no words.
 */

/** dB a second, at 16 kHz. */
const BACK = 10 ** (3 / 20 / 16_000);
/** What 16 bits hold. */
const LEAST = -32_768,
  MOST = 32_767;

/**
 * Converts chunk after chunk, of any number of bytes; what a sample becomes depends on those before it alone. Within
 * full scale nothing changes.
 */
export function startScaling(): (floats: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0),
    gain = 1;
  return chunk => {
    const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk,
      count = bytes.length >> 2;
    rest = bytes.subarray(count * 4);
    const floats =
        bytes.byteOffset % 4 === 0
          ? new Float32Array(bytes.buffer, bytes.byteOffset, count)
          : new Float32Array(new Uint8Array(bytes.subarray(0, count * 4)).buffer),
      samples = new Int16Array(count);
    for (let i = 0, now = gain; i < count; i++) {
      if (now === 1) i = converted(floats, samples, i);
      if (i === count) break;
      let value = floats[i]! * 32_768;
      if (!Number.isFinite(value)) value = 0;
      now = gain = Math.min(1, now * BACK, (value < 0 ? LEAST : MOST) / value);
      samples[i] = Math.round(value * now);
    }
    return Buffer.from(samples.buffer);
  };
}

/** Converts from `i` on what is within full scale; answers where something else stands. */
function converted(floats: Float32Array, samples: Int16Array, i: number): number {
  for (; i < floats.length; i++) {
    const value = floats[i]! * 32_768;
    if (!(value <= MOST && value >= LEAST)) break;
    samples[i] = ((value + 32_768.5) | 0) - 32_768; // Math.round, and faster
  }
  return i;
}
