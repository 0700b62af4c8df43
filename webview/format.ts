/** Numbers as people read them, in the window's language. */
import { language, t } from './page.ts';

const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric' });
const one = new Intl.NumberFormat(language, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const percentage = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });

export const count = (n: number): string => whole.format(n);
export const percent = (fraction: number): string => percentage.format(fraction);

/** 83 000 ms: "1:23". */
export function duration(ms: number): string {
  const s = Math.round(ms / 1000),
    pad = (n: number): string => String(n).padStart(2, '0');
  return s >= 3600
    ? `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`
    : `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

/** What lies further from 1970 than calendars go, ms. */
const BEYOND = 8.64e15;

/** A time today as a clock shows it, another day's with its date; a dash for what is no time. */
export function moment(at: number, now = Date.now()): string {
  if (!(Math.abs(at) <= BEYOND)) return '–';
  const same = new Date(at).toDateString() === new Date(now).toDateString();
  return same ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
}

/** A rest of time, rounded as one would say it. */
export function left(ms: number): string {
  if (ms < 5000) return t('a few seconds');
  if (ms < 55_000) return t('{0} s', Math.ceil(ms / 5000) * 5);
  if (ms < 90 * 60_000) return t('{0} min', Math.max(1, Math.round(ms / 60_000)));
  return t('{0} h', one.format(ms / 3_600_000));
}

const GB = 1e9,
  MB = 1e6;
/** Decimal units, as devices and files are sold. */
export const bytes = (n: number): string =>
  n >= GB ? t('{0} GB', one.format(n / GB)) : t('{0} MB', whole.format(n / MB));
