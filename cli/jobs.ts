/** `earshot queue`, `show`, `why`, `log`, and what can be done to jobs. */
import type { Client } from '../client/client.ts';
import { EarshotError } from '../schemas/errors.ts';
import type { Job } from '../schemas/job.ts';
import { jobFraction } from '../schemas/progress.ts';
import { entryOf, failureMessage, reasonText, termText } from '../text/messages/messages.ts';
import { clockText, timeText } from '../text/messages/figures.ts';
import { isFinal, type TextFormat, type JobState, type Priority } from '../schemas/words.ts';
import type { Session } from './session.ts';
import { clean, cleanLines, type Colour } from './terminal.ts';
import { bar, table } from './layout.ts';
import { endLines, utteranceLines, type Style } from './output.ts';
import { watchJobs } from './watch.ts';

const RECENT = 10;
/** Enough of an id's end to tell jobs apart on one screen. */
const SHORT = 6;
export const shortId = (id: string): string => id.slice(-SHORT);

/** Share of all steps that ended, of what is known. */
/** Empty where nobody knows how long the recording is. */
function progressText(job: Job, { isTTY }: { isTTY?: boolean }): string {
  const done = jobFraction(job);
  if (done === null) return '';
  return isTTY ? bar(done, 10) : `${Math.floor(done * 100)}%`;
}

/** What a row of the queue has to say beside the figures. */
function noteOf(job: Job, session: Session): string {
  if (job.failure) return clean(failureMessage(job.failure, session.locale).what);
  if (job.retry)
    return session.t.tryAgain(job.retry.attempt, job.retry.of, timeText(job.retry.at, session.locale, Date.now()));
  if (job.waiting) return reasonText(job.waiting, session.locale);
  return clean(job.lastWords);
}

const STATE_COLOUR: Record<JobState, Colour> = {
  pending: 'dim',
  loading: 'yellow',
  processing: 'cyan',
  paused: 'yellow',
  completed: 'green',
  failed: 'red',
  cancelled: 'dim',
};

export async function queue(
  session: Session,
  options: { all?: boolean; search?: string; state?: JobState[]; limit?: number; fleet?: boolean },
): Promise<void> {
  const client = await session.client();
  const filter = {
    ...(options.search ? { search: options.search } : {}),
    ...(options.state ? { states: options.state } : {}),
  };
  const narrowed = options.all || options.search || options.state || options.limit;
  const [active, recent, status] = await Promise.all([
    narrowed ? null : client.call('job/list', { filter: { active: true }, limit: 1000 }),
    client.call('job/list', { filter, limit: options.limit ?? (narrowed ? 1000 : RECENT) }),
    client.call('daemon/status', {}),
  ]);
  const jobs = [...(active?.jobs ?? []), ...recent.jobs.filter(job => !active || isFinal(job.state))];
  if (session.json)
    return jobs.forEach(job => {
      session.emit(job);
    });
  if (options.fleet) await (await import('./fleet-queue.ts')).wholeQueue(session, client);
  if (status.queuePaused) session.note(session.t.queueIsPaused);
  if (jobs.length === 0) return session.note(session.t.queueEmpty);
  const { t, locale, paint } = session;
  // Where each is done, as soon as one is not done here.
  const elsewhere = jobs.some(job => job.machine !== undefined);
  const rows = jobs.map(job => [
    shortId(job.id),
    clean(job.recording.name),
    termText('states', job.state, locale),
    termText('priorities', job.priority, locale),
    progressText(job, session.out),
    job.recording.durationMs === null ? '' : clockText(job.recording.durationMs),
    noteOf(job, session),
    ...(elsewhere ? [job.machine === undefined ? '' : clean(job.machine ?? t.inFleet)] : []),
  ]);
  const columns = [
    { title: t.job },
    { title: t.name, give: true },
    { title: t.state },
    { title: t.priority },
    { title: t.progress },
    { title: t.length, align: 'right' as const },
    { title: t.note, give: true },
    ...(elsewhere ? [{ title: t.on }] : []),
  ];
  for (const line of table(columns, rows, session.columns(), (text, row, column) =>
    row < 0
      ? paint('dim', text)
      : column === 2
        ? paint(entryOf<Colour>(STATE_COLOUR, jobs[row]!.state, 'dim'), text)
        : column === 6
          ? paint('dim', text)
          : text,
  ))
    session.line(line);
  const hidden = recent.total - (jobs.length - (active?.jobs.length ?? 0)) - (active?.total ?? 0);
  if (!narrowed && hidden > 0) session.note(paint('dim', t.moreJobs(hidden)));
}

