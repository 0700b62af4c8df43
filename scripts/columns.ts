/**
 * Lines of code fit 120 columns. Left alone: what cannot be broken (an address, a regular expression on a line of its
 * own), rows of Markdown tables and of subtitles in templates, and titles of tests, which are searched for as they
 * stand. Prints each other line, and ends with 1 where there is one.
 */
import { checkSources } from './sources.ts';

const COLUMNS = 120;
const UNBREAKABLE = [
  /https?:\/\/\S{20}/,
  /^\s*(const \w+ = )?\/[^/*].*\/[a-z]*[,;)]*$/,
  /(^|`)\| /,
  /^Dialogue: /,
  /^\s*(it|test|describe)(\.\w+)?\((['"`]).*\3, /,
];

/** Numbers of the lines that are too long, from 1. */
export function tooLong(text: string): number[] {
  return text.split('\n').flatMap((line, n) => {
    // Most lines are short also in UTF-16.
    if (line.length <= COLUMNS || [...line].length <= COLUMNS) return [];
    return UNBREAKABLE.some(pattern => pattern.test(line)) ? [] : [n + 1];
  });
}

if (import.meta.main)
  checkSources(['*.ts', '*.mjs', '*.py'], text =>
    tooLong(text).map(line => ({ line, why: `longer than ${COLUMNS} columns` })),
  );
