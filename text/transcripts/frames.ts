/** Times as films count them. */

/** Rates that editors of films know, in pictures a second. */
export const FRAME_RATES = [23.976, 24, 25, 29.97, 30, 50, 59.94, 60] as const;
export const USUAL_FPS = 25;

/** The exact rate: 23.976, 29.97 and 59.94 are names of 24000/1001, 30000/1001 and 60000/1001. */
export function exactly(fps: number): { numerator: number; denominator: number } {
  const whole = Math.round(fps);
  return Math.abs(fps - whole) < 0.001
    ? { numerator: whole, denominator: 1 }
    : { numerator: whole * 1000, denominator: 1001 };
}

export function framesAt(ms: number, fps: number): number {
  const { numerator, denominator } = exactly(fps);
  return Math.round((ms * numerator) / (denominator * 1000));
}

const two = (value: number): string => String(value).padStart(2, '0');

/** "01:02:03:04": frames counted without dropping any. */
export function timecode(frames: number, fps: number): string {
  const base = Math.round(fps),
    seconds = Math.floor(frames / base);
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, frames % base].map(two).join(':');
}

/** "01:02:03.456" */
export const clockOfMs = (ms: number): string =>
  [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60].map(two).join(':') +
  `.${String(ms % 1000).padStart(3, '0')}`;
