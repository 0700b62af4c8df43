/** Recognizers for sherpa-onnx: what their files are, what the library is told, and words from its answers. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { sherpa } from '../../daemon/engines/sherpa/engine.ts';
import { configOf } from '../../daemon/engines/sherpa/config.ts';
import { languageOf } from '../../daemon/engines/sherpa/language.ts';
import { audiblePart, isSilent, piecesOf } from '../../daemon/engines/sherpa/pieces.ts';
import { likelihood, wordsOf } from '../../daemon/engines/sherpa/words.ts';
import { detect } from '../../daemon/models/detect.ts';
import { readRegistry } from '../../daemon/models/registry.ts';
import { layoutIn } from '../../daemon/models/sherpa.ts';
import { tokensText } from '../../daemon/models/token-table.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { modelsFor } from '../../daemon/jobs/request.ts';
import type { Hub } from '../../daemon/models/hub.ts';
import { createModels } from '../../daemon/models/models.ts';
import { withoutPython } from '../../daemon/runtimes/find-python.ts';
import type { JobOptions } from '../../schemas/job.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import { onnx } from '../fixtures/models.ts';
import { nemoTransducer, senseVoice, streamingNemo, streamingZipformer, whisper } from '../fixtures/sherpa-models.ts';

const temporary = mkdtempSync(join(tmpdir(), 'earshot-sherpa-'));
after(() => rmSync(temporary, { recursive: true, force: true }));
const put = (name: string, files: Record<string, Buffer | string>): string => {
  const folder = join(temporary, name);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
  return folder;
};
const broken = (detail: RegExp) => (error: unknown) =>
  error instanceof EarshotError && error.failure.code === 'modelBroken' && detail.test(error.failure.detail ?? '');
const ort = Buffer.concat([Buffer.from([0x14, 0, 0, 0]), Buffer.from('ORTM'), Buffer.alloc(64)]);

describe('what a folder of files is', () => {
  test('a transducer, by the metadata of its encoder', () => {
    const { card, files } = detect(put('parakeet-tdt-en', nemoTransducer()));
    assert.deepEqual(card.parameters, {
      kind: 'nemo-transducer',
      encoder: 'encoder.int8.onnx',
      decoder: 'decoder.int8.onnx',
      joiner: 'joiner.int8.onnx',
      tokens: 'tokens.txt',
    });
    assert.deepEqual(
      [card.engine, card.stages, card.languages, card.precision.cpu],
      ['sherpa', ['asr'], ['en'], 'int8'],
    );
    assert.equal(files.length, 4);
  });
  test('a transducer for streams, of either make, and never one for whole recordings', () => {
    const zipformer = detect(
      put('sherpa-onnx-streaming-zipformer-bilingual-zh-en-2023-02-20', streamingZipformer()),
    ).card;
    assert.deepEqual(zipformer.parameters, {
      kind: 'streaming-transducer',
      encoder: 'encoder-epoch-99-avg-1.int8.onnx',
      decoder: 'decoder-epoch-99-avg-1.int8.onnx',
      joiner: 'joiner-epoch-99-avg-1.int8.onnx',
      tokens: 'tokens.txt',
    });
    assert.deepEqual([zipformer.languages, sherpa.streams?.(zipformer)], [['zh', 'en'], true]);
    const nemo = detect(put('nemotron-speech-streaming-en-0.6b-int8', streamingNemo())).card;
    assert.deepEqual([nemo.parameters?.kind, nemo.languages], ['streaming-transducer', ['en']]);
    assert.equal(sherpa.streams?.(detect(put('parakeet-whole', nemoTransducer())).card), false);
  });
  test('one for streams that the library would end its process at is refused with what it lacks', () => {
    const files = streamingNemo(),
      encoder = Buffer.from(files['encoder.int8.onnx'] as Buffer);
    encoder.write('xhunk_shift', encoder.indexOf('chunk_shift'), 'latin1');
    assert.throws(
      () => detect(put('lacking', { ...files, 'encoder.int8.onnx': encoder })),
      broken(/lacks: chunk_shift/),
    );
    const { 'joiner.int8.onnx': _joiner, ...paraformer } = files;
    assert.throws(() => detect(put('no-transducer', paraformer)), broken(/for streams that is no transducer/));
  });
  test('Whisper, which knows many languages or English alone', () => {
    const files = whisper(),
      many = detect(put('whisper-tiny', files)).card;
    assert.deepEqual(
      [many.parameters?.kind, many.parameters?.encoder, many.languages],
      ['whisper', 'tiny-encoder.int8.onnx', []],
    );
    const encoder = Buffer.from(files['tiny-encoder.int8.onnx'] as Buffer),
      at = encoder.indexOf('is_multilingual');
    encoder.write('0', encoder.indexOf('1', at), 'latin1');
    assert.deepEqual(
      detect(put('whisper-tiny-english', { ...files, 'tiny-encoder.int8.onnx': encoder })).card.languages,
      ['en'],
    );
  });
  test('SenseVoice, Moonshine in both forms, Qwen3-ASR with its tokenizer in a folder', () => {
    assert.equal(detect(put('sense', senseVoice())).card.parameters?.kind, 'sense-voice');
    const first = put('moonshine-base-en', {
      'preprocess.onnx': onnx(),
      'encode.int8.onnx': onnx(),
      'uncached_decode.int8.onnx': onnx(),
      'cached_decode.int8.onnx': onnx(),
      'tokens.txt': 'a 0\n',
    });
    assert.deepEqual(detect(first).card.parameters, {
      kind: 'moonshine',
      preprocessor: 'preprocess.onnx',
      encoder: 'encode.int8.onnx',
      uncachedDecoder: 'uncached_decode.int8.onnx',
      cachedDecoder: 'cached_decode.int8.onnx',
      tokens: 'tokens.txt',
    });
    const second = detect(
      put('moonshine-2', { 'encoder_model.ort': ort, 'decoder_model_merged.ort': ort, 'tokens.txt': '' }),
    );
    assert.equal(second.card.parameters?.kind, 'moonshine-merged');
    const qwen = detect(
      put('qwen', {
        'conv_frontend.onnx': onnx(),
        'encoder.int8.onnx': onnx(),
        'decoder.int8.onnx': onnx(),
        'tokenizer/vocab.json': '{}',
        'tokenizer/merges.txt': '',
        'tokenizer/tokenizer_config.json': '{}',
      }),
    );
    assert.equal(qwen.card.parameters?.kind, 'qwen3-asr');
    assert.ok(
      qwen.files.some(file => file.name === 'vocab.json' && file.path.endsWith(join('tokenizer', 'vocab.json'))),
    );
  });
  test('the smaller of two precisions is taken', () => {
    const names = [
      'base-encoder.onnx',
      'base-encoder.int8.onnx',
      'base-decoder.int8.onnx',
      'base-decoder.onnx',
      'base-tokens.txt',
    ];
    assert.deepEqual(layoutIn(names)?.files, {
      encoder: 'base-encoder.int8.onnx',
      decoder: 'base-decoder.int8.onnx',
      tokens: 'base-tokens.txt',
    });
    assert.equal(layoutIn(names.slice(0, 4)), null, 'the tokens are missing');
  });
  test('what is cut, of another kind, or in a format that only claims to be one, is refused with the reason', () => {
    const cut = put('cut', nemoTransducer());
    truncateSync(join(cut, 'encoder.int8.onnx'), 4000);
    assert.throws(() => detect(cut), broken(/ends before its last field/));
    const other = nemoTransducer();
    assert.throws(
      () =>
        detect(put('other', { 'encoder.onnx': other['joiner.int8.onnx']!, 'decoder.onnx': onnx(), 'tokens.txt': '' })),
      broken(/kind that no engine here runs/),
    );
    assert.throws(
      () =>
        detect(
          put('false', { 'encoder_model.ort': ort, 'decoder_model_merged.ort': Buffer.alloc(64), 'tokens.txt': '' }),
        ),
      broken(/ONNX Runtime's format/),
    );
  });
});

describe("the registry's cards", () => {
  const cards = readRegistry().models.filter(card => card.engine === 'sherpa');
  test('name files that are theirs, of a layout that is what they say', () => {
    assert.ok(cards.length >= 7);
    for (const { id, files, parameters } of cards) {
      const { kind, ...roles } = parameters!,
        layout = layoutIn(files.map(file => file.name));
      assert.deepEqual(layout?.files, roles, id);
      assert.ok((layout.kinds as readonly unknown[]).includes(kind), id);
      assert.ok(
        files.every(file => file.sha256 !== null),
        id,
      );
    }
  });
  test('a Whisper for all languages stands in, for others only, and the largest that is installed', () => {
    const [whisperBase, whisperSmall, parakeet] = [
      'whisper-base-onnx',
      'whisper-small-onnx',
      'parakeet-tdt-0.6b-v3',
    ].map(id => cards.find(card => card.id === id)!);
    assert.equal(sherpa.companion!(parakeet!, [parakeet!]), undefined);
    assert.equal(sherpa.companion!(parakeet!, [parakeet!, whisperBase!, whisperSmall!])?.id, 'whisper-small-onnx');
    assert.equal(sherpa.companion!(whisperBase!, [whisperSmall!]), undefined);
  });
  test('a file that is missing is noticed before the library ends the process', () => {
    assert.throws(() => configOf(temporary, cards[0]!.parameters!, 1), broken(/is missing/));
  });
});

describe('words of an answer', () => {
  const place = { startMs: 10_000, endMs: 13_000, fromMs: 10_200, toMs: 12_800 };
  test('tokens become words: parts joined, marks put to the word before, opening marks to the one after', () => {
    const words = wordsOf(
      {
        text: 'Alles hat ein "Ende", oder?',
        tokens: [' All', 'es', ' hat', ' ein', ' "', 'En', 'de', '"', ',', ' o', 'der', '?'],
        timestamps: [0.24, 0.4, 0.56, 0.8, 0.96, 1.04, 1.12, 1.2, 1.2, 1.6, 1.68, 1.84],
        durations: [0.16, 0.16, 0.24, 0.16, 0.08, 0.08, 0.16, 0, 0.4, 0.08, 0.16, 0.24],
        ys_log_probs: [-0.1, -0.2, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0],
      },
      place,
    );
    assert.deepEqual(
      words.map(({ text, startMs, endMs }) => [text, startMs, endMs]),
      [
        ['Alles', 10_240, 10_560],
        ['hat', 10_560, 10_800],
        ['ein', 10_800, 10_960],
        ['"Ende",', 11_040, 11_200],
        ['oder?', 11_600, 11_840],
      ].map(([text, from, to]) => [text, from, to]),
    );
    assert.ok(Math.abs(words[0]!.probability - Math.exp(-0.2)) < 1e-9 && words[1]!.probability === 1);
  });
  test('without spaces between words, each unit of the script stands for one', () => {
    const words = wordsOf(
      { text: '今天 ok。', tokens: ['今', '天', ' ok', '。'], timestamps: [0.3, 0.6, 0.9, 1.2], durations: [] },
      place,
    );
    assert.deepEqual(
      words.map(({ text, startMs }) => [text, startMs]),
      [
        ['今', 10_300],
        ['天', 10_600],
        ['ok。', 10_900],
      ],
    );
  });
  test('without times they are spread over what can be heard', () => {
    const words = wordsOf({ text: ' Try again. Fail again.', tokens: [' Try'], timestamps: [] }, place);
    assert.deepEqual(
      words.map(word => word.text),
      ['Try', 'again.', 'Fail', 'again.'],
    );
    assert.deepEqual([words[0]!.startMs, words.at(-1)!.endMs], [10_200, 12_800]);
  });
  test('no times go beyond the piece, and marks of the model are no words', () => {
    const words = wordsOf(
      { text: '<|en|>so', tokens: ['<|en|>', ' so'], timestamps: [0, 9], durations: [0, 5] },
      place,
    );
    assert.deepEqual(words, [{ text: 'so', startMs: 13_000, endMs: 13_000, probability: 1 }]);
    assert.deepEqual(wordsOf({ text: '  ' }, place), []);
    assert.equal(likelihood({ text: '' }), null);
    assert.equal(likelihood({ text: 'x', ys_log_probs: [Math.log(0.25), 0] }), 0.5);
  });
});

describe('sound', () => {
  const RATE = 16_000,
    loudIn = (seconds: number, spans: readonly [number, number][]): Float32Array =>
      Float32Array.from({ length: seconds * RATE }, (_each, n) =>
        spans.some(([from, to]) => n >= from * RATE && n < to * RATE) ? 0.4 * Math.sin(n / 3) : 0,
      );
  test('is cut in pauses, and nothing is lost', () => {
    const samples = loudIn(20, [
        [0, 7],
        [7.4, 14],
        [14.6, 20],
      ]),
      pieces = piecesOf(samples, 9 * RATE);
    assert.deepEqual(
      pieces.map(([from, to]) => [Math.round(from / RATE), Math.round(to / RATE)]),
      [
        [0, 7],
        [7, 14],
        [14, 20],
      ],
    );
    assert.ok(pieces.every(([from, to]) => to - from <= 9 * RATE));
    assert.deepEqual([pieces[0]![0], pieces.at(-1)![1]], [0, samples.length]);
    for (const [n, [from]] of pieces.entries()) if (n > 0) assert.equal(from, pieces[n - 1]![1]);
    const even = loudIn(20, [[0, 20]]);
    assert.ok(piecesOf(even, 9 * RATE).every(([from, to]) => to - from <= 9 * RATE && to > from));
    assert.deepEqual(piecesOf(even, 30 * RATE), [[0, even.length]]);
  });
  test('begins and ends where something is heard', () => {
    const [from, to] = audiblePart(loudIn(4, [[1, 3]]), [0, 4 * RATE]);
    assert.deepEqual([from / RATE, to / RATE], [1, 3]);
    assert.ok(isSilent(new Float32Array(100).fill(0.2)) && isSilent(new Float32Array(0)));
    assert.ok(!isSilent(loudIn(1, [[0, 1]])));
  });
});

test('a text tells its language by small words, among those that can be meant, or not at all', () => {
  const known = ['de', 'en', 'es', 'fr', 'it', 'nl', 'pt', 'ru', 'uk', 'sv', 'da'];
  const guess = (text: string): string | null => languageOf(text, known)?.language ?? null;
  assert.equal(guess('It was the best of times, it was the worst of times.'), 'en');
  assert.equal(guess('Das ist nicht der Ort, den ich mit dir sehen will, und es ist auch kalt.'), 'de');
  assert.equal(guess('No es lo que la gente de los pueblos dice, es una cosa muy distinta.'), 'es');
  assert.equal(guess('Я не знаю, что это было, но мы все там были из-за него.'), 'ru');
  assert.equal(guess('Okay.'), null);
  assert.equal(languageOf('It was the best of times, it was the worst of times.', ['de', 'fr']), null);
});

test('a binary table of tokens becomes the list that sherpa-onnx reads', () => {
  const long = 'x'.repeat(300),
    table = Buffer.concat([
      Buffer.from([3]),
      Buffer.from('<s>'),
      Buffer.from([128 + (300 % 128), Math.floor(300 / 128)]),
      Buffer.from(long),
      Buffer.from([1, 0]),
    ]);
  assert.equal(tokensText(table).toString(), `PHM+ 0\n${Buffer.from(long).toString('base64')} 1\nAA== 2\n`);
  assert.throws(() => tokensText(table.subarray(0, 100)), /ends inside token 1/);
  assert.throws(() => tokensText(Buffer.from([200])), /ends inside token 0/);
});

describe('which recognizer a machine works with', () => {
  const hub: Hub = {
    reachable: async () => true,
    maybeReachable: () => true,
    fetch: () => Promise.reject(new Error('nothing is fetched here')),
    list: () => Promise.reject(new Error('nothing is listed here')),
  };
  const models = (python: boolean, settings: Partial<Settings> = {}) =>
    createModels({
      home: { models: join(temporary, 'none') },
      settings: () => ({ ...DEFAULTS, ...settings }),
      runtimes: { directory: () => '', ready: () => false },
      emit: () => {},
      hub,
      needsPython: engine => ['faster-whisper', 'm2m100'].includes(engine),
      withoutPython: async () => !python,
    });
  test('without Python, the best that needs none', async () => {
    for (const gpu of [true, false]) {
      const { models: chosen } = await models(false).defaults({ gpu, best: true });
      assert.equal(chosen.asr, 'parakeet-tdt-0.6b-v3');
      assert.equal(readRegistry().models.find(card => card.id === chosen.nmt)?.engine, 'llama');
    }
    assert.equal((await models(true).defaults({ gpu: false, best: true })).models.asr, 'whisper-base');
    const named = await models(false, { defaultModels: { asr: 'whisper-base' } }).defaults({ gpu: false });
    assert.equal(named.models.asr, 'whisper-base', 'what somebody chose stands');
  });
  test('for a language that it does not know, another that runs there', async () => {
    const here = models(false);
    await here.defaults({ gpu: false });
    assert.equal(here.recognizerFor('ja'), 'whisper-base-onnx');
    assert.equal(here.recognizerFor('fi-FI'), 'parakeet-tdt-0.6b-v3');
    const cards = readRegistry().models,
      choices = {
        card: (id: string) => cards.find(card => card.id === id),
        voice: () => undefined,
        recognizer: (language: string) => here.recognizerFor(language) ?? undefined,
      };
    const options: JobOptions = { repair: false },
      defaults = { asr: 'parakeet-tdt-0.6b-v3' };
    assert.deepEqual(modelsFor({ ...options, language: 'ja' }, null, choices, defaults), { asr: 'whisper-base-onnx' });
    assert.deepEqual(modelsFor({ ...options, language: 'fi' }, null, choices, defaults), defaults);
    assert.throws(
      () => modelsFor({ ...options, language: 'ja', models: { asr: 'parakeet-tdt-0.6b-v2' } }, null, choices, defaults),
      { message: /languageNotSupported/ },
    );
    // What stood in for it heard another language.
    assert.deepEqual(modelsFor(options, 'ja', choices, defaults), defaults);
    assert.deepEqual(modelsFor(options, 'und', choices, defaults), defaults);
  });
  test('Python counts as missing where none is found, and where a system brings none', async () => {
    const absent = { runtimes: { ready: () => false }, settings: { pythonPath: null } },
      nowhere = { PATH: join(temporary, 'none') };
    assert.equal(await withoutPython(absent, nowhere, 'linux'), true);
    assert.equal(await withoutPython(absent, process.env, 'win32'), true);
    assert.equal(await withoutPython(absent, process.env, 'darwin'), true);
    assert.equal(await withoutPython({ ...absent, runtimes: { ready: () => true } }, nowhere, 'win32'), false);
  });
});
