/**
 * Where utterances begin and end: a pure decision over frames of 32 ms, each speech or not (as the detector heard it)
 * and with a loudness.
 *
 * An utterance ends at a real pause once it is long enough; when none came it ends at the best of the small pauses it
 * had; and where there is not even that, at its quietest moment. Utterances never overlap, keep a margin around what
 * was heard as speech, and are at most 30 s long.
 */

/** Frame length, ms: 512 samples at 16 kHz, what the detector works on. */
export const FRAME_MS = 32;
export const MAX_UTTERANCE_MS = 30_000;

export interface Frame {
  speech: boolean;
  /** Mean loudness, dB of full scale. */ level: number;
}

/**
 * Frames [start, end) make an utterance (null: too little speech to be one); the next one is looked for from `resume`
 * on.
 */
export interface Cut {
  utterance: { start: number; end: number } | null;
  resume: number;
}

const frames = (ms: number): number => Math.round(ms / FRAME_MS);
const PAD_BEFORE = frames(256),
  PAD_AFTER = frames(384);
/**
 * The detector may need this long to hear that someone speaks, above all where a file begins in the middle of a word.
 */
const LATE = frames(800);
/**
 * How soon an utterance ends, in frames: a silence of `longPause` ends any; from the length `short` on a pause of
 * `clearPause` does. Recordings wait for sentences to be whole; somebody who speaks wants to read what he just said.
 */
export interface Pace {
  longPause: number;
  short: number;
  clearPause: number;
  /** Less speech than this is a click, not a word. */ leastSpeech: number;
}
export const RECORDED: Pace = {
  longPause: frames(1500),
  short: frames(5000),
  clearPause: frames(480),
  leastSpeech: frames(96),
};
export const SPOKEN: Pace = { ...RECORDED, longPause: frames(704), short: frames(3000) };
/** Of a detector that takes much for speech. */
export const doubting = (pace: Pace): Pace => ({ ...pace, leastSpeech: frames(256) });
/**
 * At this length it ends at the best pause behind it, or else at the next passable one. Fluent speakers are cut within
 * sentences when it is less: on samples/asterisk-es.flac, 15 s cut four sentences, and words beside the cuts were
 * misheard; 20 s cuts none.
 */
const COMFORTABLE = frames(20_000);
/** Without a good pause, the cut falls behind this. */
const HALFWAY = frames(10_000);
/** At this length it must end; leaves room for the margin after it. */
const LONGEST = frames(MAX_UTTERANCE_MS) - PAD_AFTER - 1;
/** Longer pauses are shared out between the margins; in shorter ones the quietest moment counts. */
const SPLIT_EVENLY = frames(320);

/**
 * Below the mean loudness of the speech so far by this much (dB), a frame counts as a pause even where the detector
 * still hears speech.
 */
const DIP = 20;
/** How much of a pause one frame can be at most; without speech it is a whole one. */
const DEEP = 20;
/** A pause worth ending at: three deep frames, about 0.1 s. */
const PASSABLE = 3 * DEEP;

interface Pause {
  from: number;
  to: number;
  score: number;
}

/**
 * The next cut in a window of frames, or null when more frames must come first. `window[0]` is the first frame that may
 * be used. `ended`: no more frames follow. The answer does not depend on how many frames stand behind the one that
 * decided it.
 */
export function nextCut(window: readonly Frame[], ended: boolean, pace: Pace = RECORDED): Cut | null {
  const first = window.findIndex(frame => frame.speech);
  if (first < 0) {
    const resume = ended ? window.length : window.length - PAD_BEFORE - LATE;
    return resume > 0 ? { utterance: null, resume } : null;
  }
  const start = Math.max(0, onset(window, first) - PAD_BEFORE);
  // What the onset is measured by must be there.
  if (!ended && window.length < first + frames(512)) return null;
  const pauses: Pause[] = [];
  let energy = 0,
    heard = 0,
    lastSpeech = first,
    open: Pause | null = null;

  const cutAt = (end: number): Cut => ({
    utterance: enough(window, start, end, pace) ? { start, end } : null,
    resume: end,
  });
  /** Ends in a pause that is over, or long enough for both margins. */
  const cutIn = ({ from, to }: Pause): Cut => {
    const length = to - from;
    return cutAt(
      length < SPLIT_EVENLY
        ? quietest(window, from, to)
        : from + Math.min(PAD_AFTER, Math.round((length * PAD_AFTER) / (PAD_BEFORE + PAD_AFTER))),
    );
  };

  for (let at = first; at < window.length; at++) {
    const frame = window[at]!,
      length = at - start;
    if (frame.speech) {
      energy += 10 ** (frame.level / 10);
      heard++;
      lastSpeech = at;
    }
    const depth = frame.speech ? 10 * Math.log10(energy / heard + 1e-12) - DIP - frame.level : DEEP;
    if (depth > 0) {
      open ??= { from: at, to: at, score: 0 };
      open.to = at + 1;
      open.score += Math.min(depth, DEEP);
    } else if (open) {
      if (at - start >= pace.short && open.to - open.from >= pace.clearPause) return cutIn(open);
      pauses.push(open);
      open = null;
    }

    if (at - lastSpeech >= pace.longPause) return cutAt(lastSpeech + 1 + PAD_AFTER);
    if (length >= pace.short && open && open.to - open.from >= PAD_BEFORE + PAD_AFTER) return cutIn(open);
    if (length >= COMFORTABLE && !open) {
      const best = highest(
        pauses.filter(pause => pause.from - start >= RECORDED.short && pause.score >= PASSABLE),
        pause => pause.score,
      );
      if (best) return cutIn(best);
    }
    if (length >= LONGEST) {
      const late = [...pauses, ...(open ? [{ ...open, to: at }] : [])].filter(pause => pause.from - start >= HALFWAY);
      const best = highest(late, pause => pause.score);
      return best && best.score >= DEEP ? cutIn(best) : cutAt(quietest(window, start + HALFWAY, at));
    }
  }
  if (!ended) return null;
  const end = Math.min(window.length, lastSpeech + 1 + PAD_AFTER);
  return { utterance: enough(window, start, end, pace) ? { start, end } : null, resume: window.length };
}

