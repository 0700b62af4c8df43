import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { chooseDefaults, servesLanguage } from '../../daemon/models/defaults.ts';
import { detect, idOf } from '../../daemon/models/detect.ts';
import { findLocal } from '../../daemon/models/local.ts';
import { readRegistry } from '../../daemon/models/registry.ts';
import { remoteCards } from '../../daemon/models/remote.ts';
import { readEntry } from '../../daemon/models/wheels.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { ctranslate2, gguf, onnx, piperSettings } from '../fixtures/models.ts';
import { wheel } from '../fixtures/zip.ts';

const temporary = mkdtempSync(join(tmpdir(), 'earshot-models-'));
after(() => rmSync(temporary, { recursive: true, force: true }));
const put = (path: string, content: Buffer | string): string => {
  const full = join(temporary, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
};
const failsWith =
  (code: string, detail = /./) =>
  (error: unknown) =>
    error instanceof EarshotError && error.failure.code === code && detail.test(error.failure.detail ?? '');

describe('the registry', () => {
  const registry = readRegistry();
  test('holds what a user may expect, each id once', () => {
    const ids = registry.models.map(card => card.id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of [
      'whisper-tiny',
      'whisper-tiny.en',
      'whisper-base',
      'whisper-small',
      'whisper-medium',
      'whisper-large-v3',
      'whisper-large-v3-turbo',
      'qwen2.5-3b-instruct',
      'qwen2.5-1.5b-instruct',
      'qwen2.5-0.5b-instruct',
      'm2m100-418m',
    ])
      assert.ok(ids.includes(id), id);
    for (const language of ['en', 'es', 'fr', 'de', 'it', 'zh', 'pt', 'ru'])
      assert.ok(
        registry.models.some(card => card.engine === 'piper' && card.languages.includes(language)),
        language,
      );
  });
  test('every default may be used for work that earns money', () => {
    const licences = new Map(registry.models.map(({ id, licence }) => [id, licence]));
    for (const id of Object.values(registry.defaults).flatMap(preference => Object.values(preference).flat()))
      assert.match(licences.get(id)!, /^(MIT|Apache-2\.0|CC0-1\.0|CC-BY-4\.0)$/, id);
  });
  test('every default is in it and does its stage', () => {
    for (const preference of Object.values(registry.defaults))
      for (const [stage, ids] of Object.entries(preference))
        for (const id of ids)
          assert.ok(registry.models.find(card => card.id === id)?.stages.includes(stage as never), `${stage} ${id}`);
  });
  test('a file is pinned unless the hub is its only source; no two models claim one content under two sizes', () => {
    const sizes = new Map<string, number | null>();
    for (const card of registry.models)
      for (const file of card.files) {
        if (file.sha256 === null)
          assert.ok(
            file.sources.every(source => source.kind === 'hub'),
            `${card.id} ${file.name}`,
          );
        else if (sizes.has(file.sha256)) assert.equal(sizes.get(file.sha256), file.bytes, `${card.id} ${file.name}`);
        else sizes.set(file.sha256, file.bytes);
        for (const source of file.sources)
          // What its checksum holds may come from a branch.
          if (source.kind === 'hub' && (file.sha256 === null || source.revision !== 'main'))
            assert.match(source.revision, /^[0-9a-f]{40}$/, `${card.id} is not held to a revision`);
      }
  });
  test('everything needed for a machine without a GPU and without the hub can be had from wheels', () => {
    const { models, substitutions } = chooseDefaults({
      preferred: registry.defaults.cpu,
      chosen: {},
      card: id => registry.models.find(card => card.id === id) ?? null,
      ready: () => false,
      hubReachable: false,
      offline: false,
    });
    assert.deepEqual(models, {
      asr: 'whisper-base',
      repair: 'qwen2.5-coder-0.5b-instruct',
      nmt: 'qwen2.5-coder-1.5b-instruct',
      tts: 'piper-en-us-joe-medium',
      summary: 'qwen2.5-coder-1.5b-instruct',
    });
    assert.deepEqual(
      substitutions.map(({ stage, wanted, instead }) => [stage, wanted, instead]),
      [
        ['nmt', 'qwen2.5-1.5b-instruct', 'qwen2.5-coder-1.5b-instruct'],
        ['summary', 'qwen2.5-1.5b-instruct', 'qwen2.5-coder-1.5b-instruct'],
      ],
    );
  });
});

describe('defaults', () => {
  const registry = readRegistry(),
    card = (id: string) => registry.models.find(one => one.id === id) ?? null;
  const choose = (change: Partial<Parameters<typeof chooseDefaults>[0]>) =>
    chooseDefaults({
      preferred: registry.defaults.gpu,
      chosen: {},
      card,
      ready: () => false,
      hubReachable: true,
      offline: false,
      ...change,
    });
  test('with a GPU and the hub: the large ones', () => {
    assert.deepEqual(choose({}), {
      models: {
        asr: 'whisper-large-v3-turbo',
        repair: 'qwen2.5-1.5b-instruct',
        nmt: 'm2m100-418m',
        tts: 'piper-en-us-joe-medium',
        summary: 'qwen2.5-1.5b-instruct',
      },
      substitutions: [],
    });
  });
  test('what is installed goes before what would have to be fetched', () => {
    assert.equal(choose({ ready: id => id === 'whisper-small' }).models.asr, 'whisper-small');
  });
  test("the user's choice goes before all", () => {
    assert.equal(choose({ chosen: { asr: 'whisper-tiny' } }).models.asr, 'whisper-tiny');
  });
  test('offline and nothing installed: the wanted one stands, for its error to be told', () => {
    assert.equal(choose({ offline: true, hubReachable: false }).models.asr, 'whisper-large-v3-turbo');
  });
});

test('languages match by their base', () => {
  assert.ok(servesLanguage({ languages: ['pt', 'pt-BR'] }, 'pt'));
  assert.ok(servesLanguage({ languages: ['pt-BR'] }, 'pt'));
  assert.ok(servesLanguage({ languages: ['en'] }, 'en-GB'));
  assert.ok(servesLanguage({ languages: [] }, 'xx'));
  assert.ok(!servesLanguage({ languages: ['en'] }, 'es'));
});

describe('what a file is', () => {
  test('GGUF: name, architecture, engine', () => {
    const path = put(
      'a/My Model.gguf',
      gguf({
        'general.architecture': 'qwen2',
        'general.name': 'Qwen2.5 0.5B',
        'general.license': 'apache-2.0',
        'tokenizer.ggml.tokens': ['a', 'b', 'c'],
      }),
    );
    const { card, files } = detect(path);
    assert.deepEqual(
      [card.name, card.family, card.engine, card.stages, card.licence, files],
      ['Qwen2.5 0.5B', 'qwen2', 'llama', ['repair', 'nmt', 'summary'], 'apache-2.0', [{ name: 'My-Model.gguf', path }]],
    );
    assert.deepEqual(detect(join(temporary, 'a')).files, files); // and its folder
  });
  test('GGUF: cut anywhere, in parts, or of no use', () => {
    const whole = gguf({ 'general.architecture': 'qwen2' });
    for (const bytes of [whole.length - 1, whole.length - 200, 60, 30]) {
      const path = put(`cut-${bytes}.gguf`, whole);
      truncateSync(path, bytes);
      assert.throws(() => detect(path), failsWith('modelBroken', /ends before/), `${bytes} bytes`);
    }
    assert.throws(
      () => detect(put('part.gguf', gguf({ 'general.architecture': 'qwen2', 'split.count': 3 }))),
      failsWith('modelBroken', /split/),
    );
    assert.throws(
      () => detect(put('bert.gguf', gguf({ 'general.architecture': 'bert' }))),
      failsWith('modelBroken', /bert/),
    );
  });
  test('CTranslate2: Whisper, M2M100, NLLB and OPUS-MT are told apart', () => {
    put('w/model.bin', ctranslate2('WhisperSpec'));
    put('w/config.json', '{}');
    put('w/vocabulary.txt', 'a');
    assert.throws(() => detect(join(temporary, 'w')), failsWith('modelBroken', /tokenizer/));
    put('w/tokenizer.json', '{}');
    const whisper = detect(join(temporary, 'w'));
    assert.deepEqual(
      [whisper.card.engine, whisper.card.stages, whisper.files.map(file => file.name)],
      ['faster-whisper', ['asr'], ['model.bin', 'config.json', 'tokenizer.json', 'vocabulary.txt']],
    );
    put('m/model.bin', ctranslate2('TransformerSpec'));
    put('m/shared_vocabulary.json', '["<s>","__en__","__es__"]');
    put('m/sentencepiece.bpe.model', 'x');
    assert.deepEqual(
      [detect(join(temporary, 'm')).card.engine, detect(join(temporary, 'm')).card.stages],
      ['m2m100', ['nmt']],
    );
    put('n/model.bin', ctranslate2('TransformerSpec'));
    put('n/shared_vocabulary.txt', '<s>\neng_Latn\nspa_Latn\n');
    assert.throws(() => detect(join(temporary, 'n')), failsWith('modelBroken', /sentencepiece\.bpe\.model is missing/));
    put('n/sentencepiece.bpe.model', 'x');
    assert.equal(detect(join(temporary, 'n')).card.family, 'nllb');
    const opus = (name: string, vocabulary: string[] = ['</s>']): string => {
      put(`${name}/model.bin`, ctranslate2('TransformerSpec'));
      for (const each of ['shared_vocabulary.json', 'source.spm', 'target.spm'])
        put(`${name}/${each}`, each.endsWith('json') ? JSON.stringify(vocabulary) : 'x');
      return join(temporary, name);
    };
    const { card, files } = detect(opus('opus-mt-tc-big-en-deu-ctranslate2'));
    assert.deepEqual([card.family, card.languages, card.parameters?.to, files.length], ['opus-mt', ['en'], 'de', 4]);
    assert.throws(() => detect(opus('translator')), failsWith('modelBroken', /which language it writes/));
    assert.deepEqual(detect(opus('opus-mt-roa-en')).card.languages, [], 'a group of languages');
    assert.equal(detect(opus('opus-mt-en-roa', ['</s>', '>>fra<<'])).card.parameters?.to, undefined);
    put('o/model.bin', ctranslate2('TransformerSpec'));
    put('o/shared_vocabulary.json', '["<s>"]');
    assert.throws(() => detect(join(temporary, 'o')), failsWith('modelBroken', /TransformerSpec/));
    truncateSync(join(temporary, 'w', 'model.bin'), 200);
    assert.throws(() => detect(join(temporary, 'w')), failsWith('modelBroken', /ends before/));
  });
  test('Piper: the voice, its language, and both files', () => {
    const path = put('v/pt_BR-faber-medium.onnx', onnx());
    assert.throws(() => detect(path), failsWith('modelBroken', /\.onnx\.json/));
    put('v/pt_BR-faber-medium.onnx.json', piperSettings('pt_BR'));
    const { card, files } = detect(path);
    assert.deepEqual(
      [card.engine, card.stages, card.languages, card.parameters],
      ['piper', ['tts'], ['pt', 'pt-BR'], { file: 'pt_BR-faber-medium.onnx', sampleRate: 22050 }],
    );
    assert.deepEqual(detect(`${path}.json`).files, files);
    truncateSync(path, 200);
    assert.throws(() => detect(path), failsWith('modelBroken', /ends before/));
  });
  test('anything else', () => {
    assert.throws(
      () => detect(put('x.txt', 'just some words that are no model at all')),
      failsWith('modelBroken', /neither/),
    );
    assert.throws(() => detect(put('empty.gguf', '')), failsWith('modelBroken', /too small/));
    assert.throws(() => detect(join(temporary, 'nowhere')), failsWith('noSuchFile', /^$/));
    mkdirSync(join(temporary, 'nothing'));
    assert.throws(() => detect(join(temporary, 'nothing')), failsWith('modelBroken', /neither/));
  });
  test('ids are made of names', () => {
    assert.equal(idOf('Qwen2.5 Coder 0.5B (AWQ)'), 'qwen2.5-coder-0.5b-awq');
    assert.equal(idOf('模型'), 'model');
  });
});

test('local files are found by size and name; large ones by size alone; what is not pinned never', async () => {
  const sha256 = '0'.repeat(64),
    source = { kind: 'hub' as const, repository: 'r', revision: '0', path: 'sub/official.bin' };
  const large = put('local/deep/er/renamed.bin', Buffer.alloc(1024 * 1024, 1)),
    small = put('local/config.json', '{}');
  put('local/other.json', '{}');
  const folders = [join(temporary, 'local')];
  assert.deepEqual(await findLocal({ name: 'model.bin', bytes: 1024 * 1024, sha256, sources: [source] }, folders), [
    large,
  ]);
  assert.deepEqual(await findLocal({ name: 'config.json', bytes: 2, sha256, sources: [] }, folders), [small]);
  assert.deepEqual(await findLocal({ name: 'config.json', bytes: 2, sha256: null, sources: [] }, folders), []);
  assert.deepEqual(await findLocal({ name: 'config.json', bytes: 3, sha256, sources: [] }, folders), []);
});

test("the user's server and programs are models too, without the key", () => {
  const cards = remoteCards({
    ...DEFAULTS,
    server: { url: 'http://localhost:1', key: 'secret', models: { asr: 'whisper-1', nmt: 'llama3' } },
    commands: {
      apertium: { stage: 'nmt', argv: ['apertium', '{from}-{to}'], terminal: false, languages: ['en', 'es'] },
    },
  });
  assert.deepEqual(
    cards.map(card => [card.id, card.engine, card.stages[0], card.files.length]),
    [
      ['server-asr', 'openai', 'asr', 0],
      ['server-nmt', 'openai', 'nmt', 0],
      ['command-apertium', 'command', 'nmt', 0],
    ],
  );
  assert.doesNotMatch(JSON.stringify(cards), /secret/);
});

test('one file is read out of a wheel', async () => {
  const { file, bytes } = wheel('some-model', '1.0.0', {
    'some_model/data/part01.bin': Buffer.alloc(100_000, 9),
    'some_model/__init__.py': '',
  });
  const path = put(file, bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of await readEntry(path, 'data/part01.bin')) chunks.push(chunk as Buffer);
  assert.deepEqual(Buffer.concat(chunks), Buffer.alloc(100_000, 9));
  await assert.rejects(readEntry(path, 'data/part02.bin'), failsWith('downloadFailed', /not in/));
});
