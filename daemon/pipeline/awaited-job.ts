/** A job that somebody waits for: into the queue, followed to its end, cancelled when whoever asked goes away. */
import { EarshotError, thrown } from '../../schemas/errors.ts';
import type { Job, JobOptions, Utterance } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { isFinal, type Priority } from '../../schemas/words.ts';
import type { Queue } from './queue.ts';

export interface AwaitedJobDeps {
  queue: Pick<Queue, 'submit' | 'cancel'>;
  present(id: string): Job | null;
  /** Reports everything that happens from now on, until the returned function is called. */
  listen(listener: (event: StateEvent) => void): () => void;
}

/** Who speaks; without a model, the language's default. */
interface SpokenBy {
  language: string;
  model?: string | undefined;
  voice?: string | undefined;
}

export interface AwaitedJob {
  recording: string;
  options: JobOptions;
  priority: Priority;
  signal: AbortSignal;
  onUtterance?(utterance: Utterance): void;
}

/** A text file spoken by a job of its own, which is over, and the track that it made. @throws as awaitJob */
export async function speakText(
  deps: AwaitedJobDeps,
  { language, model, voice, ...job }: Omit<AwaitedJob, 'options' | 'priority'> & SpokenBy,
): Promise<{ job: Job; track: string }> {
  const done = await awaitJob(deps, {
      ...job,
      priority: 'urgent',
      options: {
        source: 'text',
        language,
        repair: false,
        speak: true,
        outputs: { formats: [], audio: 'wav' },
        ...(model ? { models: { tts: model } } : {}),
        ...(voice ? { voice } : {}),
      },
    }),
    track = done.outputs.find(output => output.kind === 'audio')?.path;
  if (!track) throw new EarshotError('internal', {}, 'no track was made');
  return { job: done, track };
}

/** The job when it has completed. @throws its failure, cancelled, and what submitting throws */
export async function awaitJob(
  { queue, present, listen }: AwaitedJobDeps,
  { recording, options, priority, signal, onUtterance }: AwaitedJob,
): Promise<Job> {
  signal.throwIfAborted();
  let id: string | null = null;
  const early: StateEvent[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Job>();
  const onEvent = (event: StateEvent): void => {
    if (id === null) {
      early.push(event);
      return;
    }
    if (event.type === 'utterance' && event.job === id) onUtterance?.(event.utterance);
    else if (event.type === 'job' && event.job.id === id && isFinal(event.job.state)) resolve(event.job);
    else if (event.type === 'jobRemoved' && event.id === id) reject(new EarshotError('cancelled'));
  };
  const stop = listen(onEvent);
  const onAbort = (): void => {
    // It may have ended in this moment.
    if (id !== null)
      try {
        queue.cancel([id]);
      } catch {
        /* it has */
      }
    reject(new EarshotError('cancelled'));
  };
  try {
    const [answer] = await queue.submit([{ recording, options, priority, onDuplicate: 'create' }]);
    if ('failure' in answer!) throw thrown(answer.failure);
    id = answer!.job.id;
    promise.catch(() => {});
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    early.forEach(onEvent);
    const now = present(id);
    if (now && isFinal(now.state)) resolve(now);
    const job = await promise;
    if (job.state === 'completed') return job;
    throw job.failure ? thrown(job.failure) : new EarshotError('cancelled');
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}
