/** Any model of a hub: a small server behaves as the hub does, with its storage under another host. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { sentence } from '../../text/messages/messages.ts';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { sherpa } from '../../daemon/engines/sherpa/engine.ts';
import { chooseFiles } from '../../daemon/models/hub-choice.ts';
import { GivenTokens, hubToken } from '../../daemon/models/hub-token.ts';
import { parseHubSource } from '../../daemon/models/hub-source.ts';
import { createHub } from '../../daemon/models/hub.ts';
import { redirected } from '../../daemon/models/hub-requests.ts';
import { createModels, type Models } from '../../daemon/models/models.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import { ctranslate2, gguf, onnx, piperSettings } from '../fixtures/models.ts';
import { nemoTransducer, streamingZipformer } from '../fixtures/sherpa-models.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const gitBlob = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const COMMIT = 'c0ffee'.repeat(6) + 'c0ff';
const TOKEN = 'hf_secret';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
async function listening(handler: Handler): Promise<{ url: string; server: Server }> {
  const server = createServer(handler);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** The hub: lists, and redirects to signed addresses of its storage; large files are tagged by sha256. */
class Hub {
  files = new Map<string, Buffer>();
  gated = false;
  /** Answers before it works, one a request; the first of them is given out first. */
  troubles: { status: number; retryAfter?: string }[] = [];
  /** The next connection stays open after so many bytes, until it is cut. */
  holdAfter: number | null = null;
  cut: (() => void) | null = null;
  requests: { host: 'hub' | 'storage'; path: string; range: string | null; token: string | null }[] = [];
  /** Where it sends those who want a file, instead of its storage. */
  elsewhere: string | null = null;
  /** Its storage states no length, and does not end. */
  endless = false;
  /** More of what it says about its files. */
  more: object = {};
  url = '';
  #storage = '';
  readonly #servers: Server[] = [];

  async start(): Promise<void> {
    const hub = await listening((request, response) => this.#hub(request, response)),
      storage = await listening((request, response) => this.#store(request, response));
    this.url = hub.url;
    this.#storage = storage.url;
    this.#servers.push(hub.server, storage.server);
  }
  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    }
  }
  #note(host: 'hub' | 'storage', request: IncomingMessage): void {
    this.requests.push({
      host,
      path: request.url!,
      range: request.headers.range ?? null,
      token: request.headers.authorization ?? null,
    });
  }
  #hub(request: IncomingMessage, response: ServerResponse): void {
    this.#note('hub', request);
    const trouble = this.troubles.shift();
    if (trouble) {
      response
        .writeHead(trouble.status, trouble.retryAfter === undefined ? {} : { 'retry-after': trouble.retryAfter })
        .end();
      return;
    }
    if (this.gated && request.headers.authorization !== `Bearer ${TOKEN}`) {
      response.writeHead(request.headers.authorization ? 403 : 401, { 'x-error-code': 'GatedRepo' }).end();
      return;
    }
    const listed = /^\/api\/models\/someone\/model\/revision\/(main|v1)\?blobs=true$/.exec(request.url!),
      wanted = /^\/someone\/model\/resolve\/([0-9a-f]{40})\/(.+)$/.exec(request.url!);
    const file = wanted?.[1] === COMMIT ? this.files.get(decodeURIComponent(wanted[2]!)) : undefined;
    if (listed)
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(
          JSON.stringify({
            ...this.more,
            sha: COMMIT,
            cardData: { license: 'apache-2.0' },
            siblings: [...this.files].map(([rfilename, bytes]) => ({
              rfilename,
              size: bytes.length,
              blobId: gitBlob(bytes),
              ...(bytes.length > 500 ? { lfs: { sha256: sha256(bytes), size: bytes.length } } : {}),
            })),
          }),
        );
    else if (file)
      response
        .writeHead(302, {
          location: this.elsewhere ?? `${this.#storage}/blob/${wanted![2]}?X-Signature=abc`,
          'x-linked-etag': `"${file.length > 500 ? sha256(file) : gitBlob(file)}"`,
          ...(this.endless ? {} : { 'x-linked-size': String(file.length) }),
        })
        .end();
    else response.writeHead(404).end();
  }
  #store(request: IncomingMessage, response: ServerResponse): void {
    this.#note('storage', request);
    const { pathname, searchParams } = new URL(request.url!, 'http://storage'),
      file = this.files.get(decodeURIComponent(pathname.slice('/blob/'.length)));
    if (!file || searchParams.get('X-Signature') !== 'abc') return void response.writeHead(403).end();
    if (this.endless) {
      const more = (): void => {
        if (!response.destroyed && response.write(Buffer.alloc(1024))) setImmediate(more);
      };
      response.writeHead(200).on('drain', more);
      more();
      return;
    }
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from ? 206 : 200, {
      etag: '"storage"',
      'content-length': file.length - from,
      ...(from ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
    });
    const hold = this.holdAfter;
    this.holdAfter = null;
    if (hold === null) return void response.end(file.subarray(from));
    response.write(file.subarray(from, from + hold));
    this.cut = () => response.destroy();
  }
}

