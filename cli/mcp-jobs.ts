/** A transcription as programs see it through `earshot mcp`: its facts, its text with times, its way to the end. */
import { realpathSync } from 'node:fs';
import type { Client } from '../client/client.ts';
import { EarshotError, type Failure } from '../schemas/errors.ts';
import { sourceText, translatedText, type Job, type Utterance } from '../schemas/job.ts';
import { isFinal } from '../schemas/words.ts';
import { harmlessLine } from '../text/harmless.ts';
import { clockText } from '../text/messages/figures.ts';
import { reasonText, sentence } from '../text/messages/messages.ts';
import { withNamesOnly } from '../text/messages/names-only.ts';
import { wayInto } from '../text/paths.ts';
import { namesOf } from './mcp-arguments.ts';
import type { Session } from './session.ts';

/**
 * Where a recording lies; what came over HTTP or from a microphone lies in folders of ours, which concern nobody. A
 * name that hides something is not one to open it by: its job's id is.
 */
export const placeOf = ({ path, name }: Pick<Job['recording'], 'path' | 'name'>, { home }: Session): string =>
  harmlessLine(wayInto(realpathSync.native(home.state), path) ? name : path);

/** Why something failed: the path that the caller named as it named it, of others only the name. */
export function failureText(failure: Failure, { locale }: Session, given?: unknown): string {
  const path = typeof given === 'string' ? given : '',
    meant = namesOf(path);
  return sentence(
    withNamesOnly(failure, full => (meant.includes(full) ? path : undefined)),
    locale,
  );
}

/** What goes with every answer about a job, for programs. */
export const facts = (job: Job, session: Session): Record<string, unknown> => ({
  job: job.id,
  path: placeOf(job.recording, session),
  state: job.state,
  language: job.language,
  translatedTo: job.options.translateTo ?? null,
  durationMs: job.recording.durationMs,
});
/** A line an utterance: what was said begins none of its own. */
export const timed = (utterances: readonly Utterance[]): string =>
  utterances
    .flatMap(each => {
      const text = sourceText(each).trim(),
        translation = translatedText(each);
      return text
        ? [
            harmlessLine(
              `[${clockText(each.startMs)}] ${text}${translation && translation !== text ? ` → ${translation}` : ''}`,
            ),
          ]
        : [];
    })
    .join('\n');

/** Steps over, steps in all once they are known, and what is going on. */
export function progressOf(job: Job, session: Session): [done: number, total: number | undefined, message: string] {
  const done = job.stages.reduce(
    (sum, stage) => sum + (job.progress.stages[stage]?.done ?? 0) + (job.progress.stages[stage]?.failed ?? 0),
    0,
  );
  return [
    done,
    job.progress.ingested ? job.progress.utterances * job.stages.length : undefined,
    harmlessLine(job.waiting ? reasonText(job.waiting, session.locale) : job.lastWords),
  ];
}

/** A job at its end, after `onChange` for each change on the way; `ours`: cancelled with the call. @throws cancelled */
export async function follow(
  client: Client,
  job: Job,
  signal: AbortSignal,
  onChange: (job: Job) => void,
  ours: boolean,
): Promise<Job> {
  if (isFinal(job.state)) return job;
  const { promise, resolve: done, reject } = Promise.withResolvers<Job>();
  const see = (now: Job): void => {
    if (isFinal(now.state)) done(now);
    else onChange(now);
  };
  const look = (): void => {
    client.call('job/get', { id: job.id }).then(({ job: now }) => see(now), reject);
  };
  const stop = client.onEvents(batch => {
    for (const event of batch.events) if (event.type === 'job' && event.job.id === job.id) see(event.job);
  }, look);
  const onAbort = (): void => {
    const ended = ours ? client.call('job/cancel', { ids: [job.id] }).catch(() => {}) : Promise.resolve();
    void ended.finally(() => reject(new EarshotError('cancelled')));
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  void client.closed.then(() => reject(new EarshotError('daemonUnreachable')));
  try {
    await client.call('state/subscribe', { topics: ['jobs'] });
    look();
    return await promise;
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}
