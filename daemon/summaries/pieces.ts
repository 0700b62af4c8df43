/**
 * How a transcript is summed up whatever its length: pieces that a small context holds are noted down one by one, then
 * so many notes at a time are drawn together, until one is left. All steps are known beforehand, each draws only on
 * earlier ones, the last is the summary. Pure.
 */
import { sourceText, type Transcript, type Utterance } from '../../schemas/job.ts';
import { joiner } from '../../text/subtitles/width.ts';
import { shownSpeaker } from '../../text/speaker-names.ts';
import { oneLine } from '../../text/transcripts/passages.ts';

/** Tokens of a question's text; with the question's frame and its answer they fit into the engine's context. */
export const PIECE_TOKENS = 1400;
/** What is noted of a piece has no more tokens than this, so that so many notes fit into one question. */
export const NOTE_TOKENS = 160;
const DRAWN_TOGETHER = 8;
/**
 * What a step that draws notes together counts for, in recording: about as long as a piece of as many tokens takes to
 * say.
 */
const NOTE_MS = 30_000;

/** `text`: what was said; or `of`: the earlier pieces whose notes it draws together. */
export interface Piece {
  startMs: number;
  endMs: number;
  text: string;
  of: readonly number[];
}

/**
 * Never fewer than a tokenizer makes of it: three characters of English are a token or less, other scripts count by
 * their bytes.
 */
export const tokensOf = (text: string): number => {
  const ascii = text.replace(/[^\0-\x7f]/g, '').length;
  return ascii / 3 + (Buffer.byteLength(text) - ascii) / 2;
};

/** The language of the text that is summed up: the translation's where there is one. */
export const languageOf = ({ language, translatedTo }: Pick<Transcript, 'language' | 'translatedTo'>): string =>
  translatedTo ?? language ?? 'en';

/** As people are called in a summary, which they read. */
const named = (speaker: string): string => `${oneLine(shownSpeaker(speaker))}: `;

function said(utterance: Utterance, before: string | undefined): string {
  const text = oneLine(utterance.nmt?.text || sourceText(utterance));
  return text && utterance.speaker && utterance.speaker !== before ? `${named(utterance.speaker)}${text}` : text;
}

/** Nothing where nothing was said. */
export function piecesOf(transcript: Pick<Transcript, 'utterances'>): Piece[] {
  const pieces: { startMs: number; endMs: number; text: string; of: number[] }[] = [];
  let speaker: string | undefined,
    room = 0;
  for (const utterance of transcript.utterances) {
    const text = said(utterance, speaker),
      tokens = tokensOf(text) + 1;
    if (!text) continue;
    speaker = utterance.speaker ?? speaker;
    const last = pieces.at(-1);
    if (last && tokens <= room) {
      last.text +=
        (utterance.speaker && text.startsWith(named(utterance.speaker)) ? '\n' : joiner(last.text, text)) + text;
      last.endMs = utterance.endMs;
      room -= tokens;
    } else {
      // What is said in one breath is seldom longer than a piece; a text that was read may be.
      for (const part of cut(text))
        pieces.push({ startMs: utterance.startMs, endMs: utterance.endMs, text: part, of: [] });
      room = PIECE_TOKENS - tokensOf(pieces.at(-1)!.text);
    }
  }
  // A text that was read may say much in no time at all: what it costs goes by its length.
  for (const piece of pieces)
    piece.endMs = Math.max(piece.endMs, piece.startMs + Math.round((tokensOf(piece.text) * NOTE_MS) / NOTE_TOKENS));
  for (let level = [...pieces.keys()]; level.length > 1;) {
    const next: number[] = [];
    for (let at = 0; at < level.length; at += DRAWN_TOGETHER) {
      const of = level.slice(at, at + DRAWN_TOGETHER);
      if (of.length === 1) {
        next.push(of[0]!);
        continue;
      }
      const { startMs } = pieces[of[0]!]!;
      next.push(pieces.push({ startMs, endMs: startMs + NOTE_MS * of.length, text: '', of }) - 1);
    }
    level = next;
  }
  return pieces;
}

/** None has more bytes than its piece may have tokens for. */
const LONGEST_WORD = new RegExp(`.{1,${Math.floor(PIECE_TOKENS / 2)}}`, 'gsu');

function cut(text: string): string[] {
  const parts = [''];
  // Characters without an end of a word in so many are cut anywhere.
  for (const word of text.split(/(?<=\s)|(?<=[。！？，、])/u).flatMap(each => each.match(LONGEST_WORD) ?? [])) {
    if (parts.at(-1) && tokensOf(parts.at(-1)! + word) > PIECE_TOKENS) parts.push('');
    parts[parts.length - 1] += word;
  }
  return parts;
}
