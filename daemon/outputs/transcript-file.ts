/** A transcript as it lies on the disk. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Value } from 'typebox/value';
import { readSmall } from '../../client/small-file.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { Transcript } from '../../schemas/job.ts';
import { openOf } from '../../schemas/open.ts';

const MOST_BYTES = 256 * 1024 * 1024;

/** @throws noSuchFile, notATranscript */
export async function readTranscript(path: string): Promise<Transcript> {
  if (!(await stat(path).catch(() => null))?.isFile()) throw new EarshotError('noSuchFile', { path });
  let value: unknown;
  try {
    value = JSON.parse((await readSmall(path, MOST_BYTES)).toString('utf8'));
  } catch (error) {
    throw new EarshotError('notATranscript', { path }, String(error));
  }
  // One that a newer version wrote has more in it, which stays there.
  if (!Value.Check(openOf(Transcript), value)) throw new EarshotError('notATranscript', { path }, basename(path));
  return value as Transcript;
}
