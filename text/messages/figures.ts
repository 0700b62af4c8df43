/** Sizes, times and names as people read them, the same in every window. */

export type Locale = 'en' | 'zh-cn';

/** From LANG, LC_ALL or an editor's language: anything Chinese is zh-cn, the rest English. */
export const localeOf = (tag: string | undefined): Locale => (/^zh([-_.]|$)/i.test(tag ?? '') ? 'zh-cn' : 'en');

const UNITS = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

/** 1.2 GB, 380 MB; decimal units, as disks and file managers count. */
export function bytesText(bytes: number): string {
  for (const [unit, size] of UNITS) {
    // 999.6 MB would round to 1000 MB: that is 1.0 GB.
    if (bytes < size * 0.9995) continue;
    const whole = bytes >= size * 100 || (unit !== 'TB' && unit !== 'GB');
    return `${(bytes / size).toFixed(whole ? 0 : 1)} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

/** A place in a recording or a length: 0:07, 12:05, 1:02:03. */
export function clockText(ms: number): string {
  const seconds = Math.round(ms / 1000),
    h = Math.floor(seconds / 3600),
    m = Math.floor(seconds / 60) % 60,
    s = seconds % 60;
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long something takes: 350 ms, 4.2 s, 3 min 05 s, 2 h 10 min. */
export function durationText(ms: number, locale: Locale): string {
  const zh = locale === 'zh-cn';
  if (ms < 1000) return `${Math.round(ms)} ${zh ? '毫秒' : 'ms'}`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} ${zh ? '秒' : 's'}`;
  const seconds = Math.round(ms / 1000),
    minutes = Math.floor(seconds / 60),
    two = (n: number): string => String(n).padStart(2, '0');
  if (minutes < 60) return zh ? `${minutes} 分 ${two(seconds % 60)} 秒` : `${minutes} min ${two(seconds % 60)} s`;
  return zh
    ? `${Math.floor(minutes / 60)} 小时 ${two(minutes % 60)} 分`
    : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** The time of day, with the date when it is another day: 14:05:10, 3 Mar 14:05. */
export function timeText(at: number, locale: Locale, now: number): string {
  if (!Number.isFinite(at)) return '?';
  const tag = locale === 'zh-cn' ? 'zh-CN' : 'en-GB';
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
  return sameDay
    ? new Date(at).toLocaleTimeString(tag, { hour12: false })
    : new Date(at).toLocaleString(tag, {
        day: 'numeric',
        month: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hour12: false,
      });
}

/** 0.85: "85%". */
export const percentText = (fraction: number): string => `${Math.round(fraction * 100)}%`;

/** Addresses that lead off this machine. */
export const ON_NETWORK = /^(?:https?|s?ftps?|s3|gs|smb|nfs|davs?|rtmps?|rtsps?):\/\//i;

/** An address as it may be shown. */
export const withoutPassword = (address: string): string => address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');

/** "German" for de, "德语" in Chinese. */
export function languageText(code: string, locale: Locale): string {
  try {
    return new Intl.DisplayNames([locale === 'zh-cn' ? 'zh-CN' : 'en'], { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}