let folder = '',
  hub = new Hub(),
  models: Models;
const signal = (): AbortSignal => new AbortController().signal;
const made = (
  settings: Partial<Settings> = {},
  env: NodeJS.ProcessEnv = {},
  freeBytes = async (): Promise<number> => 1e12,
): Models => {
  const tokens = new GivenTokens();
  return createModels({
    home: { models: join(folder, 'models') },
    settings: () => ({ ...DEFAULTS, hubUrl: hub.url, ...settings }),
    runtimes: { directory: () => '', ready: () => false },
    emit: () => {},
    registry: { models: [], defaults: { cpu: {}, gpu: {} } },
    freeBytes,
    env,
    tokens,
    hub: createHub({
      retryPausesMs: [1, 1, 1],
      // A busy machine is no hub that does not answer.
      connectMs: 60_000,
      token: async base => tokens.get(base) ?? (await hubToken(base, { HOME: folder, ...env })),
    }),
  });
};
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'earshot-hub-'));
  hub = new Hub();
  await hub.start();
  models = made();
});
afterEach(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});
const put = (files: Record<string, Buffer | string>): void => {
  for (const [name, content] of Object.entries(files)) hub.files.set(name, Buffer.from(content));
};
const install = async (source: string, with_: Models = models): Promise<string> => {
  const found = await with_.find(source, signal()),
    { id } = with_.add(found).card;
  await with_.install(id, () => {}, signal());
  return id;
};
const failsWith =
  (code: string, said = /^/) =>
  (error: unknown) =>
    error instanceof EarshotError &&
    error.failure.code === code &&
    said.test(`${sentence(error.failure, 'en')} ${error.failure.detail ?? ''}`);

