/**
 * A text that is to be spoken, or translated, as utterances: read where a recording would be recognized. Subtitles keep
 * their cues and times.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { EarshotError, failure, type Failure } from '../../schemas/errors.ts';
import { readSmallFrom } from '../../client/small-file.ts';
import { decodeText, encodingOf, type Decoded, type EncodingHints } from '../../text/encoding.ts';
import { sentencesOf } from '../../text/sentences.ts';
import { formatOf } from '../../text/subtitles/convert.ts';
import { reading } from '../../text/subtitles/units.ts';
import { unclearIn } from '../../text/subtitles/losses.ts';
import type { JobOptions } from '../../schemas/job.ts';
import { openRecording, type RecordingFacts } from './recording.ts';

/** What a job says of its text. `encoding`: as `encodingOf` names it. */
export type TextHints = EncodingHints & { language: string };

/** @throws unknownEncoding */
export function hintsOf({ language, encoding }: JobOptions): TextHints {
  const known = encoding === undefined ? undefined : encodingOf(encoding);
  if (known === null) throw new EarshotError('unknownEncoding', { encoding: encoding! });
  return { language: language!, encoding: known };
}

export interface Piece {
  text: string;
  startMs: number;
  endMs: number;
  speaker: string | null;
}

/** Far more than a long film's subtitles with all their styles; longer texts are no request to speak but a library. */
export const MAX_TEXT_BYTES = 8 * 1024 * 1024;
/** A piece ends with the sentence that reaches this, so that the first is heard soon. */
const PIECE = 240,
  LONGEST = 1_000;
/** What a character takes to be said, roughly: only expected times follow from it. */
const MS_A_CHARACTER = 65;

const emptyLineAtEnd = (text: string): boolean => /\n[^\n]*\n/.test(text.slice(text.trimEnd().length));

/** Whole sentences, some together; one without an end is cut at a blank. */
export function cutText(text: string, language: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  const put = (): void => {
    if (piece.trim()) pieces.push(piece.trim());
    piece = '';
  };
  for (const segment of sentencesOf(text, language)) {
    for (let rest = segment; rest;) {
      const at =
        rest.length <= LONGEST
          ? rest.length
          : rest.lastIndexOf(' ', LONGEST) > 0
            ? rest.lastIndexOf(' ', LONGEST)
            : LONGEST;
      piece += rest.slice(0, at);
      rest = rest.slice(at);
      if (piece.length >= PIECE || emptyLineAtEnd(piece)) put();
    }
  }
  put();
  return pieces;
}

function timed(pieces: readonly string[]): Piece[] {
  let at = 0;
  return pieces.map(text => ({
    text,
    startMs: at,
    endMs: (at += Math.max(1, text.length) * MS_A_CHARACTER),
    speaker: null,
  }));
}

/**
 * The text and what it says: subtitles by their cues, others by their sentences.
 * @throws what readText throws; noWords
 */
export async function readPieces(
  path: string,
  hints: TextHints,
  expected: RecordingFacts,
): Promise<{ pieces: Piece[]; warnings: Failure[] }> {
  const { text, encoding, detected } = await readText(path, hints, expected),
    format = formatOf(path),
    warnings = detected ? [failure('textDecoded', { path, encoding })] : [];
  if (format) {
    const speech = await inTurns(reading(text, format)),
      unclear = unclearIn(speech);
    if (speech.units.length === 0) throw new EarshotError('noWords', { path });
    return {
      pieces: speech.units.map(({ text: words, startMs, endMs, speaker }) => ({
        text: words,
        startMs,
        // Several in a very short cue.
        endMs: Math.max(startMs + 1, endMs),
        speaker,
      })),
      warnings: unclear ? [...warnings, failure('subtitlesUnclear', { path, ...unclear })] : warnings,
    };
  }
  const pieces = timed(cutText(text.replace(/^\ufeff/, ''), hints.language));
  if (pieces.length === 0) throw new EarshotError('noWords', { path });
  return { pieces, warnings };
}

/** The daemon has one thread: others have their turn in between. */
const TURN_MS = 10;
export async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (let began = performance.now(); ;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - began < TURN_MS) continue;
    await turn();
    began = performance.now();
  }
}

/** @throws what openRecording throws; textTooLarge, notText, unknownEncoding */
export async function readText(path: string, hints: TextHints, expected: RecordingFacts): Promise<Decoded> {
  await using file = await openRecording(path, expected);
  const bytes = await readSmallFrom(file, MAX_TEXT_BYTES).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'EFBIG'
      ? new EarshotError('textTooLarge', { path, mostBytes: MAX_TEXT_BYTES })
      : new EarshotError('unreadableFile', { path }, String(error));
  });
  const decoded = decodeText(bytes, hints);
  if (!decoded) throw new EarshotError('notText', { path });
  return decoded;
}
