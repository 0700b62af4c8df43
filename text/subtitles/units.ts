/**
 * What subtitles say, in the pieces that are translated or spoken: a cue's text, or each speaker's where several speak
 * in it. What stands around the words (tags, the dash of a speaker, notes of music) belongs to no piece and stays.
 * Pure.
 */
import { readDocument, timesOf, type DocumentCue, type Range, type SubtitleDocument } from './document.ts';
import { isWordTime, tokensOf, type SubtitleFormat, type Token } from './inline.ts';
import { beginsWithName } from './parse.ts';
import { joiner } from './width.ts';

/** Where a piece stands. What is said again where captions roll, or in layers, has several places. */
export interface Place extends Range {
  cue: number;
  /** The tokens between what stays before them and what stays after. */
  tokens: readonly Token[];
  /** Columns of what is seen before the words: the dash. */
  before: string;
}

export interface Unit {
  startMs: number;
  endMs: number;
  speaker: string | null;
  /** One line, without tags. */
  text: string;
  places: Place[];
}

export interface Speech {
  document: SubtitleDocument;
  /** In order of their times. */
  units: Unit[];
  /** Captions that roll: each line is shown several times, moving up, and said once. */
  rolling: boolean;
}

/** Cues that follow each other within this belong to one roll. */
const ROLL_GAP_MS = 100,
  /** Rolling captions of YouTube have cues between the others that show nothing new. */
  FLASH_MS = 50,
  MOST_ROLLED = 8;

export const hasWords = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

export const readSpeech = (text: string, format: SubtitleFormat): Speech => atOnce(reading(text, format));

/** What can stop after every so many cues, done without a stop. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
export const STEP_CUES = 200;

/** As `readSpeech`, in steps: a large file must not hold up everybody else. */
export function* reading(text: string, format: SubtitleFormat): Generator<void, Speech> {
  const document = readDocument(text, format),
    times = timesOf(document.cues),
    bodies: Part[][] = [],
    lines: Part[][] = [];
  for (const [n, cue] of document.cues.entries()) {
    if (n % STEP_CUES === 0) yield;
    const parts = (cue.generated ? [] : cue.bodies).map(({ from, to }): Part => ({
      from,
      tokens: tokensOf(text.slice(from, to), format),
      speaker: null,
    }));
    bodies.push(parts);
    lines.push(parts.flatMap(linesIn));
  }
  const carried = yield* carriedLines(lines, times, text),
    units: Unit[] = [];
  if (carried) {
    let before: Unit[] = [];
    for (const [cue, own] of lines.entries()) {
      const now = own.map((line, n): Unit => {
        const old = n < carried[cue]! ? before[before.length - carried[cue]! + n] : undefined,
          unit = old ?? { ...times[cue]!, speaker: null, text: plainOf(line.tokens), places: [] };
        unit.places.push(placeOf(cue, line));
        unit.endMs = Math.max(unit.endMs, times[cue]!.endMs);
        if (!old) units.push(unit);
        return unit;
      });
      if (now.length) before = now;
    }
    units.forEach((unit, n) => {
      const next = units[n + 1]?.startMs ?? Infinity;
      if (next > unit.startMs) unit.endMs = Math.min(unit.endMs, next);
    });
    return { document, units, rolling: true };
  }
  const layers = new Map<string, Unit>();
  for (const [cue, { name }] of document.cues.entries()) {
    if (cue % STEP_CUES === 0) yield;
    const said = bodies[cue]!.flatMap(speakersIn),
      places = said.map(each => placeOf(cue, each)),
      all = places.map(place => flatten(place.tokens).text),
      length = all.reduce((sum, each) => sum + each.length, 0),
      { startMs, endMs } = times[cue]!;
    let seen = 0;
    for (const [n, part] of said.entries()) {
      // Several share the cue's time by what they say.
      const share = (characters: number): number => Math.round(startMs + ((endMs - startMs) * characters) / length);
      const unit: Unit = {
        startMs: share(seen),
        endMs: share((seen += all[n]!.length)),
        speaker: part.speaker ?? name,
        text: all[n]!,
        places: [places[n]!],
      };
      const key = `${unit.startMs} ${unit.endMs} ${unit.text}`,
        layer = format === 'ass' ? layers.get(key) : undefined;
      if (layer) layer.places.push(...unit.places);
      else {
        layers.set(key, unit);
        units.push(unit);
      }
    }
  }
  return { document, units: units.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs), rolling: false };
}

