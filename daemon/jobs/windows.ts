/**
 * Which utterances of a recording are recognized together. A recognizer mishears less with what is said around a word,
 * and spends less on few long windows than on many short ones. Decided by the utterances' times alone, never by what
 * runs when: the same file always gives the same windows, so that a crash, a retry or another machine changes no word.
 * The first utterance stays alone: its text comes at once.
 */
import type { UtteranceRow } from '../contracts/store.ts';

/** Longer silence parts what is recognized. */
const LONGEST_PAUSE_MS = 1500;

export interface Window {
  /** Utterances [first, end). */ first: number;
  end: number;
}

export class Windows {
  /** The longest that the recognizer takes, ms; 0: each utterance by itself. */
  readonly mostMs: number;
  private readonly rows: readonly UtteranceRow[];
  /** Of each utterance, the first of its window. */
  private readonly firsts: number[] = [];

  /** `rows` grows behind it. */
  constructor(rows: readonly UtteranceRow[], mostMs: number) {
    this.rows = rows;
    this.mostMs = mostMs;
  }

  private firstOf(index: number): number {
    for (let at = this.firsts.length; at <= index; at++) {
      const before = this.firsts[at - 1],
        { startMs, endMs } = this.rows[at]!;
      const together =
        before !== undefined &&
        before > 0 &&
        endMs - this.rows[before]!.startMs <= this.mostMs &&
        startMs - this.rows[at - 1]!.endMs <= LONGEST_PAUSE_MS;
      this.firsts[at] = together ? before : at;
    }
    return this.firsts[index]!;
  }

  of(index: number): Window {
    const first = this.firstOf(index);
    let end = index + 1;
    while (end < this.rows.length && this.firstOf(end) === first) end++;
    return { first, end };
  }

  /** Utterances below belong to windows that no later one joins. `whole`: no more utterances come. */
  closed(whole: boolean): number {
    const { length } = this.rows;
    return whole || length < 2 || this.mostMs === 0 ? length : this.firstOf(length - 1);
  }
}
