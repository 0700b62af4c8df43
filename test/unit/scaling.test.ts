/** Floats to 16 bits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScaling } from '../../daemon/ingest/scaling.ts';

const bytesOf = (floats: readonly number[]): Buffer => Buffer.from(Float32Array.from(floats).buffer);
const scaled = (floats: readonly number[], piece = Infinity): number[] => {
  const scale = startScaling(),
    bytes = bytesOf(floats),
    out: number[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    const samples = scale(bytes.subarray(at, Math.min(bytes.length, at + piece)));
    for (let i = 0; i < samples.length; i += 2) out.push(samples.readInt16LE(i));
  }
  return out;
};
const sine = (peak: number, seconds: number): number[] =>
  Array.from({ length: seconds * 16_000 }, (_, n) => peak * Math.sin((2 * Math.PI * 220 * n) / 16_000));

test('what 16 bits hold comes through unchanged', () => {
  const samples = [0, 1, -1, 1000, -32_768, 32_767];
  assert.deepEqual(scaled(samples.map(sample => sample / 32_768)), samples);
});

test('sound over full scale is turned down to its peak, and keeps its shape', () => {
  for (const peak of [1.5, 8, 32_768]) {
    const heard = scaled(sine(peak, 1)),
      wanted = sine(32_767, 1);
    // From the first peak on, within what comes back in the meantime.
    for (const n of heard.keys())
      if (n > 100) assert.ok(Math.abs(heard[n]! - wanted[n]!) < 700, `${peak}: ${heard[n]} for ${wanted[n]} at ${n}`);
  }
});

test('one broken sample costs no words: the level comes back', () => {
  const quiet = sine(0.25, 20);
  const heard = scaled([Number.NaN, Number.POSITIVE_INFINITY, 100, ...quiet]);
  assert.deepEqual(heard.slice(0, 2), [0, 0]);
  assert.deepEqual(heard.slice(-100), scaled(quiet).slice(-100));
});

test('however the bytes come, the samples are the same', () => {
  const floats = [...sine(0.5, 0.01), ...sine(3, 0.02), ...sine(0.1, 0.01)],
    whole = scaled(floats);
  for (const piece of [1, 3, 4, 7, 100]) assert.deepEqual(scaled(floats, piece), whole);
});
