/** Files that follow a transcript: in step with what is saved, never over what a person wrote. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import type { Job, Transcript } from '../../schemas/job.ts';
import type { ExportedFile, Params } from '../../schemas/rpc.ts';
import { Bases } from '../../daemon/outputs/bases.ts';
import { writeOutputs } from '../../daemon/outputs/deliver.ts';
import { exportTo, followAll } from '../../daemon/outputs/exports.ts';
import { Outputs } from '../../daemon/outputs/outputs.ts';
import { jobFiles } from '../../daemon/pipeline/inputs.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import type { Format } from '../../schemas/words.ts';
import { fakeModel, Harness } from './harness.ts';
import { canLink } from '../fixtures/folders.ts';

const noLinks = canLink ? false : 'no links can be made here';

describe('what follows a transcript', { timeout: 180_000 }, () => {
  let harness: Harness, outputs: Outputs;
  afterEach(() => harness.close());

  const at = (name: string): string => join(harness.recordings, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  const transcript = (): Transcript => JSON.parse(read('talk.earshot.json')) as Transcript;
  /** As somebody saves it. */
  const save = (change: (now: Transcript) => void): void => {
    const now = transcript();
    change(now);
    writeFileSync(at('talk.earshot.json'), JSON.stringify(now));
  };
  const say = (index: number, text: string): void =>
    save(now => {
      now.utterances[index]!.asr!.text = text;
    });
  const deps = () => ({ store: harness.store, outputs });
  const follow = (look = false): Promise<ExportedFile[]> => followAll(at('talk.earshot.json'), { look }, deps());
  const states = (files: readonly ExportedFile[]): string[] => files.map(({ state }) => state);
  const to = (format: Format, more: Partial<NonNullable<Params<'transcript/export'>['to']>> = {}) =>
    exportTo(at('talk.earshot.json'), { path: at(`talk.${format}`), format, ...more }, deps());

  /** A job that wrote subtitles, Markdown and its transcript. */
  async function made(): Promise<Job> {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')] });
    outputs = new Outputs(harness.store, undefined, new Bases(join(harness.root, 'bases')));
    harness.deps.deliver = (work, signal) =>
      writeOutputs(work, {
        outputs,
        ffmpeg: () => '',
        formats: [],
        signal,
        pcm: jobFiles(harness.home.audio, work.row.id).pcm,
        sandboxed: false,
      });
    const [answer] = await harness.pipeline.queue.submit([
      {
        recording: harness.recording('talk.wav'),
        options: { language: 'en', repair: false, outputs: { formats: ['srt', 'json', 'md'] } },
      },
    ]);
    assert.ok(answer && 'job' in answer);
    const [job] = await harness.ended([answer.job]);
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    return job!;
  }

  it('a job’s files are written down in its transcript, and follow what is saved in it', async () => {
    const job = await made();
    assert.deepEqual(
      job.outputs.map(({ path }) => path),
      [at('talk.srt'), at('talk.earshot.json'), at('talk.md')],
    );
    assert.deepEqual(transcript().exports, [
      { path: 'talk.srt', format: 'srt' },
      { path: 'talk.md', format: 'md' },
    ]);
    assert.deepEqual(states(await follow()), ['same', 'same']);
    say(0, 'Quite another thing.');
    assert.deepEqual(states(await follow()), ['written', 'written']);
    for (const name of ['talk.srt', 'talk.md']) assert.match(read(name), /Quite another thing\./);
    assert.deepEqual(states(await follow()), ['same', 'same']);
  });

  it('what a person changed by hand stays until it is decided: kept, replaced or merged', async () => {
    await made();
    const before = read('talk.md');
    writeFileSync(at('talk.md'), `${before}\nMy own note.\n`);
    writeFileSync(at('talk.srt'), 'mine');
    say(0, 'Quite another thing.');
    const [srt, md] = await follow();
    assert.deepEqual([srt!.state, md!.state, md!.canMerge], ['edited', 'edited', true]);
    assert.equal(read('talk.srt'), 'mine');
    const decide = (...decisions: ('keep' | 'merge' | 'replace')[]): void =>
      save(now => now.exports!.forEach((each, n) => (each.ifEdited = decisions[n]!)));
    decide('replace', 'keep');
    assert.deepEqual(states(await follow()), ['written', 'edited']);
    assert.match(read('talk.srt'), /Quite another thing\./);
    decide('replace', 'merge');
    assert.deepEqual(states(await follow()), ['same', 'written']);
    assert.match(read('talk.md'), /Quite another thing\.[^]*My own note\.\n$/);
    // And again: what is merged goes on being merged.
    say(0, 'A third thing.');
    assert.deepEqual(states(await follow()), ['written', 'written']);
    assert.match(read('talk.md'), /A third thing\.[^]*My own note\.\n$/);
    assert.doesNotMatch(read('talk.md'), /another/);
  });

  it('needs no job, no memory of this machine, and moves with its folder', async () => {
    await made();
    say(0, 'Saved before.');
    await follow();
    // Elsewhere, with a store that never heard of it.
    const place = join(harness.root, 'elsewhere');
    mkdirSync(place);
    for (const name of ['talk.earshot.json', 'talk.srt', 'talk.md'])
      writeFileSync(join(place, name), readFileSync(at(name)));
    const store = openStore(join(harness.root, 'other.db')),
      there = { store, outputs: new Outputs(store, undefined, new Bases(join(harness.root, 'other'))) },
      path = join(place, 'talk.earshot.json');
    assert.deepEqual(states(await followAll(path, { look: true }, there)), ['same', 'same']);
    writeFileSync(join(place, 'talk.md'), `${readFileSync(join(place, 'talk.md'), 'utf8')}\nMine.\n`);
    writeFileSync(path, readFileSync(path, 'utf8').replace('Saved before.', 'Saved here.'));
    const [srt, md] = await followAll(path, {}, there);
    assert.deepEqual([srt!.state, md!.state, md!.canMerge], ['written', 'edited', true]);
    store.dispose();
  });

  it('an export to a chosen place is listed once, never replaces a stranger’s file, and is not made again once deleted', async () => {
    await made();
    writeFileSync(at('talk.html'), 'somebody’s page');
    const first = await to('html', { options: { times: false } });
    assert.equal(first.path, at('talk (2).html'));
    assert.equal(read('talk.html'), 'somebody’s page');
    assert.doesNotMatch(read('talk (2).html'), /class="turn"[^>]*><a/);
    assert.deepEqual(transcript().exports!.at(-1), {
      path: 'talk (2).html',
      format: 'html',
      options: { times: false },
    });
    // Agreed to in a dialog.
    assert.equal((await to('html', { replace: true })).path, at('talk.html'));
    assert.match(read('talk.html'), /^<!DOCTYPE html>/);
    assert.equal((await to('csv', { follow: false })).state, 'written');
    assert.deepEqual(
      transcript().exports!.map(({ path }) => path),
      ['talk.srt', 'talk.md', 'talk (2).html', 'talk.html'],
    );
    renameSync(at('talk.srt'), at('gone'));
    say(0, 'Something else.');
    assert.deepEqual(states(await follow()), ['missing', 'written', 'written', 'written']);
    assert.ok(!existsSync(at('talk.srt')));
  });

  it(
    'a stranger’s transcript names no file outside of its folder, nor one behind a link',
    { skip: noLinks },
    async () => {
      await made();
      const secret = join(harness.root, 'precious.txt');
      writeFileSync(secret, 'precious');
      mkdirSync(join(harness.root, 'private'));
      writeFileSync(join(harness.root, 'private/notes.txt'), 'private');
      symlinkSync(join(harness.root, 'private'), at('inner'));
      symlinkSync(secret, at('link.txt'));
      save(now => {
        now.exports = ['../precious.txt', secret, 'inner/notes.txt', 'link.txt', 'talk.earshot.json'].map(path => ({
          path,
          format: 'txt',
          ifEdited: 'replace',
        }));
      });
      const before = read('talk.earshot.json');
      assert.deepEqual(states(await follow()), ['elsewhere', 'elsewhere', 'elsewhere', 'missing', 'elsewhere']);
      assert.equal(readFileSync(secret, 'utf8'), 'precious');
      assert.equal(readFileSync(join(harness.root, 'private/notes.txt'), 'utf8'), 'private');
      assert.equal(read('talk.earshot.json'), before);
      // One that was exported there on this machine is another matter.
      const outside = join(dirname(harness.recordings), 'out.txt');
      assert.equal((await to('txt', { path: outside })).path, outside);
      say(0, 'News.');
      assert.equal((await follow()).at(-1)!.state, 'written');
      assert.match(readFileSync(outside, 'utf8'), /News\./);
    },
  );

  it('a stranger’s transcript replaces no file that is not called like it, whatever it says', async () => {
    await made();
    mkdirSync(at('.git'));
    const files = ['.git/config', 'Makefile', '.envrc', 'talkative', 'talk.sh', 'sub/talk.txt'];
    mkdirSync(at('sub'));
    for (const name of files) writeFileSync(at(name), 'precious');
    say(0, '[core]');
    say(1, 'fsmonitor = touch /tmp/owned');
    save(now => {
      now.exports = files.map(path => ({ path, format: 'txt', ifEdited: 'replace' }));
    });
    for (const look of [true, false])
      assert.deepEqual(
        states(await follow(look)),
        files.map(() => 'elsewhere'),
      );
    for (const name of files) assert.equal(read(name), 'precious', name);
    // Its own, and what was exported here, is.
    writeFileSync(at('talk.txt'), 'mine');
    await to('txt', { path: at('sub/notes.txt') });
    writeFileSync(at('sub/notes.txt'), 'mine');
    save(now => {
      now.exports = ['talk.txt', 'sub/notes.txt'].map(path => ({ path, format: 'txt', ifEdited: 'replace' }));
    });
    assert.deepEqual(states(await follow()), ['written', 'written']);
  });

  it('names given to speakers go into a transcript that was edited, and from there into what follows it', async () => {
    const job = await made();
    save(now => {
      now.utterances[0]!.asr!.text = 'Said by hand.';
      for (const each of now.utterances) each.speaker = 'S1';
    });
    await follow();
    const { id } = job;
    harness.store.setSpeakers(
      id,
      harness.store.utterances(id).map(() => 'S1'),
    );
    harness.deps.outputs = outputs;
    await harness.pipeline.edits.renameSpeakers(id, { S1: 'Anna' });
    assert.deepEqual([...new Set(transcript().utterances.map(({ speaker }) => speaker))], ['Anna']);
    for (const name of ['talk.srt', 'talk.md']) assert.match(read(name), /Anna[^]*Said by hand\./);
  });
});
