/**
 * Sound inside Earshot: mono 16-bit little-endian PCM at 16 kHz, without a header. Imports nothing: processes that
 * start quickly read it.
 */

export const SAMPLES_PER_MS = 16;
export const BYTES_PER_MS = 2 * SAMPLES_PER_MS;
