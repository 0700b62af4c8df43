/** `earshot export`: a transcript in another format, or all files that follow it brought up to date. */
import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { EarshotError } from '../schemas/errors.ts';
import type { ExportOptions } from '../schemas/job.ts';
import type { ExportedFile } from '../schemas/rpc.ts';
import { FORMATS, type Format } from '../schemas/words.ts';
import { findJob } from './jobs.ts';
import type { Session } from './session.ts';
import { clean } from './terminal.ts';

export interface ExportGiven {
  to?: Format[];
  output?: string;
  text?: ExportOptions['text'];
  times?: boolean;
  speakers?: boolean;
  lineLength?: number;
  fps?: number;
  once?: boolean;
}

export async function exportTranscript(session: Session, named: string, given: ExportGiven): Promise<void> {
  const client = await session.client(),
    path = await transcriptOf(session, named),
    formats = formatsOf(given);
  if (!formats.length) {
    const { files } = await client.call('transcript/export', { path });
    if (!files.length && !session.json) session.note(session.t.noExports);
    for (const file of files) say(session, file, false);
    return;
  }
  for (const format of formats) {
    const target = given.output === undefined ? usualPlace(path, format) : resolve(given.output),
      options = optionsOf(given);
    const { files } = await client.call('transcript/export', {
      path,
      to: {
        path: target,
        format,
        ...(Object.keys(options).length ? { options } : {}),
        ...(given.once ? { follow: false } : {}),
      },
    });
    for (const file of files) say(session, file, file.path !== target);
  }
}

/** A file, or a job's; the daemon writes that where there is none. */
async function transcriptOf(session: Session, named: string): Promise<string> {
  const path = resolve(named);
  if (/\.json$/i.test(named) || existsSync(path)) return path;
  const client = await session.client(),
    { id } = await findJob(client, session, named);
  return (await client.call('job/write', { id, format: 'json', directory: process.cwd() })).path;
}

/** @throws badRequest */
function formatsOf({ to, output }: ExportGiven): Format[] {
  if (to && output !== undefined && to.length > 1)
    throw new EarshotError('badRequest', { field: '--output' }, 'several formats have a file each; leave it out');
  if (to) return to;
  if (output === undefined) return [];
  const ending = extname(output).slice(1).toLowerCase(),
    format = FORMATS.find(each => each === ending);
  if (!format)
    throw new EarshotError(
      'badRequest',
      { field: `--output ${output}` },
      'its ending is no format; name one with --to',
    );
  return [format];
}

const optionsOf = ({ text, times, speakers, lineLength, fps }: ExportGiven): ExportOptions => ({
  ...(text === undefined ? {} : { text }),
  ...(times === false ? { times } : {}),
  ...(speakers === false ? { speakers } : {}),
  ...(lineLength === undefined ? {} : { lineLength }),
  ...(fps === undefined ? {} : { fps: fps as NonNullable<ExportOptions['fps']> }),
});

/** Beside the transcript, called after it. */
const usualPlace = (path: string, format: Format): string =>
  join(
    dirname(path),
    `${basename(path)
      .replace(/\.json$/i, '')
      .replace(/\.earshot$/i, '')}.${format}`,
  );

function say(session: Session, file: ExportedFile, isBeside: boolean): void {
  if (session.json) return session.emit({ type: 'export', ...file });
  const { t, paint } = session,
    path = clean(file.path);
  const line: Record<ExportedFile['state'], () => string> = {
    written: () =>
      [
        `${paint('green', '✓')} ${t.wrote} ${path}`,
        isBeside ? paint('dim', t.besideTheOther) : '',
        file.conflicts ? paint('yellow', t.conflictsKept(file.conflicts)) : '',
      ]
        .filter(Boolean)
        .join('  '),
    same: () => `${paint('green', '✓')} ${path}`,
    old: () => path,
    edited: () => `${paint('yellow', '!')} ${path}  ${paint('dim', t.keptEdited)}`,
    missing: () => `${paint('dim', '-')} ${path}  ${paint('dim', t.exportGone)}`,
    elsewhere: () => `${paint('yellow', '!')} ${path}  ${paint('dim', t.exportElsewhere)}`,
    inUse: () => `${paint('yellow', '!')} ${path}  ${paint('dim', t.exportInUse)}`,
  };
  session.line((line[file.state] ?? line.old)());
}
