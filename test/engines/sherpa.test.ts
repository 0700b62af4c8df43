/**
 * Recognition without Python: real speech on real weights of Moonshine, and the real library on tiny models in the
 * layouts of the others.
 */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sherpa as engine } from '../../daemon/engines/sherpa/engine.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { detect } from '../../daemon/models/detect.ts';
import { readRegistry } from '../../daemon/models/registry.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { AsrOutput } from '../../schemas/job.ts';
import { RealDaemon } from '../daemon/real.ts';
import {
  canary,
  moonshine as madeMoonshine,
  nemoTransducer,
  qwen3Asr,
  senseVoice,
  streamingNemo,
  streamingZipformer,
  whisper,
  zipformer,
  ZIPFORMER_TOKENS,
} from '../fixtures/sherpa-models.ts';
import { ffmpeg, make, missing, modelFolder, SAMPLES, sherpa } from './place.ts';
import { TestWorker } from './worker-harness.ts';
import { compare } from './words.ts';

const RATE = 16_000;
const folder = mkdtempSync(join(tmpdir(), 'earshot-sherpa-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const input = (path: string, from: number, to: number, more: Partial<StepInputs['asr']> = {}): StepInputs['asr'] => ({
  audio: { path, startSample: Math.round(from * RATE), endSample: Math.round(to * RATE) },
  language: null,
  prompt: '',
  hotwords: [],
  ...more,
});
/** Sound in which something is to be heard. */
const chirp = join(folder, 'chirp.pcm');
const pcm = Buffer.alloc(6 * RATE * 2);
for (let n = 0; n < pcm.length / 2; n++)
  // The last second is digital silence.
  pcm.writeInt16LE(n < 5 * RATE ? Math.round(9000 * Math.sin((n * n) / 90_000) * Math.sin(n / 3000)) : 0, n * 2);
writeFileSync(chirp, pcm);

const holds = (output: AsrOutput, fromMs: number, toMs: number): void => {
  let before = fromMs;
  for (const { text, startMs, endMs, probability } of output.words) {
    assert.ok(startMs >= before && endMs >= startMs && endMs <= toMs, `${text}: ${startMs}–${endMs}`);
    assert.ok(probability > 0 && probability <= 1 && text.trim() === text && text !== '');
    before = startMs;
  }
};