describe('any model of the hub', () => {
  test('a GGUF: found with its size and licence, held to a commit, installed, and known by its content', async () => {
    const bytes = gguf({ 'general.architecture': 'qwen3', 'general.name': 'Inner name' });
    put({ 'README.md': 'x', 'model-Q4_K_M.gguf': bytes, 'model-Q8_0.gguf': Buffer.concat([bytes, Buffer.alloc(10)]) });
    const found = await models.find('hf:someone/model:q4_k_m', signal());
    assert.deepEqual(
      [found.revision, found.files, found.card.licence],
      [COMMIT, [{ path: 'model-Q4_K_M.gguf', bytes: bytes.length }], 'apache-2.0'],
    );
    const id = await install('hf:someone/model@v1:model-Q4_K_M.gguf');
    const { card, state, imported } = models.model(id);
    assert.deepEqual([card.engine, card.family, state, imported], ['llama', 'qwen3', 'installed', true]);
    assert.deepEqual(readFileSync(join(folder, 'models', id, 'model-Q4_K_M.gguf')), bytes);
    assert.equal(card.files[0]!.sha256, sha256(bytes), 'what came first is what is accepted from now on');
    assert.deepEqual(await models.find('hf:someone/model:q4', signal()).then(again => again.card.id), id);
    await assert.rejects(models.find('hf:someone/model', signal()), failsWith('badRequest', /model-Q8_0\.gguf/));
  });

  test('CTranslate2, sherpa-onnx, Piper and translators, small files by their Git names; a link is as good as a name', async () => {
    const pad = ' '.repeat(600);
    put({
      'model.bin': ctranslate2('WhisperSpec'),
      'config.json': '{}',
      'tokenizer.json': `{}${pad}`,
      'vocabulary.txt': 'a',
      'preprocessor_config.json': '{}',
    });
    assert.equal(models.model(await install('hf:someone/model')).card.engine, 'faster-whisper');
    hub.files.clear();
    put({
      'voices/en_US-x.onnx': onnx(600),
      'voices/en_US-x.onnx.json': piperSettings('en_US'),
      'voices/MODEL_CARD': 'x',
    });
    const voice = models.model(await install(`${hub.url}/someone/model/tree/main/voices`)).card;
    assert.deepEqual([voice.engine, voice.languages], ['piper', ['en', 'en-US']]);
    hub.files.clear();
    put({ ...nemoTransducer(), 'test_wavs/0.wav': 'x' });
    const parakeet = models.model(await install('hf:someone/model@main')).card;
    assert.deepEqual(
      [parakeet.engine, parakeet.parameters?.kind, parakeet.id],
      ['sherpa', 'nemo-transducer', 'model-2'],
    );
    hub.files.clear();
    put({ ...streamingZipformer(), 'README.md': 'x' });
    const streaming = models.model(await install('hf:someone/model@main')).card;
    assert.deepEqual([streaming.parameters?.kind, streaming.files.length], ['streaming-transducer', 4]);
    assert.equal(sherpa.streams?.(streaming), true);
    hub.files.clear();
    put({
      'model.bin': ctranslate2('TransformerSpec'),
      'config.json': '{}',
      'shared_vocabulary.json': '["</s>"]',
      'source.spm': 'x',
      'target.spm': 'x',
      'tokenizer_config.json': '{"source_lang": "en", "target_lang": "es"}',
    });
    const translator = models.model(await install('hf:someone/model@main')).card;
    assert.deepEqual(
      [translator.engine, translator.stages, translator.languages, translator.parameters, translator.files.length],
      ['m2m100', ['nmt'], ['en'], { family: 'opus-mt', to: 'es' }, 6],
    );
  });

  test('files that only claim to be a model do not stay', async () => {
    put({ 'model.gguf': Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(2000, 9)]) });
    await assert.rejects(install('hf:someone/model'), failsWith('modelBroken'));
    assert.deepEqual(
      readdirSync(join(folder, 'models')).filter(name => !name.startsWith('.')),
      [],
    );
  });

  test('what changes at the hub afterwards is not taken, and what changes here is noticed', async () => {
    const bytes = gguf({ 'general.architecture': 'llama' });
    put({ 'm.gguf': bytes });
    const id = await install('hf:someone/model');
    assert.equal(await models.verify(id), null);
    writeFileSync(join(folder, 'models', id, 'm.gguf'), Buffer.alloc(bytes.length, 1));
    assert.equal((await models.verify(id))?.code, 'checksumMismatch');
    put({ 'm.gguf': gguf({ 'general.architecture': 'other' }) });
    await assert.rejects(
      models.install(id, () => {}, signal()),
      failsWith('checksumMismatch'),
    );
    put({ 'm.gguf': bytes });
    await models.install(id, () => {}, signal());
    assert.equal(models.model(id).state, 'installed');
  });

  test('a cut connection goes on where it stopped; a busy hub is asked again when it says so', async () => {
    put({ 'm.gguf': Buffer.concat([gguf({ 'general.architecture': 'llama' }), Buffer.alloc(200_000, 4)]) });
    hub.troubles = [{ status: 429, retryAfter: '0' }, { status: 503 }];
    hub.holdAfter = 70_000;
    const { id } = models.add(await models.find('hf:someone/model', signal())).card;
    // As soon as something has come.
    await models.install(id, ({ bytes }) => bytes > 0 && hub.cut?.(), signal());
    assert.equal(models.model(id).state, 'installed');
    const ranges = hub.requests.filter(({ host }) => host === 'storage').map(({ range }) => range);
    assert.equal(ranges[0], null);
    assert.ok(ranges.length === 2 && /^bytes=[1-9]\d*-$/.test(ranges[1] ?? ''), `${ranges.join(', ')}`);
  });

  test('a repository that has to be asked for: the reason without a token, with the wrong one, and the right one', async () => {
    hub.gated = true;
    put({ 'm.gguf': gguf({ 'general.architecture': 'llama' }) });
    const gated = (token: number) => (error: unknown) =>
      error instanceof EarshotError && error.failure.code === 'modelGated' && error.failure.args.token === token;
    await assert.rejects(models.find('hf:someone/model', signal()), gated(0));
    await assert.rejects(
      made({}, { HF_TOKEN: 'hf_other', HF_ENDPOINT: hub.url }).find('hf:someone/model', signal()),
      gated(1),
    );
    const mine = made({}, { HF_TOKEN: TOKEN, HF_ENDPOINT: hub.url }),
      id = await install('hf:someone/model', mine);
    assert.equal(mine.model(id).state, 'installed');
    assert.ok(hub.requests.some(({ host, token }) => host === 'hub' && token === `Bearer ${TOKEN}`));
    assert.ok(
      hub.requests.every(({ host, token }) => host === 'hub' || token === null),
      'the storage gets no token',
    );
    const kept = readFileSync(join(folder, 'models', id, 'earshot-model.json'), 'utf8');
    assert.ok(!kept.includes(TOKEN));
  });

  test('a token that a client gave is for its hub alone, and goes when it is taken back', async () => {
    hub.gated = true;
    put({ 'm.gguf': gguf({ 'general.architecture': 'llama' }) });
    const one = made({}, { HF_ENDPOINT: 'https://elsewhere.example' });
    one.setHubToken('https://elsewhere.example', TOKEN);
    await assert.rejects(one.find('hf:someone/model', signal()), failsWith('modelGated'));
    one.setHubToken(`${hub.url}/some/page`, TOKEN);
    assert.equal(one.model(await install('hf:someone/model', one)).state, 'installed');
    one.setHubToken(hub.url, null);
    await assert.rejects(one.find('hf:someone/model', signal()), failsWith('modelGated'));
  });

  test('a hub leads to servers of the network alone, and not into this machine', async () => {
    put({ 'm.gguf': gguf({ 'general.architecture': 'llama' }) });
    const { id } = models.add(await models.find('hf:someone/model', signal())).card;
    for (const elsewhere of [
      'file:///etc/passwd',
      'data:,x',
      'ftp://127.0.0.1/x',
      'http://[',
      'http://me:x@127.0.0.1/',
    ]) {
      hub.elsewhere = elsewhere;
      await assert.rejects(
        models.install(id, () => {}, signal()),
        failsWith('modelUnavailable', /leads to no server/),
      );
    }
    for (const to of ['http://127.0.0.1:1/', 'https://localhost/', 'https://[::1]/', 'https://169.254.169.254/latest'])
      assert.throws(() => redirected('https://hub.example', 'https://hub.example/x', to), failsWith('downloadFailed'));
    for (const to of ['https://cdn.example/y', '/y', '//cdn.example/y'])
      assert.match(redirected('https://hub.example', 'https://hub.example/x', to), /^https:.*\/y$/);
  });

  test('names that lead upwards are none, a list has few enough parts, and what does not end stops before the disk is full', async () => {
    put({ '../../../other/m.gguf': 'x', 'a/../m.gguf': 'x', '/m.gguf': 'x', 'README.md': 'x' });
    await assert.rejects(models.find('hf:someone/model', signal()), failsWith('badRequest', /no GGUF file/));
    hub.files.clear();
    put({ 'm.gguf': gguf({ 'general.architecture': 'llama' }) });
    hub.more = { brackets: JSON.parse(`[${'[],'.repeat(150_000)}0]`) as unknown };
    await assert.rejects(models.find('hf:someone/model', signal()), failsWith('downloadFailed', /something else/));
    hub.more = {};
    hub.endless = true;
    let free = 1e12;
    const filling = made({}, {}, async () => free),
      { id } = filling.add(await filling.find('hf:someone/model', signal())).card;
    const install_ = filling.install(id, ({ bytes }) => void (bytes > 0 && (free = 1e6)), signal());
    await assert.rejects(install_, failsWith('diskFull'));
  });

  test('what is not there, and what may not be asked, has its own reason', async () => {
    await assert.rejects(models.find('hf:someone/nothing', signal()), failsWith('notOnHub'));
    put({ 'README.md': 'x' });
    await assert.rejects(models.find('hf:someone/model', signal()), failsWith('badRequest', /no GGUF file/));
    await assert.rejects(models.find('hf:someone', signal()), failsWith('badRequest'));
    await assert.rejects(made({ offline: true }).find('hf:someone/model', signal()), failsWith('offline'));
    assert.ok(!existsSync(join(folder, 'models')));
  });
});

