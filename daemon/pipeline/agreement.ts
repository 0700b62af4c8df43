/**
 * What of a text that is heard again and again can be relied on (LocalAgreement): words that passes hear alike while
 * so much more sound comes are stable. What was stable once stays, so that nothing changes under a reader's eyes; the
 * final pass may still say otherwise.
 */

/** Two passes over nearly the same sound agree on nearly anything. */
export const AGREED_MS = 500;

export interface Heard {
  /** Only grows. */
  stable: string;
  /** What follows it, with the blank in between; the next pass may say something else. */
  unstable: string;
}

/** A word, or a character of a script without blanks between words. */
const UNSPACED = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}';
const UNIT = new RegExp(`[${UNSPACED}]|[^\\s${UNSPACED}]+`, 'gu');

/** Each with the blanks before it. */
function unitsOf(text: string): string[] {
  const trimmed = text.trim();
  let from = 0;
  return [...trimmed.matchAll(UNIT)].map(({ 0: { length }, index }) => trimmed.slice(from, (from = index + length)));
}
/** What stands behind its last letter. */
function signsOf(unit: string): string {
  const characters = [...unit];
  return characters.slice(characters.findLastIndex(each => /[\p{L}\p{N}\p{M}]/u.test(each)) + 1).join('');
}
/** Words are the same whatever signs stand around them: a pass ends the sentence where its sound ends. */
const lettersOf = (unit: string): string => unit.toLowerCase().replace(/[^\p{L}\p{N}\p{M}]/gu, '');
const key = (unit: string): string => lettersOf(unit) || unit.trim();
/** A pass ends the sentence where its sound ends: whether it does, the next word says, or the final pass. */
const ENDING = new Set('.。…,，、;；:：!！?？');
function withoutEnding(text: string): string {
  let end = text.length;
  while (end > 0 && ENDING.has(text[end - 1]!)) end--;
  return text.slice(0, end);
}

export class Agreement {
  private before: readonly string[] = [];
  /** Up to where the first of the passes heard that had each of `before`, and all before it, ms. */
  private since: readonly number[] = [];
  /** So many units of a pass are stable, as this text. */
  private count = 0;
  private stable = '';

  /** Text of all the sound up to `endMs`. */
  hear(text: string, endMs: number): Heard {
    const units = unitsOf(text);
    let alike = this.count;
    while (alike < Math.min(units.length, this.before.length) && key(units[alike]!) === key(this.before[alike]!))
      alike++;
    this.since = units.map((_, n) => (n < alike ? (this.since[n] ?? endMs) : endMs));
    let agreed = this.count;
    while (agreed < alike && endMs - this.since[agreed]! >= AGREED_MS) agreed++;
    return this.take(units, agreed);
  }

  /** Of a model that takes nothing back: all of its text is stable but the last word, which may be half of one. */
  grow(text: string): Heard {
    const units = unitsOf(text);
    return this.take(units, Math.max(this.count, units.length - 1));
  }

  private take(units: readonly string[], until: number): Heard {
    let agreed = until;
    while (agreed > this.count && !lettersOf(units[agreed - 1]!)) agreed--;
    this.before = units;
    if (agreed > this.count) {
      // The signs behind the last word wait until a word follows them.
      const before = this.count > 0 ? signsOf(units[this.count - 1]!) : '',
        added = units.slice(this.count, agreed).join('');
      this.stable += before + added.slice(0, added.length - signsOf(added).length);
      this.count = agreed;
    }
    const signs = this.count > 0 && this.count <= units.length ? signsOf(units[this.count - 1]!) : '';
    return { stable: this.stable, unstable: withoutEnding(signs + units.slice(this.count).join('')) };
  }
}
