/**
 * The power goes. A daemon works on jobs, is killed and started again in between, while shim.c writes down what reaches
 * its disk and what it publishes. Then, for many moments of that story, the folder is put together as a disk would have
 * it after a power cut at that moment, and everything that had been published by then must be in it.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafely } from '../../daemon/store/sqlite/backups.ts';
import type { Job, Utterance } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { isFinal, STAGES } from '../../schemas/words.ts';
import { fakeModel } from '../daemon/harness.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';
import { random } from '../random.ts';
import { Disk, readJournal, publishedBy, type Entry } from './disk.ts';
import { lawsHold } from './laws.ts';

export interface PowerCutReport {
  jobs: number;
  entries: number;
  syncs: number;
  cuts: number;
  facts: number;
  reopened: number;
}

/** What has been published to clients, at most. */
class Published {
  readonly jobs = new Map<string, Job>();
  readonly utterances = new Map<string, Map<number, Utterance>>();
  take(message: unknown): void {
    const { method, params, result } = message as {
      method?: string;
      params?: { events: StateEvent[] };
      result?: { results?: ({ job: Job } | object)[] };
    };
    for (const each of result?.results ?? [])
      if ('job' in each && !this.jobs.has(each.job.id)) this.jobs.set(each.job.id, each.job);
    if (method === 'state/events')
      for (const event of params!.events) {
        if (event.type === 'job') this.jobs.set(event.job.id, event.job);
        if (event.type === 'utterance') {
          const known = this.utterances.get(event.job) ?? new Map<number, Utterance>();
          this.utterances.set(event.job, known.set(event.utterance.index, event.utterance));
        }
      }
  }
}

export async function powerCut({
  library,
  jobs: count,
  cuts,
  reopen,
  seed,
}: {
  library: string;
  jobs: number;
  cuts: number;
  reopen: number;
  seed: number;
}): Promise<PowerCutReport> {
  const next = random(seed),
    daemon = new RealDaemon({
      models: STAGES.map(stage => fakeModel(`fake-${stage}`, stage, { ms: 20 })),
      settings: { cpuThreads: 8, othersOnCpu: true, formats: ['txt', 'srt'], memoryReserveBytes: 0 },
    });
  const journal = join(mkdtempSync(join(tmpdir(), 'earshot-powercut-')), 'journal');
  try {
    const disk = new Disk([daemon.home.state, daemon.recordings]);
    Object.assign(daemon.env, {
      LD_PRELOAD: library,
      EARSHOT_DISK: daemon.root,
      EARSHOT_DISK_LOG: journal,
      UV_USE_IO_URING: '0',
    });
    // The recordings are in no event: they were safe before.
    const paths = Array.from({ length: count }, (_, i) => {
      const path = join(daemon.recordings, `talk ${i}.flac`);
      copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), path);
      return path;
    });
    // A second start finds a database and makes its log anew.
    await daemon.start();
    await daemon.stop();
    await daemon.start();
    const options = { language: 'en', translateTo: 'es', speak: true };
    const first = await daemon.submit(paths.slice(0, Math.ceil(count / 2)), options);
    await daemon.event(first, event => event.type === 'utterance' && event.utterance.nmt !== undefined);
    await daemon.kill();
    await daemon.start();
    const all = [...first, ...(await daemon.submit(paths.slice(first.length), options))];
    await daemon.client.call('state/subscribe', { topics: ['jobs'], utterancesOf: all.map(job => job.id) });
    const ended = await daemon.ended(all);
    assert.deepEqual(
      [...new Set(ended.map(job => job.state))],
      ['completed'],
      JSON.stringify(ended.find(job => job.state !== 'completed')?.failure),
    );
    await daemon.stop();
    await daemon.withStore(store => lawsHold(store, ended));

    for (const name of ['LD_PRELOAD', 'EARSHOT_DISK', 'EARSHOT_DISK_LOG']) delete daemon.env[name];
    const entries = readJournal(journal),
      published = new Published(),
      events = publishedBy(entries),
      places = new Set<number>();
    const speaking = [...publishedBy(entries)].map(({ entry }) => entry);
    // Right after something was published is where a promise can be broken.
    for (let i = 0; i < cuts; i++)
      places.add(i % 2 ? speaking[Math.floor(next() * speaking.length)]! : Math.floor(next() * entries.length));
    const again = new Set([...places].sort(() => next() - 0.5).slice(0, reopen));
    const report: PowerCutReport = {
      jobs: count,
      entries: entries.length,
      syncs: entries.filter((entry: Entry) => entry.op === 5).length,
      cuts: 0,
      facts: 0,
      reopened: 0,
    };
    let event = events.next();
    for (const [n, entry] of entries.entries()) {
      disk.apply(entry);
      for (; !event.done && event.value.entry <= n; event = events.next()) published.take(event.value.message);
      if (!places.has(n)) continue;
      for (const keep of [0, 0.5]) {
        const root = mkdtempSync(join(tmpdir(), 'earshot-cut-'));
        try {
          disk.write(daemon.root, root, () => next() < keep);
          report.facts += hold(root, daemon, published, `entry ${n}, keeping ${keep}`);
          report.cuts++;
          if (keep > 0 && again.has(n)) {
            await goesOn(daemon, disk, published, () => next() < keep);
            report.reopened++;
          }
        } finally {
          rmSync(root, { recursive: true, force: true });
        }
      }
    }
    return report;
  } finally {
    await daemon.close();
    rmSync(join(journal, '..'), { recursive: true, force: true });
  }
}

