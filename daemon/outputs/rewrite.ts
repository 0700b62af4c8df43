/** The files of a job say something else now: those that nobody has changed are written anew, the others are named. */
import { isDeepStrictEqual } from 'node:util';
import { dirname } from 'node:path';
import { InUse } from '../../client/files.ts';
import { readSmall } from '../../client/small-file.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { Transcript } from '../../schemas/job.ts';
import { FORMATS, type Format } from '../../schemas/words.ts';
import { render } from '../../text/transcripts/render.ts';
import type { JobRow } from '../contracts/store.ts';
import { explained, type Text } from './deliver.ts';
import { keptWarning, type Output, type Outputs } from './outputs.ts';

/**
 * Every output of the job with its length as it is now, and a warning for each that was kept.
 * @param says whether a file that was kept says already what it should
 * @throws outputNotWritable, diskFull
 */
export async function rewriteAll(
  row: JobRow,
  before: Transcript,
  after: Transcript,
  outputs: Outputs,
  says: (path: string) => Promise<boolean>,
): Promise<{ outputs: Output[]; changed: Output[]; warnings: Failure[] }> {
  const all: Output[] = [],
    changed: Output[] = [],
    warnings: Failure[] = [];
  for (const output of row.outputs) {
    const { kind, path } = output,
      [format, text = 'original'] = kind.split(':') as [Format, Text?];
    const [old, next] = FORMATS.includes(format)
      ? [render(before, format, { text }), render(after, format, { text })]
      : ['', ''];
    if (old === next) {
      all.push(output);
      continue;
    }
    try {
      const bytes = await outputs.rewrite(row, path, next, async () =>
        holds(format, await textAt(path, 4 * Math.max(old.length, next.length)), [old, next]),
      );
      const now = bytes === null ? output : { kind, path, bytes };
      all.push(now);
      if (bytes !== null) changed.push(now);
      else if (!(await says(path))) warnings.push(keptWarning({ path }));
    } catch (error) {
      if (error instanceof InUse) {
        all.push(output);
        warnings.push(keptWarning({ path, inUse: 1 }));
        continue;
      }
      throw explained(error, dirname(path));
    }
  }
  return { outputs: all, changed, warnings };
}

/** Empty: there is none, or it is far larger than what it is compared with. */
const textAt = (path: string, most: number): Promise<string> =>
  readSmall(path, most).then(
    bytes => bytes.toString('utf8'),
    () => '',
  );

/** A file from before checksums were kept, or laid out anew: JSON says the same in any order. */
function holds(format: Format, there: string, texts: readonly string[]): boolean {
  if (format !== 'json') return texts.includes(there);
  try {
    const value: unknown = JSON.parse(there);
    return texts.some(text => isDeepStrictEqual(value, JSON.parse(text)));
  } catch {
    return false;
  }
}
