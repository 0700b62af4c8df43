/** `earshot transcribe … --index --combined --csv`: what came of all the recordings, in one file each. */
import { lstatSync } from 'node:fs';
import { dirname, extname, relative, resolve, sep } from 'node:path';
import { modeLike } from '../client/file-mode.ts';
import { makeFolder, moveOwn, writeAnew } from '../client/files.ts';
import { EarshotError, toFailure, badRequest, type BadRequest } from '../schemas/errors.ts';
import type { Job } from '../schemas/job.ts';
import { isMedia } from '../schemas/media.ts';
import { summary, utterancesCsv, type Collected } from '../text/messages/collection.ts';
import type { Session } from './session.ts';
import { clean } from './terminal.ts';

export interface CollectOptions {
  index?: string;
  combined?: string;
  csv?: string;
}

const COMBINED = ['txt', 'md', 'srt', 'vtt', 'ass'] as const;

export const collects = (given: CollectOptions): boolean => Boolean(given.index ?? given.combined ?? given.csv);

/** Before anything begins. @throws badRequest */
export function checkCollection(given: CollectOptions & { detach?: boolean }, files: readonly string[]): void {
  if (!collects(given)) return;
  if (given.detach) throw badRequest('--detach', 'waitsForEnd');
  if (given.combined && !formatOf(given.combined))
    throw badRequest(`--combined ${given.combined}`, 'endsWith', COMBINED.map(each => `.${each}`).join(', '));
  for (const [option, path] of Object.entries({ index: given.index, combined: given.combined, csv: given.csv })) {
    if (path === undefined) continue;
    const refuse = (why: BadRequest): never => {
      throw badRequest(`--${option} ${path}`, why);
    };
    if (isMedia(path) || files.includes(resolve(path))) refuse('isRecording');
    // It would be replaced, for everybody.
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) refuse('isNoFile');
  }
}

const formatOf = (path: string): (typeof COMBINED)[number] | undefined =>
  COMBINED.find(each => extname(path).toLowerCase() === `.${each}`);

/** @throws outputNotWritable */
export async function collect(
  session: Session,
  jobs: readonly Job[],
  given: CollectOptions & { text?: 'original' | 'translation' | 'bilingual' },
): Promise<void> {
  const client = await session.client(),
    collected: Collected[] = [];
  if (given.index ?? given.csv)
    for (const job of jobs)
      collected.push({ job, transcript: (await client.call('job/transcript', { id: job.id })).transcript });
  const write = async (named: string, text: string): Promise<void> => {
    const path = resolve(named);
    try {
      await makeFolder(dirname(path), 0o777);
      const part = `${path}.${process.pid}.part`,
        modes = await Promise.all(jobs.map(job => modeLike(job.recording.path, dirname(path))));
      // For nobody who may not read every one of the recordings.
      await writeAnew(
        part,
        text,
        modes.reduce((all, mode) => all & mode, 0o644),
      );
      await moveOwn(part, path);
    } catch (error) {
      throw new EarshotError('outputNotWritable', { path }, toFailure(error).detail);
    }
    if (session.json) session.emit({ type: 'wrote', path });
    else session.note(`${session.paint('green', '✓')} ${session.t.wrote} ${clean(path)}`);
  };
  if (given.combined)
    await write(
      given.combined,
      (
        await client.call('job/combine', {
          ids: jobs.map(job => job.id),
          format: formatOf(given.combined)!,
          ...(given.text ? { text: given.text } : {}),
        })
      ).text,
    );
  if (given.csv) await write(given.csv, utterancesCsv(collected));
  if (given.index) {
    const folder = dirname(resolve(given.index));
    await write(
      given.index,
      summary(collected, { locale: session.locale, wayTo: path => relative(folder, path).split(sep).join('/') }),
    );
  }
}