describe('sherpa, tiny models', { skip: missing({ sherpa }), timeout: 240_000 }, () => {
  const started = (
    name: string,
    files: Record<string, Buffer | string>,
    more: Record<string, string> = {},
  ): { worker: TestWorker; directory: string; parameters: Record<string, string>; languages: readonly string[] } => {
    const directory = join(folder, name);
    mkdirSync(directory);
    for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content);
    const { card } = detect(directory),
      { languages } = card,
      parameters = { ...(card.parameters as Record<string, string>), languages: languages.join(' '), ...more };
    return {
      languages,
      worker: new TestWorker({ engine, stage: 'asr', directory, parameters, runtimes: { sherpa: sherpa! } }),
      directory,
      parameters,
    };
  };
  const hear = async (worker: TestWorker, ...inputs: StepInputs['asr'][]): Promise<AsrOutput[]> => {
    await worker.loaded;
    return worker.run<'asr'>(inputs);
  };
  const finnish = (name: string): Record<string, string> => {
    const directory = join(folder, name);
    mkdirSync(directory);
    for (const [file, content] of Object.entries(whisper())) writeFileSync(join(directory, file), content);
    return {
      companion: 'whisper-made',
      companionDirectory: directory,
      companionParameters: JSON.stringify(detect(directory).card.parameters),
    };
  };

  it('a transducer gives each word its time, and what is said of it is the same each time', async () => {
    const { worker } = started('nemo', nemoTransducer(), { languages: 'en' });
    await using _ = worker;
    const [first, part, silence, again] = await hear(
      worker,
      input(chirp, 0, 5),
      input(chirp, 1, 3, { language: 'en' }),
      input(chirp, 5, 6),
      input(chirp, 0, 5),
    );
    assert.ok(first!.words.length > 5 && first!.text === first!.words.map(word => word.text).join(' '), first!.text);
    holds(first!, 0, 5000);
    holds(part!, 1000, 3000);
    assert.ok(new Set(first!.words.map(word => word.startMs)).size > 5, 'times of the model, and not one for all');
    assert.deepEqual([first!.language, first!.languageProbability], ['en', 1]);
    assert.deepEqual([silence!.text, silence!.words], ['', []]);
    assert.deepEqual(again, first);
  });

  it('where it hears nothing, an installed Whisper is asked, and the answer says so', async () => {
    const { worker } = started('deaf', nemoTransducer({ deaf: true }), {
      languages: 'de en fi',
      ...finnish('whisper-1'),
    });
    await using _ = worker;
    const [open, given] = await hear(worker, input(chirp, 0, 2), input(chirp, 2, 4, { language: 'fi' }));
    assert.deepEqual([open!.text, open!.language, open!.model], ['Hyvää iltaa.', 'fi', 'whisper-made']);
    assert.deepEqual(
      [given!.text, given!.language, given!.languageProbability, given!.model],
      ['Hyvää iltaa.', 'fi', 1, 'whisper-made'],
    );
    holds(given!, 2000, 4000);
  });
  it('and alone it says that there is nothing', async () => {
    const { worker } = started('deaf-alone', nemoTransducer({ deaf: true }), { languages: 'de en' });
    await using _ = worker;
    const [output] = await hear(worker, input(chirp, 0, 2));
    assert.deepEqual(output, { text: '', words: [], language: 'en', languageProbability: 0 });
  });
  it('what Whisper hears in a language that the model does not know is taken from Whisper', async () => {
    const { worker } = started('foreign', nemoTransducer(), { languages: 'de en', ...finnish('whisper-2') });
    await using _ = worker;
    assert.deepEqual(
      (await hear(worker, input(chirp, 0, 2))).map(({ text, language, model }) => ({ text, language, model })),
      [{ text: 'Hyvää iltaa.', language: 'fi', model: 'whisper-made' }],
    );
  });
  it('and in one that it knows, the model has the word and Whisper names the language', async () => {
    const { worker } = started('known', nemoTransducer(), { languages: 'de en fi', ...finnish('whisper-3') });
    await using _ = worker;
    const [output] = await hear(worker, input(chirp, 0, 2));
    assert.deepEqual([output!.language, output!.model], ['fi', undefined]);
    assert.notEqual(output!.text, 'Hyvää iltaa.');
  });

  it('SenseVoice and Whisper name the language themselves', async () => {
    const sense = started('sense', senseVoice(), { languages: 'zh en ja ko yue' });
    await using _ = sense.worker;
    const [chinese] = await hear(sense.worker, input(chirp, 0, 4));
    assert.equal(chinese!.language, 'zh');
    assert.ok(!chinese!.text.includes('<|') && chinese!.text !== '');
    holds(chinese!, 0, 4000);
    const alone = started('whisper', whisper(), { languages: '' });
    await using _alone = alone.worker;
    const [heard, given] = await hear(alone.worker, input(chirp, 0, 2), input(chirp, 0, 2, { language: 'ja' }));
    assert.deepEqual([heard!.language, given!.language], ['fi', 'ja']);
    const unknown: unknown = await hear(alone.worker, input(chirp, 0, 2, { language: 'tlh' })).catch(
      (error: unknown) => error,
    );
    assert.ok(unknown instanceof EarshotError && unknown.failure.code === 'languageNotSupported');
    assert.equal((await hear(alone.worker, input(chirp, 0, 2)))[0]!.language, 'fi', 'it lives on, and listens again');
  });

  it('a Zipformer for whole recordings gives each word its time', async () => {
    const { worker, parameters } = started('zipformer-en', zipformer(), { languages: 'en' });
    await using _ = worker;
    assert.equal(parameters.kind, 'transducer');
    const [first, part, again] = await hear(worker, input(chirp, 0, 5), input(chirp, 1, 3), input(chirp, 0, 5));
    assert.ok(first!.words.length > 5 && first!.text === first!.words.map(word => word.text).join(' '), first!.text);
    holds(first!, 0, 5000);
    holds(part!, 1000, 3000);
    assert.ok(new Set(first!.words.map(word => word.startMs)).size > 5, 'times of the model, and not one for all');
    assert.deepEqual([first!.language, again], ['en', first]);
  });

  it('Canary writes the language that it is told, and where nobody said it the one that Whisper hears', async () => {
    const one = started('canary', canary(), { languages: 'en es de fr' });
    await using _ = one.worker;
    const outputs = await hear(
      one.worker,
      ...['en', 'de-AT', 'es', 'fr', 'en'].map(language => input(chirp, 1, 3, { language })),
      input(chirp, 1, 3, { expected: 'de' }),
    );
    assert.deepEqual(
      outputs.map(({ text, language }) => [text, language]),
      [
        ['ships.', 'en'],
        ['Schiffs.', 'de-AT'],
        ['barcos.', 'es'],
        ['bateaus.', 'fr'],
        ['ships.', 'en'],
        ['Schiffs.', 'de'],
      ],
    );
    for (const output of outputs) holds(output, 1000, 3000);
    const helped = started('canary-helped', canary(), { languages: 'en es de fr', ...finnish('whisper-4') });
    await using _helped = helped.worker;
    const [foreign] = await hear(helped.worker, input(chirp, 0, 2));
    assert.deepEqual([foreign!.text, foreign!.language, foreign!.model], ['Hyvää iltaa.', 'fi', 'whisper-made']);
  });

  it('Moonshine in its first layout, of four files', async () => {
    const { worker, parameters } = started('moonshine-made', madeMoonshine(), { languages: 'en' });
    await using _ = worker;
    assert.equal(parameters.kind, 'moonshine');
    const [first, silence] = await hear(worker, input(chirp, 1, 3), input(chirp, 5, 6));
    assert.deepEqual(
      [first!.text, first!.language, first!.words.map(word => word.text)],
      ['The moon shines.', 'en', ['The', 'moon', 'shines.']],
    );
    holds(first!, 1000, 3000);
    assert.deepEqual(silence!.words, []);
  });

  it('Qwen3-ASR is told the language; where it names one itself, that is no text', async () => {
    const { worker, parameters, languages } = started('qwen3-asr', qwen3Asr());
    await using _ = worker;
    assert.equal(parameters.kind, 'qwen3-asr');
    assert.ok(languages.includes('yue') && languages.length === 30);
    const [open, british, french, foreign] = await hear(
      worker,
      input(chirp, 1, 3),
      ...['en-GB', 'fr', 'sw'].map(language => input(chirp, 1, 3, { language })),
    );
    assert.deepEqual([open!.text, open!.language], ['It was the best of them.', 'en']);
    assert.deepEqual([british!.text, british!.language, british!.words], [open!.text, 'en-GB', open!.words]);
    assert.deepEqual([french!.text, french!.language], ['Oui.', 'fr']);
    assert.equal(foreign!.text, open!.text, 'a language that it does not know is not said to it');
    holds(open!, 1000, 3000);
  });

  for (const [make, files] of [
    ['zipformer', streamingZipformer()],
    ['nemo', streamingNemo()],
  ] as const)
    it(`a streaming ${make} is given only new sound, and what it lost it hears anew`, async () => {
      const { worker } = started(`streaming-${make}`, files, { languages: 'en' });
      await using _ = worker;
      const copy = (name: string, change: (bytes: Buffer) => void = () => {}): string => {
        const bytes = Buffer.from(pcm),
          path = join(folder, `${make}-${name}.pcm`);
        change(bytes);
        writeFileSync(path, bytes);
        return path;
      };
      const partial = async (path: string, from: number, to: number): Promise<string> =>
        (await hear(worker, input(path, from, to, { partial: true })))[0]!.text;
      const deafen = (bytes: Buffer): void => void bytes.fill(0, 0, 2 * RATE * 2);

      const whole = await partial(copy('whole'), 0, 5),
        three = await partial(copy('three'), 0, 3),
        deafened = await partial(copy('deafened', deafen), 0, 3);
      assert.ok(whole.startsWith(three) && whole.length > three.length && deafened !== three, `${three} | ${deafened}`);
      const growing = copy('growing'),
        texts: string[] = [];
      for (let to = 0.25; to <= 5; to += 0.25) texts.push(await partial(growing, 0, to));
      assert.ok(texts.every((text, n) => n === 0 || text.startsWith(texts[n - 1]!)));
      assert.equal(texts.at(-1), whole);

      // What was given to it once is not read again.
      const kept = copy('kept');
      const first = await partial(kept, 0, 2);
      copy('kept', deafen);
      assert.equal(await partial(kept, 0, 3), three);
      assert.ok(three.startsWith(first));
      worker.worker.forget(kept);
      assert.equal(await partial(kept, 0, 3), deafened, 'forgotten');
      copy('kept');
      assert.equal(await partial(kept, 0, 2), first, 'it ends earlier');
      assert.equal(await partial(kept, 1, 3), await partial(copy('elsewhere'), 1, 3), 'it begins elsewhere');
      // Sixteen recordings at most.
      await partial(kept, 0, 2);
      copy('kept', deafen);
      for (let n = 0; n < 16; n++) await partial(copy(`other-${n}`), 0, 0.25);
      assert.equal(await partial(kept, 0, 3), deafened, 'pushed out');

      // A pass that gives way loses nothing.
      const cut = copy('cut'),
        run = worker.nextRun,
        passing = partial(cut, 0, 5);
      worker.worker.cancel(run);
      await passing.catch((error: unknown) => {
        assert.ok(error instanceof EarshotError && error.failure.code === 'cancelled');
      });
      assert.equal(await partial(cut, 0, 5), whole);

      // It recognizes whole utterances as any other does.
      const [output, again] = await hear(worker, input(chirp, 0, 5), input(chirp, 0, 5));
      assert.ok(output!.words.length > 5 && output!.text.startsWith(whole.slice(0, -10)), output!.text);
      holds(output!, 0, 5000);
      assert.deepEqual([output!.language, again], ['en', output]);
    });

  it('a streaming model for many languages is told which of its own it is', async () => {
    const { worker, languages } = started('streaming-many', streamingNemo(['en-US', 'de-DE']));
    await using _ = worker;
    assert.deepEqual(languages, ['en-US', 'de-DE']);
    const outputs = await hear(
      worker,
      ...[null, 'en-US', 'en-GB', 'fi', 'de', 'de-AT'].map(language => input(chirp, 0, 5, { language })),
    );
    const [open, american, british, unknown, german, austrian] = outputs.map(({ text }) => text);
    assert.deepEqual([american, british, unknown, austrian], [open, open, open, german]);
    assert.notEqual(german, open);
    const partial = async (path: string, language: string): Promise<string> =>
      (await hear(worker, input(path, 0, 3, { partial: true, language })))[0]!.text;
    const [here, there] = ['many-en.pcm', 'many-de.pcm'].map(name => join(folder, name));
    for (const path of [here!, there!]) writeFileSync(path, pcm);
    assert.notEqual(await partial(here!, 'en'), await partial(there!, 'de'));
  });

  it('a file that is missing is a broken model, and no crash', async () => {
    const directory = join(folder, 'half');
    mkdirSync(directory);
    const { 'joiner.int8.onnx': _joiner, ...files } = nemoTransducer();
    for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content);
    const parameters = readRegistry().models.find(card => card.id === 'parakeet-tdt-0.6b-v3')!.parameters!;
    await using worker = new TestWorker({ engine, stage: 'asr', directory, parameters, runtimes: { sherpa: sherpa! } });
    await assert.rejects(
      worker.loaded,
      (error: unknown) =>
        error instanceof EarshotError &&
        error.failure.code === 'modelBroken' &&
        /the joiner is missing/.test(error.failure.detail ?? ''),
    );
  });
});

