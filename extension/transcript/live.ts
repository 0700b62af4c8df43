/**
 * The transcript that a document holds, kept in step with the text. Each utterance stands on a line of its own, so
 * a change of some lines is read from these lines alone, and an edit of some utterances writes only theirs: what
 * either costs does not grow with the recording.
 */
import * as vscode from 'vscode';
import type { Transcript, Utterance } from '../../schemas/job.ts';
import { openOf } from '../../schemas/open.ts';
import { headJson, rowJson } from '../../text/transcripts/json.ts';
import { difference } from '../streaming/place.ts';

interface Checks {
  transcript(value: unknown): value is Transcript;
  utterance(value: unknown): value is Utterance;
}
let compiling: Promise<Checks> | null = null;
const checks = (): Promise<Checks> =>
  // One that a newer version wrote has more in it, which stays there.
  (compiling ??= Promise.all([import('typebox/compile'), import('../../schemas/job.ts')]).then(
    ([{ Compile }, schemas]) => {
      const whole = Compile(openOf(schemas.Transcript)),
        one = Compile(openOf(schemas.Utterance));
      return {
        transcript: (value): value is Transcript => whole.Check(value),
        utterance: (value): value is Utterance => one.Check(value),
      };
    },
  ));

/** Null when the text is no transcript (or is just being typed). */
export async function parseTranscript(text: string): Promise<Transcript | null> {
  return parsed(text, await checks());
}

function parsed(text: string, check: Checks): Transcript | null {
  try {
    const value: unknown = JSON.parse(text);
    return check.transcript(value) ? value : null;
  } catch {
    return null;
  }
}

/** `first`: the line of the first utterance; null: the text is laid out otherwise, and is read and written whole. */
interface Reading {
  version: number;
  transcript: Transcript | null;
  first: number | null;
}
const readings = new WeakMap<vscode.TextDocument, Reading>();

/** The transcript in a document as it is now; null: it holds none. Not to be changed. */
export async function transcriptOf(document: vscode.TextDocument): Promise<Transcript | null> {
  return (await readingOf(document)).transcript;
}

async function readingOf(document: vscode.TextDocument): Promise<Reading> {
  const check = await checks(),
    known = readings.get(document);
  if (known?.version === document.version) return known;
  const text = document.getText(),
    transcript = parsed(text, check),
    reading = { version: document.version, transcript, first: transcript && firstLine(text, transcript) };
  readings.set(document, reading);
  return reading;
}

const OPENING = '\n  "utterances": [';
function firstLine(text: string, { utterances }: Transcript): number | null {
  const at = text.indexOf(OPENING);
  if (at < 0 || !utterances.length) return null;
  const first = lines(text.slice(0, at)) + 1;
  return lines(text) === first + utterances.length + 3 ? first : null;
}
const lines = (text: string): number => {
  let n = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) n += 1;
  return n;
};

/**
 * Follows a change of a document whose transcript is known; where it can not, the text is read whole when somebody
 * asks.
 */
export async function follow({ document, contentChanges }: vscode.TextDocumentChangeEvent): Promise<void> {
  const check = await checks(),
    known = readings.get(document);
  // Each change of the text has its own version; one that was missed leaves nothing to build on.
  if (!known || known.version === document.version) return;
  const next =
    known.version === document.version - 1 && known.transcript && known.first !== null
      ? advanced(document, contentChanges, { ...known, transcript: known.transcript, first: known.first }, check)
      : null;
  if (next) readings.set(document, { version: document.version, ...next });
  else readings.delete(document);
}

