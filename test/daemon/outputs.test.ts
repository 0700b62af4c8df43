/** The owner of outputs: what people changed stays, and nothing that appears in between is overwritten. */
import assert from 'node:assert/strict';
import { link, lstat } from 'node:fs/promises';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import type { Job, JobOptions } from '../../schemas/job.ts';
import type { JobRow } from '../../daemon/contracts/store.ts';
import { writeOutputs } from '../../daemon/outputs/deliver.ts';
import { moveToFree, whileInUse } from '../../client/files.ts';
import { contentOf, draftIn, publish, replace } from '../../daemon/outputs/draft.ts';
import { runFfmpeg } from '../../daemon/outputs/ffmpeg.ts';
import { moveOriginal } from '../../daemon/outputs/originals.ts';
import { namesAfter, Outputs } from '../../daemon/outputs/outputs.ts';
import { jobFiles } from '../../daemon/pipeline/inputs.ts';
import { samplesInput } from '../../daemon/workers/ffmpeg.ts';
import type { JobWork } from '../../daemon/jobs/work.ts';
import { fakeModel, Harness } from './harness.ts';
import { reads } from '../fixtures/fails-with.ts';
import { canLink } from '../fixtures/folders.ts';

const noShell = process.platform === 'win32' && 'needs a shell script as a program';

const PLAIN: Partial<JobOptions> = { repair: false, translateTo: undefined, outputs: { formats: ['srt', 'json'] } };

