/**
 * Where decoded sound stands in a recording: a pure decision from the container's clock and the samples counted.
 *
 * The clock is followed where it can be true: sound that begins late, and holes in it, become silence; a clock that
 * runs a little slower or faster than the sound is kept up with. Where it goes back, jumps to where nothing can be, or
 * has another speed than the sound, samples are counted on from there, nothing is left out, and the decision says so.
 * Less than 40 ms is left alone.
 *
 * Everything here is counted in samples at 16 kHz.
 */
import { SAMPLES_PER_MS } from '../../schemas/pcm.ts';

const ms = (count: number): number => count * SAMPLES_PER_MS;

/** Less is what containers round to and encoders leave in between. */
const LEFT_ALONE = ms(40);
/** Sound must go on this long in step with the clock before a jump is believed. */
const CONFIRMED = ms(400);
/** A step of this size between two pieces is a jump. */
const JUMPY = ms(20);
/** A clock that has to be kept up with more often than once in this much sound has another speed than the sound. */
const LEAST_BETWEEN_CORRECTIONS = ms(1000);
/** Before zero by less: what an encoder puts in front, which is no part of the recording. */
const PRIMING = ms(100);

/** Sound that begins later than this after its file begins does not. */
const LATEST = ms(24 * 3_600_000);

/** What ffmpeg decoded at once. `at`: by the container's clock; null: it does not say. */
export interface Piece {
  at: number | null;
  samples: number;
}
/** So much silence, then the samples but the first `skip`. */
export interface Placed {
  silence: number;
  skip: number;
  samples: number;
}
/** What is known of a clock. All in ms. */
export interface ClockFacts {
  /** When the file begins by its clock. */
  startMs: number;
  /** When it ends, counted from its beginning; null: unknown. */
  lengthMs: number | null;
  /** Longer ones are no holes. */
  longestHoleMs: number;
  /** There is none: times are only derived from bytes. */
  none: boolean;
}

export interface Clock {
  /** What follows is another file with a clock of its own, joined to what came before. */
  part(facts: ClockFacts): void;
  /** Pieces come out in order, some of them later: when what follows has shown whether a jump is one. */
  push(piece: Piece): Placed[];
  end(): Placed[];
  /** Where the clock was first overruled, samples from the beginning of the recording; null: nowhere. */
  overruledAt(): number | null;
}

export function startClock(): Clock {
  let facts: ClockFacts = { startMs: 0, lengthMs: null, longestHoleMs: 0, none: true },
    zero = 0,
    /** Where the part stands. */ begun = 0,
    /** What came out so far. */ position = 0,
    /** Position less clock; null: nothing has come yet. */ offset: number | null = null,
    /** When the next piece comes if nothing happens. */ next = 0,
    followed = false,
    overruledAt: number | null = null,
    sinceCorrection = Infinity,
    heldSamples = 0;
  const held: Piece[] = [];

  const overrule = (at: number): void => {
    overruledAt ??= position;
    offset = position - at;
  };
  const fits = (at: number, hole: number): boolean =>
    hole <= ms(facts.longestHoleMs) && (facts.lengthMs === null || at - zero <= ms(facts.lengthMs) + ms(500));

  function place({ at, samples }: Piece, silence: number, skip = 0): Placed {
    const out = Math.min(skip, samples);
    if (at !== null) next = at + samples;
    else next += samples;
    position += silence + samples - out;
    sinceCorrection += samples;
    return { silence, skip: out, samples };
  }

  /** The first piece of a part that has a time. */
  function first(piece: Piece & { at: number }): Placed {
    const late = piece.at - zero - (position - begun);
    if (late < 0 && zero === 0 && -late < PRIMING) {
      // Where nothing of it is left, the next one is the first.
      if (-late < piece.samples) offset = position;
      return place(piece, 0, -late);
    }
    const silence = late > 0 && late <= LATEST && fits(piece.at, 0) ? late : 0;
    if (late > LEFT_ALONE && silence === 0) overruledAt ??= position;
    offset = position + silence - piece.at;
    return place(piece, silence);
  }

  /** Held pieces show whether the clock came back to where it was, jumped, or has a speed of its own. */
  function judge(): 'glitch' | 'jump' | 'noClock' {
    let samples = 0,
      jumps = 0,
      expected = next;
    for (const [n, { at, samples: length }] of held.entries()) {
      if (at !== null) {
        if (n > 0 && Math.abs(at + offset! - (position + samples)) < LEFT_ALONE) return 'glitch';
        if (n > 0 && Math.abs(at - expected) >= JUMPY) jumps++;
        expected = at;
      }
      expected += length;
      samples += length;
    }
    return jumps > 1 && jumps * 3 > held.length ? 'noClock' : 'jump';
  }

  function decide(piece: Piece & { at: number }): Placed {
    const lag = piece.at + offset! - position;
    const verdict = judge();
    if (verdict === 'glitch') return place({ ...piece, at: null }, 0);
    if (verdict === 'jump' && lag > 0 && fits(piece.at, lag)) return place(piece, lag);
    if (verdict === 'noClock') followed = false;
    overrule(piece.at);
    return place(piece, 0);
  }

  /** The next of the held pieces; null: more must come first. */
  function step(ended: boolean): Placed | null {
    const piece = held[0]!,
      { at } = piece;
    if (!followed || at === null) return place(piece, 0);
    if (offset === null) return first({ ...piece, at });
    const lag = at + offset - position;
    if (Math.abs(lag) < LEFT_ALONE) return place(piece, 0);
    if (Math.abs(at - next) >= JUMPY) {
      return ended || heldSamples >= CONFIRMED + piece.samples ? decide({ ...piece, at }) : null;
    }
    // It went this far little by little.
    if (sinceCorrection < LEAST_BETWEEN_CORRECTIONS) {
      followed = false;
      overrule(at);
      return place(piece, 0);
    }
    sinceCorrection = 0;
    return lag > 0 ? place(piece, lag) : place(piece, 0, -lag);
  }

  function take(ended: boolean): Placed[] {
    const placed: Placed[] = [];
    while (held.length) {
      const one = step(ended);
      if (!one) break;
      heldSamples -= held.shift()!.samples;
      placed.push(one);
    }
    return placed;
  }

  return {
    part(more) {
      facts = more;
      zero = ms(facts.startMs) < 0 && ms(facts.startMs) > -PRIMING ? 0 : ms(facts.startMs);
      begun = position;
      offset = null;
      followed = !facts.none;
      sinceCorrection = Infinity;
    },
    push(piece) {
      held.push(piece);
      heldSamples += piece.samples;
      return take(false);
    },
    end: () => take(true),
    overruledAt: () => overruledAt,
  };
}
