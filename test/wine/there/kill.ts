/** Runs on Windows: kills the daemon in the middle of a recording, once the first of its text is there. */
import { openSession } from '../../../cli/session.ts';

const [recording = '', directory = '', asr = ''] = process.argv.slice(2),
  client = await openSession({ json: true }).client(),
  options = { repair: false, models: { asr }, outputs: { formats: ['txt' as const], directory } },
  { results } = await client.call('job/submit', { jobs: [{ recording, options }] }),
  [result] = results;
if (!result || !('job' in result)) throw new Error(JSON.stringify(result));
const { id } = result.job,
  text = new Promise<void>(resolve =>
    client.onEvents(({ events }) => {
      if (events.some(event => event.type === 'utterance' && event.utterance.asr)) resolve();
    }),
  );
await client.call('state/subscribe', { topics: ['jobs'], utterancesOf: [id] });
await text;
process.kill(client.daemon.pid, 'SIGKILL');
await client.closed;
console.log(`killed in the middle of ${id}`);
