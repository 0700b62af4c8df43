/**
 * A text that is to be spoken, or translated, as utterances: read where a recording would be recognized. Subtitles keep
 * their cues and times.
 */
import { EarshotError } from '../../schemas/errors.ts';
import { readSmall } from '../../client/small-file.ts';
import { formatOf, plain, spokenCues } from '../../text/subtitles/convert.ts';

export interface Piece {
  text: string;
  startMs: number;
  endMs: number;
}

/** Longer texts are no request to speak but a library. */
export const MAX_TEXT_BYTES = 1024 * 1024;
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
  for (const { segment } of new Intl.Segmenter(language, { granularity: 'sentence' }).segment(text)) {
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
  return pieces.map(text => ({ text, startMs: at, endMs: (at += Math.max(1, text.length) * MS_A_CHARACTER) }));
}

/** @throws noSuchFile, emptyFile, notMedia (no text, or too much of it) */
export async function readPieces(path: string, language: string): Promise<Piece[]> {
  const bytes = await readSmall(path, MAX_TEXT_BYTES).catch((error: unknown) => {
    throw new EarshotError((error as NodeJS.ErrnoException).code ? 'noSuchFile' : 'notMedia', { path }, String(error));
  });
  const text = decoded(bytes, path),
    format = formatOf(path);
  const pieces = format
    ? spokenCues(text, format).map(cue => ({ text: plain(cue), startMs: cue.startMs, endMs: cue.endMs }))
    : timed(cutText(text, language));
  if (pieces.length === 0) throw new EarshotError('emptyFile', { path });
  return pieces;
}

function decoded(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new EarshotError('notMedia', { path }, 'not UTF-8');
  }
}