/** All of a cue's texts; an empty line between two is the end of one. */
export const tokensIn = ({ text, format }: SubtitleDocument, { bodies }: DocumentCue): Token[] =>
  bodies.flatMap((body, n) => [
    ...(n > 0 ? [{ kind: 'break', raw: '', text: '' } as const] : []),
    ...tokensOf(text.slice(body.from, body.to), format),
  ]);

/** Tokens with their place in the file. */
interface Part {
  from: number;
  tokens: Token[];
  speaker: string | null;
}

/** The lines of a body that have words. */
function linesIn(body: Part): Part[] {
  const parts: Part[] = [];
  let at = body.from,
    part: Part = { from: at, tokens: [], speaker: null };
  for (const token of body.tokens) {
    at += token.raw.length;
    if (token.kind !== 'break') part.tokens.push(token);
    else {
      parts.push(part);
      part = { from: at, tokens: [], speaker: null };
    }
  }
  parts.push(part);
  return parts.filter(({ tokens }) => tokens.some(({ text }) => hasWords(text)));
}

const DASH = /^[\s"'“„«¿¡]{0,9}[-–—‐‑－](?![-–—\d])\s{0,9}\S/u;
const VOICE = /^<v(?:\.[^\s<>]*)?\s([^<>]+)>$/i;
export const voiceOf = (raw: string): string | null =>
  VOICE.exec(raw)?.[1]?.replace(/\s+/g, ' ').trim().replace(/&amp;/g, '&') || null;

/** A body in the parts of its speakers: at dashes, voices, and names where there are several. */
function speakersIn(body: Part): Part[] {
  const { tokens } = body;
  // The beginnings of lines, and what is read of each.
  const lines: { at: number; text: string }[] = [{ at: 0, text: '' }];
  tokens.forEach((token, n) => {
    if (token.kind === 'break') lines.push({ at: n + 1, text: '' });
    else lines.at(-1)!.text += token.text;
  });
  const named = lines.filter(({ text }) => beginsWithName(text)),
    cuts = new Set(lines.filter(({ text }) => DASH.test(text)).map(({ at }) => at));
  if (named.length > 1) for (const { at } of named) cuts.add(at);
  tokens.forEach(({ kind, raw }, n) => {
    if (kind === 'tag' && voiceOf(raw) !== null) cuts.add(n);
  });
  const parts: Part[] = [];
  let at = body.from,
    words = false,
    speaker: string | null = null;
  for (const [n, token] of tokens.entries()) {
    if (n === 0 || (cuts.has(n) && words)) {
      parts.push({ from: at, tokens: [], speaker });
      words = false;
    }
    speaker = (token.kind === 'tag' ? voiceOf(token.raw) : null) ?? (token.raw === '</v>' ? null : speaker);
    const part = parts.at(-1)!;
    if (!words) part.speaker = speaker;
    part.tokens.push(token);
    words ||= hasWords(token.text);
    at += token.raw.length;
  }
  return parts.filter(part => part.tokens.some(({ text }) => hasWords(text)));
}

const LEAD = /^[\s♪♫♬]{0,99}(?:[-–—‐‑－](?![-–—\d])\s{0,9})?[\s♪♫♬]{0,99}/u;
/** The dash of a speaker before a tag: - <i>Yes.</i> */
const LONE_DASH = /^[\s♪♫♬]{0,99}[-–—‐‑－][\s♪♫♬]{0,99}$/u;
const isRim = (character: string): boolean => /[\s♪♫♬]/u.test(character);

/** Where the words of a part stand, without the tags, breaks, dashes and notes of music around them. */
function placeOf(cue: number, { from, tokens }: Part): Place {
  let first = 0,
    last = tokens.length - 1,
    at = from,
    before = '';
  const core = [...tokens],
    timed = tokens.some(({ kind, raw }) => kind === 'tag' && isWordTime(raw)),
    isOutside = ({ kind, raw, text }: Token): boolean =>
      kind === 'text' ? [...text].every(isRim) : !(timed && /^<\/?c[.>\s]/i.test(raw));
  while (isOutside(core[first]!) || LONE_DASH.test(core[first]!.text)) {
    before += core[first]!.text;
    at += core[first++]!.raw.length;
  }
  while (isOutside(core[last]!)) last -= 1;
  const lead = LEAD.exec(core[first]!.raw)![0];
  const cut = (raw: string, text: string): Token => ({ kind: 'text', raw, text });
  if (lead && hasWords(core[first]!.text.slice(lead.length)) && core[first]!.text.startsWith(lead)) {
    const { raw, text } = core[first]!;
    core[first] = cut(raw.slice(lead.length), text.slice(lead.length));
    at += lead.length;
    before += lead;
  }
  const { raw, text } = core[last]!;
  let rim = 0;
  while (rim < raw.length && isRim(raw[raw.length - 1 - rim]!) && raw.at(-1 - rim) === text.at(-1 - rim)) rim += 1;
  if (rim) core[last] = cut(raw.slice(0, -rim), text.slice(0, -rim));
  const kept = core.slice(first, last + 1),
    length = kept.reduce((sum, token) => sum + token.raw.length, 0);
  return { cue, from: at, to: at + length, tokens: kept, before: before.trimStart() };
}

/** The words of tokens in one line. `tags`: before which of its characters each tag stands. */
export function flatten(tokens: readonly Token[]): { text: string; tags: { raw: string; at: number }[] } {
  const tags: { raw: string; at: number }[] = [];
  let text = '',
    // What was put there last, for what follows it; a blank waits until something does.
    last = '',
    gap = '';
  for (const { kind, raw, text: shown } of tokens) {
    if (kind === 'break') gap = '\n';
    else if (kind === 'tag') tags.push({ raw, at: text.length + (gap === ' ' ? 1 : 0) });
    const words = shown.trim().replace(/\s+/g, ' ');
    if (kind !== 'text' || !shown) continue;
    if (/^\s/.test(shown)) gap ||= ' ';
    if (words) {
      text += (text && gap ? (gap === ' ' ? ' ' : joiner(last, words)) : '') + words;
      last = words;
      gap = '';
    }
    if (words && /\s$/.test(shown.slice(-1))) gap = ' ';
  }
  return { text, tags: tags.map(tag => ({ ...tag, at: Math.min(tag.at, text.length) })) };
}

/** As `flatten`, where that begins at the words: without the dash and what else stays. */
const plainOf = (tokens: readonly Token[]): string =>
  flatten(placeOf(0, { from: 0, tokens: [...tokens], speaker: null }).tokens).text;

/**
 * How many of each cue's first lines are the last of the cue before, moved up; null: these captions do not roll. What
 * is said twice in a film is no roll: new lines must come in below old ones, nearly always.
 */
function* carriedLines(
  lines: readonly (readonly Part[])[],
  times: readonly { startMs: number; endMs: number }[],
  text: string,
): Generator<void, number[] | null> {
  const shown: string[][] = [],
    carried = lines.map(() => 0);
  for (const [n, each] of lines.entries()) {
    if (n % STEP_CUES === 0) yield;
    shown.push(each.map(line => plainOf(line.tokens)));
  }
  let before = -1,
    rolls = 0,
    moved = 0,
    flashes = 0,
    steps = 0;
  for (const [n, now] of shown.entries()) {
    if (!now.length) continue;
    if (before >= 0) {
      steps += 1;
      const old = shown[before]!,
        joined = Math.abs(times[n]!.startMs - times[before]!.endMs) <= ROLL_GAP_MS;
      let most = joined ? Math.min(old.length, now.length, MOST_ROLLED) : 0;
      while (most > 0 && !now.slice(0, most).every((line, i) => line === old[old.length - most + i])) most -= 1;
      carried[n] = most;
      if (most > 0) rolls += 1;
      if (most > 0 && most < now.length) moved += 1;
      if (most === now.length && times[n]!.endMs - times[n]!.startMs <= FLASH_MS) flashes += 1;
    }
    before = n;
  }
  const timed = lines.some(each => each.some(({ tokens }) => tokens.some(({ raw }) => isWordTime(raw))));
  const rolling = moved > 0 && rolls >= steps / 2 && (flashes > 0 || moved >= 3 || (timed && text.includes('<c>')));
  return rolling ? carried : null;
}
