/**
 * The daemon is killed in the middle of a recording, on real engines: what was finished stays, and the files are the
 * same to the byte.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { home } from '../../daemon/auth/home.ts';
import type { Job } from '../../schemas/job.ts';
import { RealDaemon, SAMPLES } from './real.ts';

/** Where there is no Python, so no Whisper: speech recognizer, language model and voice that run in Node. */
const WITHOUT_PYTHON = process.platform === 'win32',
  ASR = 'moonshine-tiny-en',
  defaultModels = { asr: ASR, repair: 'qwen2.5-coder-0.5b-instruct', tts: 'piper-en-us-joe-medium' };

function outputs(folder: string): Record<string, string> {
  const inJson = JSON.stringify(folder).slice(1, -1);
  return Object.fromEntries(
    readdirSync(folder)
      .filter(name => !name.endsWith('.flac'))
      .sort()
      .map(name => {
        const bytes = readFileSync(join(folder, name));
        // The transcript names its recording, which lies in another folder each time.
        return [
          name,
          createHash('sha256')
            .update(name.endsWith('.json') ? bytes.toString('utf8').replaceAll(inJson, '') : bytes)
            .digest('hex'),
        ];
      }),
  );
}

async function run(
  killAfter: ((daemon: RealDaemon, job: Job) => Promise<void>) | null,
): Promise<{
  files: Record<string, string>;
  /** Steps that were begun twice. */ redone: number;
  /** Steps that were begun at the kill, and not finished or not yet used. */ open: number;
}> {
  const daemon = await new RealDaemon({
    settings: { formats: ['txt', 'srt', 'vtt', 'md', 'ass', 'json'], ...(WITHOUT_PYTHON ? { defaultModels } : {}) },
    installedToo: WITHOUT_PYTHON ? [ASR] : [],
  }).start();
  try {
    const recording = join(daemon.recordings, 'sense.flac');
    copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), recording);
    const [job] = await daemon.submit([recording], { speak: true, ...(WITHOUT_PYTHON ? { language: 'en' } : {}) });
    let open = 0;
    if (killAfter) {
      await killAfter(daemon, job!);
      await daemon.kill();
      open = await daemon.withStore(store => {
        const made = store.utterances(job!.id);
        const cut = store
          .openAttempts()
          .flatMap(({ stage, from, to }) => made.slice(from, to).filter(utterance => !utterance[stage]));
        // What else an utterance may have been is in no file: until it is repaired it is heard again for that.
        return cut.length + made.filter(utterance => utterance.asr && !utterance.repair).length;
      });
      await daemon.start();
    }
    const [ended] = await daemon.ended([job!]);
    assert.equal(ended!.state, 'completed', JSON.stringify(ended!.failure));
    await daemon.stop();
    const attempts = await daemon.withStore(store => store.log({ job: job!.id, kind: 'attempt.started', limit: 1000 }));
    const seen = new Set<string>();
    let redone = 0;
    for (const { stage, index, data } of attempts)
      for (let at = index!; at < Number(data.to); at++) {
        const step = `${stage} ${at}`;
        if (seen.has(step)) redone++;
        seen.add(step);
      }
    return { files: outputs(daemon.recordings), redone, open };
  } finally {
    await daemon.close();
  }
}

const isMissing = WITHOUT_PYTHON && Object.values(defaultModels).find(id => !existsSync(join(home().models, id)));
const how = { timeout: 240_000, skip: isMissing ? `${isMissing} is not installed` : false };
it('goes on after kill -9 with the utterance in flight, and writes the same files', how, async () => {
  const undisturbed = await run(null);
  const killed = await run(async (daemon, job) => {
    await daemon.event(
      [job],
      event => event.type === 'utterance' && event.utterance.index === 1 && event.utterance.asr !== undefined,
    );
  });
  assert.equal(undisturbed.redone, 0);
  // What else it may have been is not asked of every recognizer, and then nothing of that is done again.
  if (WITHOUT_PYTHON) assert.ok(killed.redone <= killed.open, `${killed.redone} of ${killed.open}`);
  else assert.equal(killed.redone, killed.open, 'only what was in flight is done again');
  assert.ok(Object.keys(undisturbed.files).length >= 7, JSON.stringify(undisturbed.files));
  assert.deepEqual(killed.files, undisturbed.files);
});