/** Speech begins where it became loud, if that was shortly before the detector said so. */
function onset(window: readonly Frame[], first: number): number {
  // As loud as the first half second of what is speech for certain.
  const sure = window.slice(first, first + frames(512)),
    loud = 10 * Math.log10(sure.reduce((sum, frame) => sum + 10 ** (frame.level / 10), 0) / sure.length) - DIP;
  let begin = first;
  for (let at = first - 1, quiet = 0; at >= Math.max(0, first - LATE) && quiet < 3; at--) {
    if (window[at]!.level > loud) {
      begin = at;
      quiet = 0;
    } else quiet++;
  }
  return begin;
}

const enough = (window: readonly Frame[], start: number, end: number, pace: Pace): boolean => {
  let speech = 0;
  for (let at = start; at < end; at++) if (window[at]?.speech && ++speech >= pace.leastSpeech) return true;
  return false;
};

/** The later of equals. */
function highest<T>(items: readonly T[], score: (item: T) => number): T | null {
  let best: T | null = null,
    top = -Infinity;
  for (const item of items)
    if (score(item) >= top) {
      best = item;
      top = score(item);
    }
  return best;
}

/** The middle of the quietest three frames of [from, to). */
function quietest(window: readonly Frame[], from: number, to: number): number {
  let best = from,
    least = Infinity;
  for (let at = from; at < to; at++) {
    const level = (window[at - 1] ?? window[at]!).level + 2 * window[at]!.level + (window[at + 1] ?? window[at]!).level;
    if (level < least) {
      least = level;
      best = at;
    }
  }
  return best;
}

/** From where on the voice is heard in what no cut has taken yet, and until where; null: nobody speaks. */
export function openSpan(window: readonly Frame[], pace: Pace): { start: number; end: number } | null {
  const first = window.findIndex(frame => frame.speech);
  if (first < 0 || window.length < first + frames(512)) return null;
  const start = Math.max(0, onset(window, first) - PAD_BEFORE),
    end = window.findLastIndex(frame => frame.speech) + 1;
  return enough(window, start, end, pace) ? { start, end } : null;
}

export interface UtteranceTimes {
  index: number;
  startMs: number;
  endMs: number;
}

/** Feeds `nextCut` as frames arrive and keeps only those that it still needs. */
export function startCutting(pace: Pace = RECORDED): {
  push(frames: readonly Frame[]): UtteranceTimes[];
  end(totalMs: number): UtteranceTimes[];
  /** The utterance that has no end yet, or the next one: its number, and where its voice is heard. */
  speaking(): { index: number; span: { startMs: number; endMs: number } | null };
} {
  let window: Frame[] = [],
    offset = 0,
    index = 0;
  const cuts = (ended: boolean, totalMs: number): UtteranceTimes[] => {
    const rows: UtteranceTimes[] = [];
    for (;;) {
      const cut = window.length ? nextCut(window, ended, pace) : null;
      if (!cut) return rows;
      if (cut.utterance) {
        const startMs = (offset + cut.utterance.start) * FRAME_MS;
        const endMs = Math.min(totalMs, (offset + cut.utterance.end) * FRAME_MS);
        if (endMs > startMs) rows.push({ index: index++, startMs, endMs });
      }
      window = window.slice(cut.resume);
      offset += cut.resume;
    }
  };
  return {
    push(more) {
      window.push(...more);
      return cuts(false, Infinity);
    },
    end: totalMs => cuts(true, totalMs),
    speaking() {
      const open = openSpan(window, pace);
      return {
        index,
        span: open && { startMs: (offset + open.start) * FRAME_MS, endMs: (offset + open.end) * FRAME_MS },
      };
    },
  };
}