/**
 * The job that a word on the command line means: an id, the end or the beginning of one, "last", or words of a file's
 * name that fit one job, or one unfinished job.
 * @throws unknownJob, badRequest when it fits several
 */
export async function findJob(client: Client, session: Session, text: string): Promise<Job> {
  const wanted = text.toUpperCase();
  if (/^[0-9A-HJKMNP-TV-Z]{26}$/.test(wanted)) return (await client.call('job/get', { id: wanted })).job;
  const { jobs } = await client.call('job/list', { limit: 1000 });
  if (text === 'last' && jobs[0]) return jobs[0];
  const byId = jobs.filter(job => job.id.endsWith(wanted) || job.id.startsWith(wanted));
  const fitting =
    byId.length > 0 ? byId : jobs.filter(job => job.recording.name.toLowerCase().includes(text.toLowerCase()));
  // Of several runs of one file the one that is still going on is meant.
  const unfinished = fitting.filter(job => !isFinal(job.state));
  const found = unfinished.length === 1 ? unfinished : fitting;
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw new EarshotError('unknownJob', { id: text });
  session.note(session.t.ambiguous(clean(text), found.length));
  for (const job of found.slice(0, 10)) session.note(`  ${job.id}  ${clean(job.recording.name)}`);
  throw new EarshotError('unknownJob', { id: text });
}

export async function show(
  session: Session,
  text: string,
  options: { format?: TextFormat; text?: 'original' | 'translation' | 'bilingual'; follow?: boolean },
): Promise<void> {
  const client = await session.client();
  const job = await findJob(client, session, text);
  if (options.format) {
    const rendered = await client.call('job/render', {
      id: job.id,
      format: options.format,
      ...(options.text ? { text: options.text } : {}),
    });
    session.out.write(session.out.isTTY ? `${cleanLines(rendered.text)}\n` : rendered.text);
    return;
  }
  if (options.follow && !isFinal(job.state)) {
    await watchJobs(session, client, [job]);
    return;
  }
  const { utterances } = await client.call('job/utterances', { id: job.id });
  if (session.json) return session.emit({ job, utterances });
  const style: Style = {
    columns: session.columns(),
    locale: session.locale,
    t: session.t,
    paint: session.paint,
    pretty: session.out.isTTY === true,
  };
  for (const utterance of utterances) for (const line of utteranceLines(utterance, style)) session.line(line);
  if (style.pretty && utterances.length > 0) session.line();
  for (const line of endLines(job, utterances.length, style)) session.line(line);
  if (job.waiting) session.line(`  ${clean(reasonText(job.waiting, session.locale))}`);
}

export async function why(session: Session, text: string): Promise<void> {
  const client = await session.client();
  const { id } = await findJob(client, session, text);
  const [{ job }, { devices }] = await Promise.all([client.call('job/get', { id }), client.call('device/list', {})]);
  if (session.json)
    return session.emit({
      id,
      state: job.state,
      waiting: job.waiting,
      retry: job.retry,
      failure: job.failure,
      expectedStartAt: job.expectedStartAt,
      expectedEndAt: job.expectedEndAt,
    });
  if (job.failure) return session.fail(job.failure);
  const { t, locale } = session,
    now = Date.now();
  const names = {
    device: (device: string) => devices.find(each => each.id === device && each.kind === 'gpu')?.name,
    now,
  };
  const reason = job.waiting ? reasonText(job.waiting, locale, names) : t.notWaiting;
  session.line(`${termText('states', job.state, locale)}: ${clean(reason)}`);
  if (job.retry) session.line(t.tryAgain(job.retry.attempt, job.retry.of, timeText(job.retry.at, locale, now)));
  if (job.expectedStartAt !== null && job.startedAt === null)
    session.line(t.startsAt(timeText(job.expectedStartAt, locale, now)));
  if (job.expectedEndAt !== null) session.line(t.endsAt(timeText(job.expectedEndAt, locale, now)));
}