describe('outputs of jobs', { timeout: 180_000 }, () => {
  let harness: Harness,
    owner: Outputs | null = null;
  afterEach(() => {
    owner = null;
    return harness.close();
  });

  /** `before`: what goes on while outputs are being written. */
  const open = async (before: (work: JobWork) => Promise<void> = async () => {}): Promise<void> => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr'), fakeModel('s', 'summary')] });
    const summaries = harness.deps.deliver;
    harness.deps.deliver = async (work, signal) => {
      await before(work);
      if (work.row.options.source === 'transcript') return summaries(work, signal);
      const { pcm } = jobFiles(harness.home.audio, work.row.id);
      return writeOutputs(work, {
        outputs: owner ?? harness.outputs,
        ffmpeg: () => '',
        formats: [],
        signal,
        pcm,
        sandboxed: false,
      });
    };
  };
  const run = async (options: Partial<JobOptions> = {}): Promise<Job> => {
    const [answer] = await harness.pipeline.queue.submit([
      {
        recording: harness.recording('talk.wav'),
        options: { language: 'en', ...PLAIN, ...options } as JobOptions,
        onDuplicate: 'create',
      },
    ]);
    assert.ok(answer && 'job' in answer);
    const [job] = await harness.ended([answer.job]);
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    return job!;
  };
  const twoSpeak = ({ row, made }: JobWork): void => {
    row.voices = { S1: 'AAAA', S2: 'BBBB' };
    for (const each of made) each.speaker = each.index === 1 ? 'S2' : 'S1';
    harness.store.setSpeakers(
      row.id,
      made.map(each => each.speaker!),
    );
    harness.store.update(row.id, { voices: row.voices });
  };
  const at = (name: string): string => join(harness.recordings, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  const names = (): string[] => readdirSync(harness.recordings).sort();

  it('a file that somebody corrected stays; the new text goes beside it, and the job says where', async () => {
    await open();
    const first = await run();
    assert.deepEqual(
      [first.outputs.map(each => each.path), first.warnings],
      [[at('talk.srt'), at('talk.earshot.json')], []],
    );
    writeFileSync(at('talk.srt'), 'corrected by hand');
    const second = await run();
    assert.equal(read('talk.srt'), 'corrected by hand');
    assert.deepEqual(
      [second.outputs.map(each => each.path), second.warnings],
      [
        [at('talk.wav.srt'), at('talk.earshot.json')],
        [{ code: 'outputKept', args: { path: at('talk.srt'), instead: at('talk.wav.srt') } }],
      ],
    );
    reads(second.warnings[0]!, /talk\.srt.*talk\.wav\.srt/, /talk\.srt.*talk\.wav\.srt/);
    // Once more: what nobody changed is written again in its place.
    const third = await run({ glossary: [{ term: 'utterance', aliases: ['x'] }] });
    assert.equal(third.outputs[0]!.path, at('talk.wav.srt'));
    assert.deepEqual(names(), ['talk.earshot.json', 'talk.srt', 'talk.wav', 'talk.wav.srt']);
  });

  it('a file that another program has open stays for now; the new text goes beside it, and the job says why', async () => {
    let words = 'First.';
    await open(async ({ made }) => {
      made[0]!.asr!.text = words;
    });
    await run();
    const before = read('talk.srt');
    let held = true,
      tries = 0;
    // As Windows refuses it, until the player is closed.
    owner = new Outputs(harness.store, (from, to) =>
      whileInUse(
        from,
        async () => {
          if (held && basename(from) === 'talk.srt') {
            tries++;
            throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
          }
          renameSync(from, to);
        },
        { platform: 'win32', pausesMs: [0, 0] },
      ),
    );
    const glossary = (n: number) => ({ glossary: [{ term: 'utterance', aliases: [`x${n}`] }] });
    words = 'Second.';
    const second = await run({ ...glossary(1), outputs: { formats: ['srt'] } });
    assert.deepEqual([tries, read('talk.srt')], [3, before]);
    assert.equal(second.outputs[0]!.path, at('talk.wav.srt'));
    assert.deepEqual(second.warnings, [
      { code: 'outputKept', args: { path: at('talk.srt'), inUse: 1, instead: at('talk.wav.srt') } },
    ]);
    reads(second.warnings[0]!, /open in another program.*talk\.wav\.srt/, /另一个程序.*talk\.wav\.srt/);
    held = false;
    words = 'Third.';
    const third = await run({ ...glossary(2), outputs: { formats: ['srt'] } });
    assert.deepEqual([third.outputs[0]!.path, third.warnings], [at('talk.srt'), []]);
    assert.deepEqual(names(), ['talk.earshot.json', 'talk.srt', 'talk.wav', 'talk.wav.srt'], 'nothing is left aside');
  });

  it('are written once more where somebody killed the ffmpeg that made them', { skip: noShell }, async () => {
    const ffmpeg = join(mkdtempSync(join(tmpdir(), 'earshot-killed-')), 'ffmpeg'),
      calls = `${ffmpeg}.calls`;
    writeFileSync(ffmpeg, `#!/bin/sh\necho call >> '${calls}'\n[ "$(wc -l < '${calls}')" -ge 3 ] || kill -9 $$\n`, {
      mode: 0o700,
    });
    await open(async () => {
      await runFfmpeg({
        ffmpeg,
        path: 'talk.wav',
        inputs: [samplesInput(16_000)],
        args: ['pipe:1'],
        permissions: null,
      });
    });
    await run();
    assert.equal(readFileSync(calls, 'utf8'), 'call\n'.repeat(3));
    rmSync(dirname(ffmpeg), { recursive: true });
  });

  it('a second run replaces what the first wrote, jobs that were in the queue together keep a file each', async () => {
    await open();
    const write = async (row: Pick<JobRow, 'id' | 'path' | 'createdAt'>, text: string): Promise<string> =>
      (
        await harness.outputs.write(row, namesAfter(harness.recordings, 'talk.wav', '.txt'), file =>
          file.writeFile(text),
        )
      ).path;
    const [a, b] = await harness.submit(['talk.wav', 'talk.wav'], PLAIN).then(() => harness.store.activeJobs());
    assert.ok(a && !b, 'the same request is one job');
    await harness.ended([harness.pipeline.present(a.id)!]);
    const [first, second] = [harness.store.job(a.id)!, { ...harness.store.job(a.id)!, id: 'second' }];
    const later = { ...second, createdAt: first.finishedAt! + 1 },
      together = { ...second, createdAt: first.finishedAt! - 1 };
    assert.equal(await write(first, 'one'), at('talk.txt'));
    assert.equal(await write(together, 'two'), at('talk.wav.txt'));
    assert.equal(await write(together, 'one'), at('talk.txt'), 'equal files can be shared');
    assert.equal(await write(first, 'one again'), at('talk.txt'), 'and stay their first job’s');
    assert.equal(await write({ ...later, id: 'third' }, 'three'), at('talk.txt'));
    assert.deepEqual([read('talk.txt'), read('talk.wav.txt')], ['three', 'two']);
    // Now it is the third's: the first must not put a name into it.
    assert.equal(await harness.outputs.rewrite(first, at('talk.txt'), 'Anna', async () => true), null);
    assert.equal(read('talk.txt'), 'three');
  });

  it('two names given at once: both stand in the store and in the files', async () => {
    await open(async work => twoSpeak(work));
    const job = await run({ outputs: { formats: ['txt', 'json'] } });
    await Promise.all([
      harness.pipeline.edits.renameSpeakers(job.id, { S1: 'Anna' }),
      harness.pipeline.edits.renameSpeakers(job.id, { S2: 'Ben' }),
    ]);
    assert.deepEqual(Object.keys(harness.store.job(job.id)!.voices!), ['Anna', 'Ben']);
    assert.match(read('talk.txt'), /^Anna: [^]*\nBen: [^]*\nAnna: /);
    assert.deepEqual(
      (JSON.parse(read('talk.earshot.json')) as { utterances: { speaker: string }[] }).utterances.map(u => u.speaker),
      ['Anna', 'Ben', 'Anna'],
    );
  });

  it('a name given while a summary is put in: the files have both', async () => {
    const renamed: Promise<unknown>[] = [];
    await open(async work => {
      const { row } = work;
      if (row.options.source !== 'transcript') twoSpeak(work);
      else renamed.push(harness.pipeline.edits.renameSpeakers(row.options.transcript!, { S1: 'Anna' }));
    });
    const job = await run({ outputs: { formats: ['md', 'json'] } });
    const { job: summary } = await harness.pipeline.summaries.request({ of: job.id });
    await harness.ended([summary]);
    await Promise.all(renamed);
    assert.equal(renamed.length, 1);
    assert.match(read('talk.md'), /## Summary[^]*Anna/);
    const { summary: made, speakers } = JSON.parse(read('talk.earshot.json')) as Record<string, object>;
    assert.ok(made && speakers && 'Anna' in speakers);
    assert.deepEqual(harness.pipeline.present(job.id)!.warnings, []);
  });

  it('sound that is kept goes beside a file that came while the session was open', async () => {
    await open();
    const saveTo = at('meeting.wav');
    const job = await harness.pipeline.live.open({
      options: { repair: false, language: 'en', outputs: { formats: ['json'], directory: harness.recordings } },
      format: 'pcm',
      saveTo,
    });
    await harness.pipeline.live.append(job.id, 0, Buffer.alloc(64_000, 1).toString('base64'));
    writeFileSync(saveTo, 'somebody’s own');
    harness.pipeline.live.close(job.id);
    const [ended] = await harness.ended([job]);
    assert.equal(ended!.state, 'completed', JSON.stringify(ended!.failure));
    assert.equal(read('meeting.wav'), 'somebody’s own');
    assert.equal(readFileSync(at('meeting (2).wav')).length, 64_044);
    assert.deepEqual(ended!.warnings, [{ code: 'outputKept', args: { path: saveTo, instead: at('meeting (2).wav') } }]);
    assert.equal(ended!.recording.path, at('meeting (2).wav'));
    const transcript = ended!.outputs.find(each => each.kind === 'json')!.path;
    assert.equal(
      (JSON.parse(readFileSync(transcript, 'utf8')) as { recording: { path: string } }).recording.path,
      at('meeting (2).wav'),
    );
  });

  it('a transcript that is wanted later: written once, never over a file that is there, and followed from then on', async () => {
    await open(async work => twoSpeak(work));
    const job = await run({ outputs: { formats: [] } });
    writeFileSync(at('talk.earshot.json'), 'notes of mine');
    const path = await harness.pipeline.edits.write(job.id, 'json');
    assert.deepEqual([path, read('talk.earshot.json')], [at('talk.wav.earshot.json'), 'notes of mine']);
    await harness.pipeline.edits.renameSpeakers(job.id, { S1: 'Anna' });
    assert.match(readFileSync(path, 'utf8'), /"speaker":"Anna"/);
    assert.equal(await harness.pipeline.edits.write(job.id, 'json'), path, 'the same file again');
    assert.deepEqual(
      harness.pipeline.present(job.id)!.outputs.map(each => each.path),
      [path],
    );
    const silent = await harness.pipeline.live.open({ options: { repair: false, language: 'en' }, format: 'pcm' });
    harness.pipeline.live.close(silent.id);
    await harness.ended([silent]);
    await assert.rejects(harness.pipeline.edits.write(silent.id, 'json'), /badRequest/);
    assert.match(await harness.pipeline.edits.write(silent.id, 'json', harness.recordings), /\.earshot\.json$/);
  });

  it('a name that cannot go into a file that was edited: the job says so', async () => {
    await open(async work => twoSpeak(work));
    const job = await run({ outputs: { formats: ['txt', 'md', 'json'] } });
    writeFileSync(at('talk.txt'), 'mine');
    // As the editor does it: the transcript has the name already, and a word that was repaired.
    writeFileSync(
      at('talk.earshot.json'),
      read('talk.earshot.json').replaceAll('"S1"', '"Anna"').replace('utterance 1', 'one'),
    );
    const repaired = read('talk.earshot.json');
    await harness.pipeline.edits.renameSpeakers(job.id, { S1: 'Anna' });
    assert.deepEqual([read('talk.txt'), read('talk.earshot.json')], ['mine', repaired]);
    assert.match(read('talk.md'), /Anna/);
    const shown = harness.pipeline.present(job.id)!;
    assert.deepEqual(shown.warnings, [{ code: 'outputKept', args: { path: at('talk.txt') } }]);
    assert.equal(shown.outputs[1]!.bytes, Buffer.byteLength(read('talk.md')));
  });
});

describe('a file that appears, changes or goes while another is put in its place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-draft-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  const draft = (text: string) => draftIn(folder, 'job', file => file.writeFile(text));
  const names = (): string[] => readdirSync(folder).sort();
  const empty = (): void => names().forEach(name => rmSync(at(name)));
  afterEach(empty);

  it('a name that is taken is not taken again, whatever has it', async () => {
    const links = [() => symlinkSync(at('nowhere'), at('a')), () => symlinkSync(at('precious'), at('a'))];
    for (const plant of [() => writeFileSync(at('a'), ''), ...(canLink ? links : [])]) {
      empty();
      plant();
      assert.equal(await publish(await draft('new'), at('a')), false);
      assert.deepEqual(names(), ['.earshot-job.part', 'a']);
    }
  });
  it('on a file system without links, too', async () => {
    const refused = async (): Promise<void> => {
      throw Object.assign(new Error(), { code: 'EPERM' });
    };
    const first = await draft('one');
    assert.ok(await moveToFree(first.path, at('a'), refused as typeof link));
    assert.equal(await moveToFree((await draft('two')).path, at('a'), refused as typeof link), false);
    assert.deepEqual([readFileSync(at('a'), 'utf8'), names()], ['one', ['.earshot-job.part', 'a']]);
  });
  it('what changed since it was looked at is back in its place, and nothing is left behind', async () => {
    writeFileSync(at('a'), 'ours');
    const seen = (await contentOf(at('a')))!;
    writeFileSync(at('a'), 'repaired');
    assert.equal(await replace(await draft('new'), at('a'), seen, () => assert.fail()), false);
    assert.deepEqual([readFileSync(at('a'), 'utf8'), names()], ['repaired', ['.earshot-job.part', 'a']]);
    rmSync(at('a'));
    assert.equal(await replace(await draft('new'), at('a'), seen, () => assert.fail()), false);
  });
  it('what is saved between the look and the new name stays', async () => {
    writeFileSync(at('a'), 'ours');
    const seen = (await contentOf(at('a')))!;
    const done = await replace(await draft('new'), at('a'), seen, () => writeFileSync(at('a'), 'saved'));
    assert.deepEqual([done, readFileSync(at('a'), 'utf8')], [false, 'saved']);
  });
  it('a draft that somebody exchanged is none', async () => {
    await assert.rejects(
      draftIn(folder, 'job', async (file, path) => {
        await file.writeFile('x');
        renameSync(path, at('away'));
        linkSync(at('away'), at('b'));
        writeFileSync(path, 'theirs');
      }),
      /outputNotWritable/,
    );
  });
  it('a file that a crash left out of the way comes back', async () => {
    let crash: string | undefined;
    writeFileSync(at('a'), 'ours');
    const seen = (await contentOf(at('a')))!;
    await assert.rejects(
      replace(await draft('new'), at('a'), seen, () => {
        crash = names().find(name => name.endsWith('.old'));
        throw new Error('the power goes');
      }),
      /power/,
    );
    assert.ok(crash && !existsSync(at('a')));
    const none = { written: () => null, willWrite: () => {}, job: () => null };
    const outputs = new (await import('../../daemon/outputs/outputs.ts')).Outputs(none as never) as Outputs;
    const { path } = await outputs.write(
      { id: 'job', path: at('r'), createdAt: 0 },
      n => at(n ? `a ${n}` : 'a'),
      file => file.writeFile('again'),
    );
    assert.deepEqual([path, readFileSync(at('a'), 'utf8'), names()], [at('a 1'), 'ours', ['a', 'a 1']]);
    assert.ok((await lstat(path)).isFile());
  });
});

