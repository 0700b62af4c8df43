/**
 * What stands within a cue: words, tags, ends of lines and drawings, each with its own letters, so that all of them
 * together are the text again. Only tags that some player knows are tags; anything else in angle brackets was said.
 */
import { decodeHTMLStrict } from 'entities/decode';
import type { SubtitleKind } from './parse.ts';

/** `ass`: Advanced SubStation and its elder SubStation Alpha. */
export type SubtitleFormat = SubtitleKind | 'ass';

export interface Token {
  /** `hidden`: drawing commands of SubStation, which no viewer reads. */
  kind: 'text' | 'tag' | 'break' | 'hidden';
  raw: string;
  /** What a viewer reads; '' where that is nothing. */
  text: string;
}

/** Tags by name, some with no more than a class; the empty end tag of WebVTT. */
const TAG =
  /<\/?(?:(?:b|i|u|s|em|strong|strike|c|ruby|rt|rb)(?:\.[^\s<>]*)?\s*|(?:v|lang|font|span)(?:[.\s][^<>]*)?)\/?>|<\/>/iy;
const LINE_TAG = /<br ?\/?>/iy,
  LOOKS_TAGGED = new RegExp(`${TAG.source}|${LINE_TAG.source}`, 'gi');
/** WebVTT's times within a cue: when a word is sung or said. */
const TIMESTAMP = /<\d{0,4}:?\d{1,2}:\d{1,2}\.\d{1,6}>/y;
const LINE_END = /\r\n|\n|\r/y;
/** Overrides of SubStation, which players of SubRip know too. */
const OVERRIDE = /\{\\[^{}\n\r]*\}/y;
const ASS_BREAK = /\\[Nn]|\r\n|\n|\r/y;
const DRAWING = /\\p\s*(-?\d+)/g;

const at = (pattern: RegExp, text: string, from: number): string | null => {
  pattern.lastIndex = from;
  return pattern.exec(text)?.[0] ?? null;
};

export function tokensOf(text: string, format: SubtitleFormat): Token[] {
  const tokens: Token[] = [];
  let from = 0,
    drawing = false;
  const words = (to: number): void => {
    if (to <= from) return;
    const raw = text.slice(from, to);
    tokens.push(drawing ? { kind: 'hidden', raw, text: '' } : { kind: 'text', raw, text: readText(raw, format) });
    from = to;
  };
  const sign = (kind: Token['kind'], raw: string): void => {
    tokens.push({ kind, raw, text: '' });
    from += raw.length;
  };
  // A brace that none closes is a brace.
  const lastBrace = text.lastIndexOf('}');
  for (let here = 0; here < text.length;) {
    const c = text[here]!;
    let kind: Token['kind'] = 'tag',
      raw: string | null = null;
    if (c === '\n' || c === '\r') [kind, raw] = ['break', at(LINE_END, text, here)];
    else if (format === 'ass') {
      if (c === '{' && here < lastBrace) raw = text.slice(here, text.indexOf('}', here) + 1);
      else if (c === '\\') {
        [kind, raw] = ['break', at(ASS_BREAK, text, here)];
        if (raw === null) {
          here += /[{}]/.test(text[here + 1] ?? '') ? 2 : 1;
          continue;
        }
      }
    } else if (c === '<') {
      raw = at(LINE_TAG, text, here);
      if (raw !== null) kind = 'break';
      else raw = at(TAG, text, here) ?? (format === 'vtt' ? at(TIMESTAMP, text, here) : null);
    } else if (c === '{' && format === 'srt') raw = at(OVERRIDE, text, here);
    if (raw === null) {
      here += 1;
      continue;
    }
    words(here);
    sign(kind, raw);
    if (raw.startsWith('{')) for (const [, scale] of raw.matchAll(DRAWING)) drawing = Number(scale) > 0;
    here = from;
  }
  words(text.length);
  return tokens;
}

function readText(raw: string, format: SubtitleFormat): string {
  if (format === 'vtt') return raw.includes('&') ? decodeHTMLStrict(raw) : raw;
  if (format === 'srt') return raw;
  // A backslash with a word joiner after it is one that was said.
  return raw
    .replace(/\\h/g, '\u00a0')
    .replace(/\\([{}])/g, '$1')
    .replaceAll('\u2060', '');
}

/** Words that would be read as a tag get a look-alike. */
export const untagged = (text: string): string =>
  text.includes('<') ? text.replace(LOOKS_TAGGED, tag => `‹${tag.slice(1)}`) : text;

/**
 * Words that would be read as the arrow of a cue get a look-alike: files are read with whatever arrow people write
 * between two times.
 */
export const unarrowed = (text: string): string =>
  text.replace(/-->/g, '→').replace(/(?:[-–—‐−－]{1,3} ?[>›＞]|=>|→)(?=\s*\d)/gu, '⟶');

/** Words as they must stand in a file to be read as these words; one line. */
export function writeText(text: string, format: SubtitleFormat): string {
  if (format === 'vtt') return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  if (format === 'srt') return unarrowed(untagged(text).replace(/\{(?=\\)/g, '('));
  // Braces begin overrides, a backslash may begin a command: a word joiner after it breaks that, and nothing shows.
  return text
    .replace(/\\/g, '\\\u2060')
    .replace(/\{/g, '\\{')
    .replace(/\}/g, '\\}')
    .replace(/\u00a0/g, '\\h');
}

/** Tags that time single words: karaoke of SubStation, times within a cue of WebVTT. */
export const isWordTime = (raw: string): boolean => /^<\d/.test(raw) || /\\[kK][fo]?\d/.test(raw);

/** A tag without its times of words; '' where nothing else is in it. */
export const withoutWordTimes = (raw: string): string => {
  if (raw.startsWith('<')) return isWordTime(raw) ? '' : raw;
  const rest = raw.replace(/\\[kK][fo]?\d+(?:\.\d+)?/g, '');
  return rest === '{}' ? '' : rest;
};

/** Emphasis of a tag as every format knows it; '' for all other tags. */
export function emphasisOf(raw: string): string {
  if (raw.startsWith('{'))
    return [...raw.matchAll(/\\([ibu])([01])(?=[\\}])/g)]
      .map(([, tag, on]) => `<${on === '1' ? '' : '/'}${tag}>`)
      .join('');
  const [, end, name] = /^<(\/?)(\w+)/.exec(raw) ?? [];
  const plain = { i: 'i', em: 'i', b: 'b', strong: 'b', u: 'u' }[name?.toLowerCase() ?? ''];
  return plain ? `<${end}${plain}>` : '';
}

/** What a viewer reads of a line: no tags, no overrides of SubStation, entities of WebVTT as their signs. */
export const visible = (line: string, format: SubtitleFormat): string =>
  tokensOf(line, format)
    .map(token => (token.kind === 'break' ? ' ' : token.text))
    .join('')
    .replace(/[\u200e\u200f]/g, '')
    .trim();