const moonshine = modelFolder('moonshine-tiny-en');
describe(
  'sherpa, Moonshine',
  { skip: missing({ ffmpeg, sherpa, 'moonshine-tiny-en': moonshine }), timeout: 180_000 },
  () => {
    const sound = join(folder, 'sense.pcm');
    const card = readRegistry().models.find(each => each.id === 'moonshine-tiny-en')!;
    let worker: TestWorker;
    before(async () => {
      make(['-i', join(SAMPLES, 'sense-and-sensibility.flac'), '-ac', '1', '-ar', String(RATE), '-f', 's16le', sound]);
      worker = new TestWorker({
        engine,
        stage: 'asr',
        directory: moonshine!,
        parameters: { ...card.parameters, languages: card.languages.join(' ') },
        threads: 2,
        runtimes: { sherpa: sherpa! },
      });
      await worker.loaded;
    });
    after(() => worker[Symbol.asyncDispose]());
    const truth = /`sense-and-sensibility\.flac`.*Truth: "(.*)"$/m.exec(
      readFileSync(join(SAMPLES, 'README.md'), 'utf8'),
    )![1]!;

    it('hears the English recording by its utterances', async () => {
      const cuts = [0, 7.3, 11, 17, 23.5, 27.7],
        outputs = await worker.run<'asr'>(cuts.slice(1).map((to, n) => input(sound, cuts[n]!, to)));
      const heard = outputs.map(output => output.text).join(' '),
        { rate } = compare(truth, heard);
      console.log(`Moonshine tiny: WER ${(rate * 100).toFixed(1)} %`);
      assert.ok(rate <= 0.12, heard);
      for (const [n, output] of outputs.entries()) {
        holds(output, cuts[n]! * 1000, cuts[n + 1]! * 1000);
        assert.equal(output.language, 'en');
      }
    });
    it('hears all of an utterance that is longer than the library can take at once', async () => {
      const [output] = await worker.run<'asr'>([input(sound, 0, 27.7, { language: 'en' })]),
        { rate } = compare(truth, output!.text);
      assert.ok(rate <= 0.2, output!.text);
      holds(output!, 0, 27_700);
      assert.ok(output!.words.at(-1)!.endMs > 25_000);
    });
  },
);

