/**
 * The field's words: names in code are made of none of the words of a private vocabulary that this code once had, and
 * comments do not fall back on them where that can be seen for certain. What a speaker told and a microphone heard is
 * another matter, so prose is left alone otherwise. Prints what it finds, and ends with 1 where there is anything.
 */
import { tokenizer } from 'acorn';
import { checkSources } from './sources.ts';

/** Words of which no name is made, and what the field says. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...['tell', 'tells', 'telling', 'told'].map(word => [word, 'publish, post, report, notice'] as const),
  ...['hears', 'hearer', 'hearers'].map(word => [word, 'on, listener, recognizer'] as const),
  ...['mend', 'mends', 'mended'].map(word => [word, 'repair, fix'] as const),
  ['news', 'event, events'],
  ['door', 'server'],
]);
/** Of comments. */
const PHRASES: readonly RegExp[] = [
  /\b(?:is|are|was|were|be|been) told of\b/i,
  /\bhears? of (?:it|this|that|them|their|an?)\b/i,
  /\bnews (?:of|are|leave)\b/i,
  /\b(?:HTTP|RPC|socket) door\b/i,
];
export interface Found {
  /** From 1. */
  line: number;
  text: string;
  instead: string;
}

/** What a file of TypeScript says in words that are not the field's. */
export function privateWords(source: string): Found[] {
  const found: Found[] = [];
  const add = (at: number, text: string, instead: string): void => {
    found.push({ line: source.slice(0, at).split('\n').length, text, instead });
  };
  const onComment = (_block: boolean, comment: string, start: number): void => {
    for (const phrase of PHRASES) {
      const text = phrase.exec(comment)?.[0];
      if (text) add(start, text, 'publish, report');
    }
  };
  // After a "!" that is TypeScript's, a division would be taken for the beginning of a regular expression.
  const plain = source.replace(/([\w)\]])! \//g, '$1  /');
  const tokens = tokenizer(plain, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true, onComment });
  for (const { type, start, end } of tokens) {
    if (type.label !== 'name' && type.label !== 'privateId') continue;
    const name = source.slice(start, end);
    for (const word of name.split(/(?<=[a-z\d])(?=[A-Z])|[_$#]+/)) {
      const instead = NAMES.get(word.toLowerCase());
      if (instead) add(start, name, instead);
    }
  }
  return found;
}

if (import.meta.main)
  checkSources(['*.ts', '*.mjs'], source =>
    privateWords(source).map(({ line, text, instead }) => ({ line, why: `“${text}”: the field says ${instead}` })),
  );
