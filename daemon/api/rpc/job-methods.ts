/** Methods for jobs, the queue, live sessions and search. */
import { setImmediate as turn } from 'node:timers/promises';
import { EarshotError } from '../../../schemas/errors.ts';
import type { Job } from '../../../schemas/job.ts';
import { combined } from '../../../text/transcripts/combined.ts';
import { transcriptOf } from '../../outputs/deliver.ts';
import { renderer } from '../../outputs/rendered.ts';
import { isJob } from '../../outputs/summaries.ts';
import type { StoredState } from '../../contracts/store.ts';
import type { JobState } from '../../../schemas/words.ts';
import type { Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

/** Utterances taken into the index before a search: what was said a moment ago is found too. */
const AT_ONCE = 100;

/** States that follow from what a job waits for; stored it is pending or processing. */
const DERIVED: readonly JobState[] = ['pending', 'loading', 'processing'];

/** The store's question for jobs that are shown in these states. */
function shownStates(states: readonly JobState[], active: () => Job[]): { states: StoredState[]; ids?: string[] } {
  const stored = states.filter(state => state !== 'loading');
  // All of them together are all that are stored as pending or processing.
  if (DERIVED.every(state => states.includes(state)) || !DERIVED.some(state => states.includes(state)))
    return { states: stored };
  return {
    states: stored.filter(state => !DERIVED.includes(state)),
    ids: active()
      .filter(job => DERIVED.includes(job.state) && states.includes(job.state))
      .map(job => job.id),
  };
}

export function jobMethods(deps: MethodDeps) {
  const { store, pipeline } = deps;
  const rowOf = (id: string) => {
    const row = store.job(id);
    if (!row) throw new EarshotError('unknownJob', { id });
    return row;
  };
  /** Of a summary's job: the transcript that it sums up, where a job made that. */
  const recognized = (id: string) => {
    const of = rowOf(id).options.transcript;
    return of && isJob(of) ? rowOf(of) : rowOf(id);
  };
  const transcript = (id: string) => {
    const row = recognized(id);
    return transcriptOf({ row, made: store.utterances(row.id) });
  };

  return {
    'job/submit': async ({ jobs }) => ({ results: await pipeline.queue.submit(jobs) }),
    'job/list': ({ filter = {}, limit = 100, cursor }) => {
      const { states, ...others } = filter;
      const page = store.list({
        ...others,
        ...(states ? shownStates(states, () => pipeline.active()) : {}),
        limit,
        ...(cursor ? { cursor } : {}),
      });
      return { jobs: page.jobs.map(row => pipeline.presentRow(row)), next: page.next, total: page.total };
    },
    'job/get': ({ id }) => {
      const job = pipeline.present(id);
      if (!job) throw new EarshotError('unknownJob', { id });
      return { job };
    },
    'job/utterances': ({ id, from, limit }) => {
      rowOf(id);
      return { utterances: store.utterances(id, from, limit) };
    },
    'job/pause': ({ ids }) => {
      pipeline.queue.pause(ids);
      return {};
    },
    'job/resume': ({ ids }) => {
      pipeline.queue.resume(ids);
      return {};
    },
    'job/cancel': ({ ids }) => {
      pipeline.queue.cancel(ids);
      return {};
    },
    'job/retry': ({ ids }) => {
      pipeline.queue.retry(ids);
      return {};
    },
    'job/remove': ({ ids }) => {
      pipeline.queue.remove(ids);
      return {};
    },
    'job/move': ({ id, ...place }) => {
      pipeline.queue.move(id, place);
      return {};
    },
    'job/log': ({ id, limit = 500 }) => {
      rowOf(id);
      return { entries: store.log({ job: id, limit }) };
    },
    'job/speakers': async ({ id, names }) => ({ speakers: await pipeline.edits.renameSpeakers(id, names) }),
    'job/write': async ({ id, format, directory }) => ({ path: await pipeline.edits.write(id, format, directory) }),
    'transcript/export': async request => ({ files: await pipeline.edits.export(request) }),
    'job/summary': request => pipeline.summaries.request(request),
    'job/transcript': ({ id }) => ({ transcript: transcript(id) }),
    'job/combine': async ({ ids, format, text = 'original' }) => {
      const transcripts = [];
      // Thousands of them would keep the loop.
      for (const id of ids) {
        transcripts.push(transcript(id));
        await turn();
      }
      return { text: combined(transcripts, format, { text }) };
    },
    'job/render': async ({ id, format, text = 'original' }) => ({
      text: (await renderer(recognized(id), transcript(id))(format, text)).text,
    }),
    'live/open': async request => ({ job: await pipeline.live.open(request) }),
    'live/append': ({ id, offset, data }) => pipeline.live.append(id, offset, data),
    'live/close': ({ id }) => ({ job: pipeline.live.close(id) }),
    'live/recorder': () => ({ ffmpeg: deps.ffmpeg() }),
    'search/find': ({ limit = 50, cursor = 0, ...query }) => {
      store.indexSome(AT_ONCE);
      return store.find(query, { limit, cursor });
    },
    'queue/pause': () => {
      pipeline.queue.setQueue(false);
      return {};
    },
    'queue/resume': () => {
      pipeline.queue.setQueue(true);
      return {};
    },
  } satisfies Partial<Handlers>;
}