describe('a recording that goes elsewhere when its job is over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-originals-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  const otherDisk = async (from: string, to: string): Promise<boolean> => {
    if (from.endsWith('.wav')) throw Object.assign(new Error('another disk'), { code: 'EXDEV' });
    return moveToFree(from, to);
  };
  for (const [disk, move] of [
    ['the same disk', moveToFree],
    ['another disk', otherDisk],
  ] as const)
    it(`to ${disk}: whole, under a free name, through no link; done again it is found`, async () => {
      rmSync(at('done'), { recursive: true, force: true });
      writeFileSync(at('precious'), 'mine');
      const [path, to] = [at('a.wav'), at('done/a.wav')];
      const was = (): { bytes: number; modifiedAt: number } => {
        const { size, mtimeMs } = statSync(path);
        return { bytes: size, modifiedAt: mtimeMs };
      };
      writeFileSync(path, 'sound');
      utimesSync(path, new Date(1e12), new Date(1e12));
      const first = was();
      assert.equal(await moveOriginal(path, to, first, move), to);
      assert.deepEqual([existsSync(path), readFileSync(to, 'utf8'), statSync(to).mtimeMs], [false, 'sound', 1e12]);
      assert.equal(await moveOriginal(path, to, first, move), to, 'done again');
      // Names that are taken, also by links that were planted.
      writeFileSync(path, 'other sound');
      for (const [target, name] of [
        ['precious', 'a (2).wav'],
        ['nowhere', 'a (3).wav'],
      ] as const)
        if (canLink) symlinkSync(at(target), at(`done/${name}`));
        else writeFileSync(at(`done/${name}`), target);
      const second = was();
      assert.equal(await moveOriginal(path, to, second, move), at('done/a (4).wav'));
      assert.equal(await moveOriginal(path, to, second, move), at('done/a (4).wav'), 'done again');
      assert.deepEqual([readFileSync(at('precious'), 'utf8'), existsSync(at('nowhere'))], ['mine', false]);
      // A crash between the two halves of a move.
      writeFileSync(path, 'third');
      const third = was();
      linkSync(path, at('done/a (5).wav'));
      assert.equal(await moveOriginal(path, to, third, move), at('done/a (5).wav'));
      assert.equal(existsSync(path), false);
      writeFileSync(path, 'changed since');
      assert.equal(await moveOriginal(path, to, third, move), null);
      assert.deepEqual(
        readdirSync(at('done')).filter(name => name.startsWith('.')),
        [],
      );
    });
});