describe(
  'the main job on a machine without Python',
  { skip: missing({ ffmpeg, sherpa, 'moonshine-tiny-en': moonshine }), timeout: 180_000 },
  () => {
    let daemon: RealDaemon;
    before(async () => {
      daemon = new RealDaemon({
        settings: {
          formats: ['json'],
          pythonPath: join(folder, 'no-python'),
          ffmpegPath: ffmpeg!,
          offline: true,
          yieldTo: 'never',
        },
      });
      unlinkSync(daemon.home.runtimes);
      mkdirSync(daemon.home.runtimes);
      symlinkSync(sherpa!, join(daemon.home.runtimes, basename(sherpa!)));
      symlinkSync(moonshine!, join(daemon.home.models, 'moonshine-tiny-en'));
      await daemon.start();
    });
    after(() => daemon.close());

    it('needs none: the recognizer that runs there is chosen by itself, in the sandbox', async () => {
      const recording = join(daemon.recordings, 'sense-and-sensibility.flac');
      copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), recording);
      const [job] = await daemon.ended(await daemon.submit([recording], { repair: false }));
      assert.deepEqual([job!.state, job!.models.asr, job!.language], ['completed', 'moonshine-tiny-en', 'en']);
      const { utterances } = await daemon.client.call('job/utterances', { id: job!.id });
      const truth = /`sense-and-sensibility\.flac`.*Truth: "(.*)"$/m.exec(
        readFileSync(join(SAMPLES, 'README.md'), 'utf8'),
      )![1]!;
      const { rate } = compare(truth, utterances.map(utterance => utterance.asr!.text).join(' '));
      assert.ok(rate <= 0.12, `WER ${rate}`);
    });

    it('and words while they are spoken come from an imported streaming model, the final ones do not', async () => {
      const files = join(folder, 'streaming-zipformer-en'),
        sound = join(folder, 'spoken.pcm');
      mkdirSync(files);
      for (const [file, content] of Object.entries(streamingZipformer())) writeFileSync(join(files, file), content);
      const { card } = (await daemon.client.call('model/import', { path: files })).model;
      make(
        ['-i', join(SAMPLES, 'sense-and-sensibility.flac'), '-t', '7.6', '-ac', '1', '-ar', `${RATE}`].concat([
          '-f',
          's16le',
          sound,
        ]),
      );
      const bytes = readFileSync(sound),
        most = 3 * RATE * 2;
      const { job } = await daemon.client.call('live/open', {
        options: { repair: false, language: 'en' },
        format: 'pcm',
        partials: true,
      });
      const append = (from: number, to: number): Promise<unknown> =>
        daemon.client.call('live/append', {
          id: job.id,
          offset: from,
          data: bytes.subarray(from, to).toString('base64'),
        });
      const shown = daemon.event([job], event => event.type === 'partial' && event.job === job.id);
      await append(0, most);
      const event = await shown;
      assert.ok(event.type === 'partial');
      const { stable, unstable } = event.partial,
        known = new Set(ZIPFORMER_TOKENS.flatMap(token => [token.slice(1), token]));
      const words = (stable + unstable).split(' ').filter(Boolean);
      assert.ok(words.length > 3, stable + unstable);
      for (const word of words)
        assert.ok(
          [...known].some(token => word.startsWith(token)),
          word,
        );
      const { instances } = await daemon.client.call('state/subscribe', { topics: ['instances'] });
      assert.ok(
        instances.some(({ model, leaseBytes }) => model === card.id && leaseBytes > 0),
        'under a lease of its own',
      );

      await append(most, bytes.length);
      await daemon.client.call('live/close', { id: job.id });
      const [ended] = await daemon.ended([job]);
      assert.deepEqual([ended!.state, ended!.models.asr], ['completed', 'moonshine-tiny-en']);
      const { utterances } = await daemon.client.call('job/utterances', { id: job.id });
      const text = utterances.map(({ asr }) => asr!.text).join(' ');
      assert.match(text, /leisure to consider/i);
      assert.doesNotMatch(text, /ROLL|VES/);
    });
  },
);
