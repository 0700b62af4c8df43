/** Where utterances begin and end: parted, taken out, put in, moved in time. Pure. */
import { sourceText, type Transcript, type Turn, type Utterance } from '../../schemas/job.ts';
import { align } from '../../text/transcripts/align.ts';
import { glue } from './edits.ts';

/** Nobody reads a shorter one. */
const SHORTEST_MS = 50;
/** What is put in lasts so long where there is room. */
const NEW_MS = 2000;

const nextIndex = ({ utterances }: Transcript): number =>
  utterances.reduce((most, u) => Math.max(most, u.index), -1) + 1;

/**
 * Parts an utterance in its text, `at` UTF-16 units from the beginning: at the end of the word that is nearest, and in
 * the sound where that word ends. The second gets a number of its own. Nothing changes where one would be empty.
 */
export function split(transcript: Transcript, index: number, at: number): Transcript {
  const i = transcript.utterances.findIndex(u => u.index === index),
    u = transcript.utterances[i];
  if (!u) return transcript;
  const text = sourceText(u),
    words = align(text, u.asr?.words ?? [], u.startMs, u.endMs);
  let from = 0,
    count = 0,
    cut = 0;
  for (const [n, word] of words.entries()) {
    from += word.text.length;
    if (Math.abs(from - at) < Math.abs(cut - at)) [count, cut] = [n + 1, from];
  }
  if (count === 0 || count === words.length) return transcript;
  const endMs = words[count - 1]!.endMs,
    startMs = Math.max(endMs, words[count]!.startMs),
    middle = (endMs + startMs) / 2,
    heard = u.asr?.words.findIndex(w => (w.startMs + w.endMs) / 2 >= middle) ?? 0,
    parted = heard < 0 ? u.asr!.words.length : heard;
  const { tts: _tts, failed: _failed, turns, comment, nmt, asr, repair, ...rest } = u,
    [firstTranslation, secondTranslation] = nmt ? apart(nmt.text, cut / text.length) : [];
  const piece = (first: boolean): Utterance => {
    const said = (first ? text.slice(0, cut) : text.slice(cut)).trim(),
      own = asr && { ...asr, words: first ? asr.words.slice(0, parted) : asr.words.slice(parted) },
      recognized = own && own.words.map(w => w.text.trim()).join(glue(asr.language)),
      changes = (repair?.changes ?? []).flatMap(c =>
        first
          ? c.to <= parted
            ? [c]
            : []
          : c.from >= parted
            ? [{ ...c, from: c.from - parted, to: c.to - parted }]
            : [],
      ),
      spoken = first ? clipped(turns, u.startMs, endMs) : clipped(turns, startMs, u.endMs);
    return {
      ...rest,
      ...(first ? { endMs } : { index: nextIndex(transcript), startMs }),
      ...(own ? { asr: { ...own, text: recognized! } } : {}),
      ...(said !== recognized ? { repair: { text: said, changes } } : {}),
      ...(nmt ? { nmt: { ...nmt, text: (first ? firstTranslation : secondTranslation)! } } : {}),
      ...spoken,
      ...(first && comment !== undefined ? { comment } : {}),
    };
  };
  return { ...transcript, utterances: transcript.utterances.toSpliced(i, 1, piece(true), piece(false)) };
}

/** The turns within a time; those of one speaker alone are said by who speaks. */
function clipped(
  turns: readonly Turn[] | undefined,
  startMs: number,
  endMs: number,
): Pick<Utterance, 'turns' | 'speaker'> {
  const inside = (turns ?? [])
    .filter(turn => turn.startMs < endMs && turn.endMs > startMs)
    .map(turn => ({ ...turn, startMs: Math.max(startMs, turn.startMs), endMs: Math.min(endMs, turn.endMs) }));
  if (!inside.length) return {};
  const most = inside.reduce((a, b) => (b.endMs - b.startMs > a.endMs - a.startMs ? b : a));
  return new Set(inside.map(turn => turn.speaker)).size > 1
    ? { speaker: most.speaker, turns: inside }
    : { speaker: most.speaker };
}

