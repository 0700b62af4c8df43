/** Ages and times as people type them: `30d`, `12h`, `2w`, a date. */
import { InvalidArgumentError } from 'commander';

const UNITS_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** `30d` in ms. */
export function ageMs(text: string): number {
  const [, number, unit] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  if (!number) throw new InvalidArgumentError('an age is needed, such as 30d, 12h or 2w');
  return Number(number) * UNITS_MS[unit!]!;
}

/** An age before now, or a date: ms since the epoch. */
export function sinceMs(text: string): number {
  if (/^\d+[mhdw]$/.test(text)) return Math.max(0, Date.now() - ageMs(text));
  const at = /^\d{4}-\d{2}-\d{2}/.test(text)
    ? new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text).getTime()
    : NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('an age such as 30d, or a date such as 2026-01-31 is needed');
  return at;
}