function advanced(
  document: vscode.TextDocument,
  changes: readonly vscode.TextDocumentContentChangeEvent[],
  { transcript, first }: Reading & { transcript: Transcript; first: number },
  check: Checks,
): { transcript: Transcript; first: number } | null {
  const rows: (Utterance | null)[] = [...transcript.utterances],
    end = first + rows.length;
  let moved = 0,
    headChanged = false;
  // From the end on, so that the lines before a change stand where they stood.
  for (const { range, text } of [...changes].sort((a, b) => b.range.start.compareTo(a.range.start))) {
    const added = lines(text);
    if (range.start.line >= first && range.end.line < end)
      rows.splice(
        range.start.line - first,
        range.end.line - range.start.line + 1,
        ...Array.from({ length: added }, () => null),
      );
    else if (range.end.line < first - 1) {
      headChanged = true;
      moved += added - 1 - (range.end.line - range.start.line);
    } else return null;
  }
  const begin = first + moved,
    lineAt = (n: number): string => document.lineAt(n).text;
  if (!rows.length || document.lineCount !== begin + rows.length + 3 || lineAt(begin + rows.length) !== '  ]')
    return null;
  const before = transcript.utterances.at(-1);
  if (rows.includes(before!) && rows.at(-1) !== before) return null; // no comma stands behind it
  const utterances: Utterance[] = [];
  for (const [i, row] of rows.entries()) {
    const made = row ?? parsedRow(lineAt(begin + i), i === rows.length - 1, check);
    if (!made) return null;
    utterances.push(made);
  }
  if (rows.at(-1) && rows.at(-1) !== before) return null; // a comma stands behind it
  if (!headChanged) return { transcript: { ...transcript, utterances }, first };
  const head = document.getText(new vscode.Range(new vscode.Position(0, 0), new vscode.Position(begin - 1, 0))),
    around = parsed(`${head}${OPENING.slice(1)}]}`, check);
  return around && lineAt(begin - 1) === OPENING.slice(1)
    ? { transcript: { ...around, utterances }, first: begin }
    : null;
}

function parsedRow(line: string, last: boolean, check: Checks): Utterance | null {
  if (line.endsWith(',') === last) return null;
  try {
    const value: unknown = JSON.parse(last ? line : line.slice(0, -1));
    return check.utterance(value) ? value : null;
  } catch {
    return null;
  }
}

interface Change {
  range: vscode.Range;
  text: string;
}
const lineRange = (from: number, to: number, character: number): vscode.Range =>
  new vscode.Range(new vscode.Position(from, 0), new vscode.Position(to, character));

/**
 * The changes of the text that make of its transcript another one: of the lines of those utterances that are others;
 * null: the text is not laid out in lines.
 */
export function changesOf(
  document: vscode.TextDocument,
  { transcript: now, first }: { transcript: Transcript; first: number | null },
  next: Transcript,
): Change[] | null {
  if (first === null || !next.utterances.length) return null;
  const a = now.utterances,
    b = next.utterances,
    shorter = Math.min(a.length, b.length);
  let head = 0,
    tail = 0;
  while (head < shorter && a[head] === b[head]) head += 1;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const changes: Change[] = [],
    lineAt = (n: number): string => document.lineAt(n).text,
    row = (list: readonly Utterance[], i: number): string => `${rowJson(list[i]!)}${i < list.length - 1 ? ',' : ''}`;
  const change = (line: number, from: string, to: string): void => {
    const smallest = difference(from, to, 0);
    if (smallest)
      changes.push({
        range: new vscode.Range(new vscode.Position(line, smallest.start), new vscode.Position(line, smallest.end)),
        text: smallest.text,
      });
  };
  const asWritten = (i: number): boolean => lineAt(first + i) === row(a, i);
  const [headWas, headIs] = [now, next].map(each => headJson(each).slice(0, -OPENING.length));
  if (headWas !== headIs) {
    const range = lineRange(0, first - 2, lineAt(first - 2).length);
    if (document.getText(range).replaceAll('\r\n', '\n') !== headWas) return null;
    changes.push({ range, text: headIs! });
  }
  if (a.length === b.length) {
    for (let i = head; i < a.length - tail; i++)
      if (a[i] !== b[i]) {
        if (!asWritten(i)) return null;
        change(first + i, row(a, i), row(b, i));
      }
    return changes;
  }
  // Lines come or go together with a neighbour: no line is left empty, and the last one has no comma.
  const lead = Math.max(0, head - 1),
    rest = head > 0 ? tail : Math.max(0, tail - 1);
  for (let i = lead; i < a.length - rest; i++) if (!asWritten(i)) return null;
  const block = (list: readonly Utterance[]): string =>
      list
        .slice(lead, list.length - rest)
        .map((_u, i) => row(list, lead + i))
        .join('\n'),
    was = block(a),
    smallest = difference(was, block(b), 0);
  const at = (offset: number): vscode.Position => {
    const before = was.slice(0, offset);
    return new vscode.Position(first + lead + lines(before) - 1, offset - (before.lastIndexOf('\n') + 1));
  };
  if (smallest) changes.push({ range: new vscode.Range(at(smallest.start), at(smallest.end)), text: smallest.text });
  return changes;
}

/** The reading that an edit is made of, and whether the text has moved on since. */
export async function readingFor(
  document: vscode.TextDocument,
): Promise<{ transcript: Transcript; first: number | null; version: number } | null> {
  const { transcript, first, version } = await readingOf(document);
  return transcript && { transcript, first, version };
}
