/** Which files of a job follow its transcript. Pure. */
import { isAbsolute, relative, sep } from 'node:path';
import type { Export, OutputOptions, Transcript } from '../../schemas/job.ts';
import { FORMATS, type Format } from '../../schemas/words.ts';
import type { Output } from './outputs.ts';

/** A job's files as exports of its transcript in `folder`. */
export function exportsOf(folder: string, outputs: readonly Output[]): Export[] {
  return outputs.flatMap(({ kind, path }) => {
    const [format, text] = kind.split(':') as [Format, OutputOptions['text']?];
    if (format === 'json' || !FORMATS.includes(format)) return [];
    return [{ path: namedFrom(folder, path), format, ...(text ? { options: { text } } : {}) }];
  });
}

export const withExports = (transcript: Transcript, folder: string, outputs: readonly Output[]): Transcript => {
  const exports = exportsOf(folder, outputs);
  if (!exports.length) return transcript;
  const { utterances, warnings, ...head } = transcript;
  return { ...head, exports, utterances, warnings };
};

/** As a transcript names a file: from its own folder, where the file is there or below. */
export function namedFrom(folder: string, path: string): string {
  const way = relative(folder, path);
  return way.startsWith('..') || isAbsolute(way) ? path : way.split(sep).join('/');
}