/** Everything published is there. Returns how many things that were. */
function hold(root: string, daemon: RealDaemon, published: Published, when: string): number {
  const place = (path: string): string => path.replace(daemon.root, root);
  if (published.jobs.size === 0) return 0;
  const { store, restored } = openSafely(
    { database: place(daemon.home.database), backups: place(daemon.home.backups) },
    Date.now(),
  );
  let facts = 0;
  try {
    assert.equal(restored, null, `${when}: the database is whole`);
    for (const job of published.jobs.values()) {
      const row = store.job(job.id);
      assert.ok(row, `${when}: job ${job.id} was published and is lost`);
      facts++;
      if (!isFinal(job.state)) continue;
      assert.equal(row.state, job.state, `${when}: job ${job.id} had ended`);
      assert.deepEqual(row.outputs, job.outputs);
      for (const output of job.outputs)
        assert.equal(
          statSync(place(output.path), { throwIfNoEntry: false })?.size,
          output.bytes,
          `${when}: ${output.path} is whole`,
        );
    }
    for (const [job, utterances] of published.utterances) {
      const known = store.utterances(job);
      for (const [index, utterance] of utterances)
        for (const stage of STAGES)
          if (utterance[stage]) {
            assert.deepEqual(
              known[index]?.[stage],
              utterance[stage],
              `${when}: ${stage} ${index} of ${job} was published`,
            );
            if (stage === 'tts' && !isFinal(store.job(job)!.state))
              assert.ok(existsSync(place(utterance.tts!.path)), `${when}: ${utterance.tts!.path} is there`);
            facts++;
          }
    }
  } finally {
    store.dispose();
  }
  return facts;
}

/** A daemon takes up what is left of the folder, and every job ends well. */
async function goesOn(daemon: RealDaemon, disk: Disk, published: Published, keeps: () => boolean): Promise<void> {
  rmSync(daemon.home.state, { recursive: true, force: true });
  for (const name of readdirSync(daemon.recordings)) if (!name.endsWith('.flac')) rmSync(join(daemon.recordings, name));
  disk.write(daemon.root, daemon.root, keeps, path => !path.endsWith('.flac'));
  await daemon.start();
  const jobs = await Promise.all(
    [...published.jobs.keys()].map(async id => (await daemon.client.call('job/get', { id })).job),
  );
  const ended = await daemon.ended(jobs);
  assert.deepEqual(
    [...new Set(ended.map(job => job.state))].filter(state => state !== 'completed'),
    [],
    JSON.stringify(ended.find(job => job.state !== 'completed')?.failure),
  );
  await daemon.stop();
  await daemon.withStore(store => lawsHold(store, ended));
}
