/** Many recordings in one go: in as many requests as the daemon's limits ask for. */
import type { JobRequest } from '../schemas/job.ts';
import { MAX_REQUEST_PARTS, type Result } from '../schemas/rpc.ts';
import type { Client } from './client.ts';

const MOST_JOBS = 10_000,
  MOST_PARTS = MAX_REQUEST_PARTS / 2,
  MOST_BYTES = 16 * 1024 * 1024;

/** The jobs in their order, cut where one request would hold too much: each glossary goes with its recording. */
export function requestsOf(jobs: readonly JobRequest[]): JobRequest[][] {
  const requests: JobRequest[][] = [];
  let bytes = 0,
    parts = 0;
  for (const job of jobs) {
    const json = JSON.stringify(job),
      more = json.match(/[[{,]/g)!.length + 1;
    bytes += 3 * json.length; // UTF-8 at its longest
    parts += more;
    if (!requests.length || bytes > MOST_BYTES || parts > MOST_PARTS || requests.at(-1)!.length === MOST_JOBS) {
      requests.push([]);
      bytes = 3 * json.length;
      parts = more;
    }
    requests.at(-1)!.push(job);
  }
  return requests;
}

/** What became of each job, in their order. @throws EarshotError when a request fails; those before it are queued. */
export async function submit(
  client: Pick<Client, 'call'>,
  jobs: readonly JobRequest[],
): Promise<Result<'job/submit'>['results']> {
  const results: Result<'job/submit'>['results'] = [];
  for (const some of requestsOf(jobs)) results.push(...(await client.call('job/submit', { jobs: some })).results);
  return results;
}