describe('what names a model', () => {
  test('a repository, a revision, a file', () => {
    const parse = (text: string) => parseHubSource(text, 'https://mirror.example');
    const plain = { repository: 'a/b', revision: 'main', file: '' };
    assert.deepEqual(parse('hf:a/b'), plain);
    assert.deepEqual(parse('hf:a/b@v1.0:x/y.gguf'), { repository: 'a/b', revision: 'v1.0', file: 'x/y.gguf' });
    assert.deepEqual(parse('hf:a/b:Q4_K_M'), { ...plain, file: 'Q4_K_M' });
    assert.deepEqual(parse('https://huggingface.co/a/b/'), plain);
    assert.deepEqual(parse('https://mirror.example/a/b/blob/main/x/y.onnx'), { ...plain, file: 'x/y.onnx' });
    for (const bad of [
      'a/b',
      'hf:a',
      'hf:a/b/c',
      'hf:../b',
      'hf:a/b:../x',
      'https://elsewhere.example/a/b',
      'ftp://huggingface.co/a/b',
      'https://huggingface.co/a/b/tree/main/%',
      'https://huggingface.co/%ff',
    ])
      assert.equal(parse(bad), null, bad);
  });
  test('parts of a split GGUF are no model', () => {
    const file = (path: string) => ({ path, bytes: 1, sha256: null });
    assert.throws(() => chooseFiles('a/b', [file('m-00001-of-00002.gguf')], ''), failsWith('badRequest'));
  });
});

