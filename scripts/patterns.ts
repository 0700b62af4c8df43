/**
 * No pattern of the product takes longer than in proportion to what it reads: recheck judges each regular expression
 * that repeats something. What it has judged stands in patterns.json, so that only new ones take time.
 *   node scripts/patterns.ts            prints those that could take too long; exit code 0 when there are none
 *   node scripts/patterns.ts --write    judges those that are new and writes patterns.json
 */
import { parse } from 'acorn';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { check } from 'recheck';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = '{cli,client,daemon,extension,schemas,text,webview}/**/*.ts';
const JUDGE_MS = 60_000;

interface Pattern {
  place: string;
  /** As it stands: /a+/u. */
  pattern: string;
}

export interface Judged {
  /** Linear, by recheck. */
  linear: readonly string[];
  /** What may take longer, or cannot be judged, with the reason why that does no harm. */
  bounded: Readonly<Record<string, string>>;
}

/** Regular expressions of a module that repeat something without a limit. */
export function patternsIn(file: string, source: string): Pattern[] {
  const found: Pattern[] = [];
  parse(stripTypeScriptTypes(source), {
    ecmaVersion: 'latest',
    sourceType: 'module',
    locations: true,
    onToken: token => {
      if (token.type.label !== 'regexp') return;
      const { loc, value } = token as typeof token & { value: { pattern: string; flags: string } },
        { pattern, flags } = value;
      if (repeats(pattern)) found.push({ place: `${file}:${loc!.start.line}`, pattern: `/${pattern}/${flags}` });
    },
  });
  return found;
}

/** Without an asterisk, a plus or an open range, outside of escapes and classes, nothing can be tried twice. */
const repeats = (pattern: string): boolean => /[*+]|\{\d+,\}/.test(pattern.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, 'x'));

/** Null: linear. Else what recheck says against it. */
export async function judge(pattern: string): Promise<string | null> {
  const end = pattern.lastIndexOf('/');
  const { status, ...more } = await check(pattern.slice(1, end), pattern.slice(end + 1), { timeout: JUDGE_MS });
  if (status === 'safe') return null;
  return 'complexity' in more && more.complexity ? more.complexity.summary : 'it cannot be judged';
}

export async function complaints(patterns: readonly Pattern[], { linear, bounded }: Judged): Promise<string[]> {
  const known = new Set([...linear, ...Object.keys(bounded)]),
    found: string[] = [];
  for (const { place, pattern } of patterns) {
    if (known.has(pattern)) continue;
    const against = await judge(pattern);
    if (against !== null) found.push(`${place}: ${pattern} may take too long: ${against}`);
  }
  return found;
}

const all = (): Pattern[] =>
  globSync(SOURCES, { cwd: ROOT })
    .sort()
    .flatMap(file => patternsIn(file.replaceAll('\\', '/'), readFileSync(join(ROOT, file), 'utf8')));

if (import.meta.main) {
  const path = join(import.meta.dirname, 'patterns.json'),
    judged = JSON.parse(readFileSync(path, 'utf8')) as Judged,
    patterns = all();
  if (process.argv.includes('--write')) {
    const linear: string[] = [];
    for (const pattern of new Set(patterns.map(each => each.pattern).sort()))
      if (!(pattern in judged.bounded) && (judged.linear.includes(pattern) || (await judge(pattern)) === null))
        linear.push(pattern);
    writeFileSync(path, `${JSON.stringify({ linear, bounded: judged.bounded }, null, 2)}\n`);
    judged.linear = linear;
  }
  const there = new Set(patterns.map(({ pattern }) => pattern));
  const wrong = [
    ...(await complaints(patterns, judged)),
    ...Object.keys(judged.bounded)
      .filter(pattern => !there.has(pattern))
      .map(pattern => `patterns.json excuses ${pattern}, which is nowhere`),
  ];
  for (const each of wrong) console.log(each);
  if (wrong.length) process.exitCode = 1;
}