/** A translation in two, near that share of it: where a sentence ends if one does nearby, else between words. */
function apart(text: string, share: number): [string, string] {
  const wanted = share * text.length,
    nearest = (pattern: RegExp): number =>
      Array.from(text.matchAll(pattern), m => m.index + m[0].length).reduce(
        (best, at) => (Math.abs(at - wanted) < Math.abs(best - wanted) ? at : best),
        -1e9,
      );
  const sentence = nearest(/[.!?…。！？]["”’»」]?\s*(?=\S)/gu),
    word = nearest(/\s(?=\S)|(?<=\p{Script=Han})(?=\S)/gu),
    at = Math.abs(sentence - wanted) <= text.length / 4 ? sentence : word;
  return at < 0 ? [text, ''] : [text.slice(0, at).trim(), text.slice(at).trim()];
}

export const remove = (transcript: Transcript, index: number): Transcript => ({
  ...transcript,
  utterances: transcript.utterances.filter(u => u.index !== index),
});

/** An empty utterance after one, in the pause that follows; whoever spoke before speaks on. */
export function insertAfter(transcript: Transcript, index: number): Transcript {
  const i = transcript.utterances.findIndex(u => u.index === index),
    before = transcript.utterances[i],
    behind = transcript.utterances[i + 1];
  if (!before) return transcript;
  const startMs = before.endMs,
    room = behind?.startMs ?? Math.max(transcript.recording.durationMs ?? 0, startMs + NEW_MS),
    made: Utterance = {
      index: nextIndex(transcript),
      startMs,
      endMs: Math.max(startMs, Math.min(room, startMs + NEW_MS)),
      repair: { text: '', changes: [] },
      ...(transcript.translatedTo ? { nmt: { text: '', language: transcript.translatedTo } } : {}),
      ...(before.speaker === undefined ? {} : { speaker: before.speaker }),
    };
  return { ...transcript, utterances: transcript.utterances.toSpliced(i + 1, 0, made) };
}

/**
 * When an utterance is said, ms. It gets no shorter than can be heard and reaches into no neighbour that it did not
 * overlap before. One that moves as a whole takes its words along.
 */
export function setTimes(transcript: Transcript, index: number, startMs: number, endMs: number): Transcript {
  const i = transcript.utterances.findIndex(u => u.index === index),
    u = transcript.utterances[i];
  if (!u) return transcript;
  const before = transcript.utterances[i - 1],
    behind = transcript.utterances[i + 1],
    low = before ? Math.min(before.endMs, u.startMs) : 0,
    high = behind ? Math.max(behind.startMs, u.endMs) : Math.max(transcript.recording.durationMs ?? Infinity, u.endMs);
  const whole = endMs - startMs === u.endMs - u.startMs,
    shift = whole ? Math.max(low - u.startMs, Math.min(high - u.endMs, startMs - u.startMs)) : 0;
  const start = Math.round(whole ? u.startMs + shift : Math.max(low, Math.min(startMs, high - SHORTEST_MS))),
    end = Math.round(whole ? u.endMs + shift : Math.min(high, Math.max(endMs, start + SHORTEST_MS)));
  if (start === u.startMs && end === u.endMs) return transcript;
  const moved = (ms: number): number => Math.round(Math.min(end, Math.max(start, ms + shift)));
  const { tts: _tts, ...rest } = u,
    next: Utterance = {
      ...rest,
      startMs: start,
      endMs: end,
      ...(u.asr
        ? {
            asr: {
              ...u.asr,
              words: u.asr.words.map(w => ({ ...w, startMs: moved(w.startMs), endMs: moved(w.endMs) })),
            },
          }
        : {}),
      ...(u.turns ? { turns: u.turns.map(t => ({ ...t, startMs: moved(t.startMs), endMs: moved(t.endMs) })) } : {}),
    };
  return { ...transcript, utterances: transcript.utterances.with(i, next) };
}