export async function log(session: Session, text: string, options: { limit?: number }): Promise<void> {
  const client = await session.client();
  const { id } = await findJob(client, session, text);
  const { entries } = await client.call('job/log', { id, limit: options.limit ?? 1000 });
  if (session.json)
    return entries.forEach(entry => {
      session.emit(entry);
    });
  for (const entry of entries) {
    const data = Object.entries(entry.data)
      .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(' ');
    const about = [
      entry.stage ?? '',
      entry.index === null ? '' : `#${entry.index}`,
      // Of another machine its name.
      entry.instance?.startsWith('fleet') ? clean(entry.instance) : entry.instance ? shortId(entry.instance) : '',
    ]
      .filter(Boolean)
      .join(' ');
    const time = session.paint('dim', new Date(entry.at).toISOString()),
      facts = data ? `  ${session.paint('dim', clean(data))}` : '';
    session.line(`${time}  ${entry.kind.padEnd(20)} ${about}${facts}`);
  }
}

export type JobAction = 'pause' | 'resume' | 'cancel' | 'retry' | 'remove';

/** Without jobs, `all`: the queue itself for pause and resume; every job in a fitting state for the others. */
export async function act(
  session: Session,
  action: JobAction,
  names: string[],
  options: { all?: boolean },
): Promise<void> {
  const client = await session.client();
  if (options.all && (action === 'pause' || action === 'resume')) {
    await client.call(action === 'pause' ? 'queue/pause' : 'queue/resume', {});
    if (session.json) session.emit({ queuePaused: action === 'pause' });
    return;
  }
  const jobs = options.all
    ? await everyJob(client, action)
    : await Promise.all(names.map(name => findJob(client, session, name)));
  if (jobs.length === 0) return;
  await client.call(`job/${action}`, { ids: jobs.map(job => job.id) });
  if (action === 'remove') return session.json ? session.emit({ removed: jobs.map(job => job.id) }) : undefined;
  for (const { id } of jobs) showAct(session, (await client.call('job/get', { id })).job);
}

/** What became of a job that something was asked of. */
export function showAct(session: Session, job: Job): void {
  if (session.json) session.emit(job);
  else
    session.line(`${shortId(job.id)}  ${clean(job.recording.name)}  ${termText('states', job.state, session.locale)}`);
}

const FITTING: Record<JobAction, JobState[]> = {
  pause: [],
  resume: [],
  cancel: ['pending', 'loading', 'processing', 'paused'],
  retry: ['failed', 'cancelled'],
  remove: ['completed', 'failed', 'cancelled'],
};

async function everyJob(client: Client, action: JobAction): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await client.call('job/list', {
      filter: { states: FITTING[action] },
      limit: 1000,
      ...(cursor ? { cursor } : {}),
    });
    jobs.push(...page.jobs);
    if (page.next === null) return jobs;
    cursor = page.next;
  }
}

export async function move(
  session: Session,
  name: string,
  options: { priority?: Priority; top?: boolean; bottom?: boolean; before?: string; after?: string },
): Promise<void> {
  if (!options.priority && !options.top && !options.bottom && !options.before && !options.after)
    throw new EarshotError('badRequest', { field: '--priority, --top, --bottom, --before, --after' });
  const client = await session.client();
  const { id } = await findJob(client, session, name);
  await client.call('job/move', {
    id,
    ...(options.priority ? { priority: options.priority } : {}),
    ...(options.top ? { to: 'top' as const } : options.bottom ? { to: 'bottom' as const } : {}),
    ...(options.before ? { before: (await findJob(client, session, options.before)).id } : {}),
    ...(options.after ? { after: (await findJob(client, session, options.after)).id } : {}),
  });
  if (session.json) session.emit((await client.call('job/get', { id })).job);
}
