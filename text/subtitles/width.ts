/** How wide text is in a subtitle: columns, two for a full-width character. */

/** Scripts that are written without spaces between words and with characters two columns wide. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;
const MARK = /[\p{M}\u200b-\u200f\u2060\ufe0f]/gu,
  /** Two units that are one character. */
  PAIR = /[\u{10000}-\u{10ffff}]/gu;

export function columns(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  return text.length - count(PAIR) + count(WIDE) - count(MARK);
}

/** Scripts whose words are not parted by spaces: breaks are found by a dictionary. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
export const isUnspaced = (text: string): boolean => UNSPACED.test(text);

/** What stands between two texts of one paragraph: nothing where a script uses no spaces. */
export const joiner = (before: string, after: string): string =>
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。，、！？；：」』）]$/u.test(before.slice(-2)) &&
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}「『（]/u.test(after)
    ? ''
    : ' ';

/** Texts of one paragraph in one. */
export function joined(parts: readonly string[]): string {
  let text = '',
    before = '';
  for (const part of parts) {
    text += before ? joiner(before, part) + part : part;
    before = part || before;
  }
  return text;
}

/** Columns of a subtitle line: 42, or 16 full-width characters in Chinese, Japanese and Korean. */
export const lineLimit = (language: string): number => (/^(zh|ja|ko|yue)\b/.test(language) ? 32 : 42);