describe("the user's token", () => {
  let home = '';
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'earshot-token-'));
    mkdirSync(join(home, '.cache', 'huggingface'), { recursive: true });
    writeFileSync(join(home, '.cache', 'huggingface', 'token'), 'hf_from_file\n');
  });
  after(() => rmSync(home, { recursive: true, force: true }));
  test('is found where the tools of the hub keep it, and is for that hub alone', async () => {
    const env = { HOME: home };
    assert.equal(await hubToken(DEFAULTS.hubUrl, env), 'hf_from_file');
    assert.equal(await hubToken(DEFAULTS.hubUrl, { ...env, HF_TOKEN: 'hf_named' }), 'hf_named');
    assert.equal(await hubToken(DEFAULTS.hubUrl, { HOME: join(home, 'nobody') }), undefined);
    assert.equal(await hubToken('https://mirror.example', { ...env, HF_TOKEN: 'hf_named' }), undefined);
    const endpoint = { ...env, HF_ENDPOINT: 'https://mirror.example' };
    assert.equal(await hubToken('https://mirror.example', endpoint), 'hf_from_file');
    assert.equal(await hubToken('http://mirror.example', endpoint), undefined, 'not in the clear');
    assert.equal(await hubToken(DEFAULTS.hubUrl, { ...env, HF_TOKEN: 'two\nlines' }), undefined);
  });
});
