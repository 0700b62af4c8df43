/**
 * What of a text that is heard again and again can be relied on (LocalAgreement-2): words that two passes in a row hear
 * alike are stable. What was stable once stays, so that nothing changes under a reader's eyes; the final pass may still
 * say otherwise.
 */

export interface Heard {
  /** Only grows. */
  stable: string;
  /** What follows it, with the blank in between; the next pass may say something else. */
  unstable: string;
}

/** Scripts without blanks between words: each character by itself. */
const UNIT =
  /\s*(?:[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]|[^\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]+)/gu;
const LAST_SIGNS = /[^\p{L}\p{N}\p{M}]+$/u;

const unitsOf = (text: string): string[] => text.trim().match(UNIT) ?? [];
/** Words are the same whatever signs stand around them: a pass ends the sentence where its sound ends. */
const lettersOf = (unit: string): string => unit.toLowerCase().replace(/[^\p{L}\p{N}\p{M}]/gu, '');
const key = (unit: string): string => lettersOf(unit) || unit.trim();

export class Agreement {
  private before: readonly string[] = [];
  /** So many units of a pass are stable, as this text. */
  private count = 0;
  private stable = '';

  hear(text: string): Heard {
    const units = unitsOf(text);
    let agreed = this.count;
    while (agreed < Math.min(units.length, this.before.length) && key(units[agreed]!) === key(this.before[agreed]!))
      agreed++;
    while (agreed > this.count && !lettersOf(units[agreed - 1]!)) agreed--;
    this.before = units;
    if (agreed > this.count) {
      // The signs behind the last word wait until a word follows them.
      const signs = this.count > 0 ? (LAST_SIGNS.exec(units[this.count - 1]!)?.[0] ?? '') : '';
      this.stable += signs + units.slice(this.count, agreed).join('').replace(LAST_SIGNS, '');
      this.count = agreed;
    }
    const last = this.count > 0 && this.count <= units.length ? units[this.count - 1]! : '';
    return { stable: this.stable, unstable: (LAST_SIGNS.exec(last)?.[0] ?? '') + units.slice(this.count).join('') };
  }
}
