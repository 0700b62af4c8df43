/**
 * `earshot speakers`: who speaks in a job, and what they are called; names are remembered for the recordings of the
 * folder.
 */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { badRequest } from '../schemas/errors.ts';
import { sourceText } from '../schemas/job.ts';
import { clockText, durationText } from '../text/messages/figures.ts';
import { isPlanted } from '../client/planted.ts';
import { remember } from '../client/remembered-speakers.ts';
import { ignore, isIgnored, repositoryOf } from '../client/repository.ts';
import { isUnnamed, shownSpeaker } from '../text/speaker-names.ts';
import { placeToRemember } from '../text/speakers.ts';
import { rootOf } from '../client/folder-defaults.ts';
import { agreed } from './agreed.ts';
import { findJob } from './jobs.ts';
import type { Session } from './session.ts';
import { showTable } from './layout.ts';
import { clean } from './terminal.ts';

/** As a repository's list of what it leaves out names it. */
const IGNORED = '.earshot/speakers.json';

/** Voices are personal data: into a repository, where others would get them, they go when somebody says so. */
async function mayRemember(
  session: Session,
  path: string,
  { remember: said }: { remember?: boolean },
): Promise<boolean> {
  if (said !== undefined) return said;
  const repository = existsSync(path) ? null : repositoryOf(path);
  if (repository === null || (await isIgnored(repository, IGNORED))) return true;
  const shown = clean(relative(process.cwd(), path));
  if (!(await agreed(session, session.t.rememberVoices(shown), session.t.voicesNotRemembered))) return false;
  if (await agreed(session, session.t.ignoreVoices, '')) await ignore(repository, IGNORED);
  return true;
}

const shownIn = (name: string, { t }: Session): string => shownSpeaker(name, t.speakerNumber);

/** A label as it may be typed: "S1", or "Speaker 1" as it is read everywhere. */
function idOf(label: string, session: Session): string {
  const id = `S${/(?<!\d)\d+$/.exec(label)?.[0] ?? ''}`;
  return [shownIn(id, session), shownSpeaker(id)].includes(label) ? id : label;
}

export async function speakers(
  session: Session,
  name: string,
  given: string[],
  options: { remember?: boolean } = {},
): Promise<void> {
  const client = await session.client(),
    job = await findJob(client, session, name);
  const names = Object.fromEntries(
    given.map(each => {
      const at = each.indexOf('='),
        [label, called] = [each.slice(0, at).trim(), each.slice(at + 1).trim()];
      if (at < 1 || !called) throw badRequest(each, 'label');
      return [idOf(label, session), called];
    }),
  );
  if (given.length > 0) {
    const { speakers: voices } = await client.call('job/speakers', { id: job.id, names });
    const recording = job.recording.path,
      isOurs = (at: string): boolean => existsSync(at) && !isPlanted(at),
      path = placeToRemember(recording, rootOf(recording, process.cwd()), isOurs);
    const fresh = Object.fromEntries(
      Object.entries(voices).filter(([called]) => Object.values(names).includes(called) && !isUnnamed(called)),
    );
    if (Object.keys(fresh).length > 0 && (await mayRemember(session, path, options))) {
      await remember(path, fresh, recording);
      if (!session.json)
        session.note(`${session.t.hint} ${session.t.rememberedIn(clean(relative(process.cwd(), path)))}`);
    }
  }
  const { utterances } = await client.call('job/utterances', { id: job.id });
  const rows = [
    ...Map.groupBy(
      utterances.filter(u => u.speaker !== undefined),
      u => u.speaker!,
    ),
  ].map(([speaker, own]) => ({
    speaker,
    utterances: own.length,
    ms: own.reduce((sum, u) => sum + u.endMs - u.startMs, 0),
    first: own[0]!,
  }));
  if (session.json)
    return rows.forEach(({ first, ...row }) => {
      session.emit({ ...row, text: sourceText(first) });
    });
  if (rows.length === 0) return session.line(session.t.noSpeakers);
  const columns = [
    { title: session.t.speaker },
    { title: session.t.length, align: 'right' as const },
    { title: session.t.time, align: 'right' as const },
    { title: '', give: true },
  ];
  showTable(
    session,
    columns,
    rows.map(({ speaker, ms, first }) => [
      isUnnamed(speaker) ? `${shownIn(speaker, session)} (${speaker})` : clean(speaker),
      durationText(ms, session.locale),
      clockText(first.startMs),
      clean(sourceText(first)),
    ]),
  );
}
