/** The openai engine against a small server that answers, refuses, stumbles and talks nonsense. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { languageCode } from '../../daemon/engines/openai/recognize.ts';
import { jsonIn } from '../../daemon/engines/openai/chat.ts';
import { baseOf } from '../../daemon/engines/openai/http.ts';
import { openai } from '../../daemon/engines/openai/engine.ts';
import { wavHeader } from '../../daemon/audio/wav.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { Stage } from '../../schemas/words.ts';
import { TestWorker } from './worker-harness.ts';
import { failsWith } from '../fixtures/fails-with.ts';

interface Asked {
  path: string;
  key: string | undefined;
  body: Buffer;
  json: () => Record<string, unknown>;
  fields: () => Promise<FormData>;
}
interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: Buffer | string | object;
}

/** `answer` sees each request but those for the list of models. */
class FakeServer {
  readonly asked: Asked[] = [];
  private readonly server: Server;
  constructor(answer: (asked: Asked, n: number) => Answer, models: Answer = { body: { data: [] } }) {
    this.server = createServer((request, response) => {
      void bodyOf(request).then(body => {
        const path = request.url!,
          list = path.endsWith('/models');
        const asked: Asked = {
          path,
          key: request.headers.authorization,
          body,
          json: () => JSON.parse(body.toString('utf8')) as Record<string, unknown>,
          fields: () =>
            new Response(new Uint8Array(body), {
              headers: { 'content-type': request.headers['content-type']! },
            }).formData(),
        };
        if (!list) this.asked.push(asked);
        const { status = 200, headers = {}, body: said = '' } = list ? models : answer(asked, this.asked.length);
        response.writeHead(status, headers);
        response.end(Buffer.isBuffer(said) || typeof said === 'string' ? said : JSON.stringify(said));
      });
    });
  }
  async url(): Promise<string> {
    if (!this.server.listening) {
      this.server.listen(0, '127.0.0.1');
      await once(this.server, 'listening');
    }
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  async open(stage: Stage, parameters: Record<string, string | number> = {}): Promise<TestWorker> {
    return new TestWorker({
      engine: openai,
      stage,
      parameters: { url: await this.url(), model: 'the-model', key: 'secret', ...parameters },
    });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const chat = (content: string): Answer => ({ body: { choices: [{ message: { role: 'assistant', content } }] } });
const translate = (text: string): StepInputs['nmt'] => ({ text, from: 'es', to: 'en', before: [], glossary: [] });
const heard = (text: string, more: Partial<StepInputs['repair']> = {}): StepInputs['repair'] => ({
  text,
  words: [],
  language: 'en',
  before: '',
  glossary: [],
  ...more,
});
const utterance = (worker: TestWorker, more: Partial<StepInputs['asr']> = {}): StepInputs['asr'] => {
  const path = join(worker.folder, 'sound.pcm');
  writeFileSync(path, Buffer.alloc(64_000, 1));
  return { audio: { path, startSample: 16_000, endSample: 32_000 }, language: null, prompt: '', hotwords: [], ...more };
};

describe('openai: recognition', () => {
  const verbose = {
    text: 'Hello, wide  world.',
    language: 'english',
    words: [
      { word: 'Hello', start: 0.1, end: 0.4 },
      { word: 'wide', start: 0.4, end: 0.6 },
      { word: 'world', start: 0.6, end: 0.9 },
    ],
    segments: [{ start: 0, end: 1, text: 'Hello, wide world.', avg_logprob: -0.2 }],
  };
  it("sends the utterance alone and takes words with the recording's times", async () => {
    await using server = new FakeServer(() => ({ body: verbose }));
    await using worker = await server.open('asr');
    await worker.loaded;
    const [output] = await worker.run<'asr'>([utterance(worker, { hotwords: ['Earshot'], prompt: 'A talk.' })]);
    assert.deepEqual(output, {
      text: 'Hello, wide world.',
      language: 'en',
      languageProbability: 0.9,
      words: [
        ['Hello,', 1100, 1400],
        ['wide', 1400, 1600],
        ['world.', 1600, 1900],
      ].map(([text, startMs, endMs]) => ({ text, startMs, endMs, probability: Math.exp(-0.2) })),
    });
    const [asked] = server.asked,
      fields = await asked!.fields();
    assert.equal(asked!.path, '/v1/audio/transcriptions');
    assert.equal(asked!.key, 'Bearer secret');
    assert.equal(fields.get('model'), 'the-model');
    assert.equal(fields.get('prompt'), 'Earshot. A talk.');
    assert.equal(fields.get('language'), null);
    const wav = Buffer.from(await (fields.get('file') as File).arrayBuffer());
    assert.equal(wav.length, 44 + 32_000);
    assert.equal(wav.readUInt32LE(24), 16_000);
  });
  it('lets the server hear the language, and asks again in that of the recording where it is not clear', async () => {
    const spanish = { ...verbose, text: 'Sí, claro.', language: 'spanish', words: [] };
    await using server = new FakeServer(({ body }) => ({
      body: /name="language"\r\n\r\nen\r\n/.test(body.toString('latin1')) ? verbose : spanish,
    }));
    await using worker = await server.open('asr');
    await worker.loaded;
    const long = { ...utterance(worker).audio, startSample: 0 };
    writeFileSync(long.path, Buffer.alloc(200_000, 1));
    const [clear] = await worker.run<'asr'>([
      utterance(worker, { expected: 'en', audio: { ...long, endSample: 80_000 } }),
    ]);
    assert.equal(clear!.language, 'es', 'five seconds of it');
    const [brief] = await worker.run<'asr'>([utterance(worker, { expected: 'en' })]);
    assert.deepEqual([brief!.language, brief!.text], ['en', 'Hello, wide world.']);
    assert.equal(server.asked.length, 3);
  });
  it('asks plainly where times are refused', async () => {
    await using server = new FakeServer((_, n) =>
      n === 1 ? { status: 400, body: { error: 'response_format' } } : { body: { text: 'Good morning' } },
    );
    await using worker = await server.open('asr');
    await worker.loaded;
    const [output] = await worker.run<'asr'>([utterance(worker, { language: 'pt-BR' })]);
    assert.equal((await server.asked[1]!.fields()).get('language'), 'pt');
    assert.deepEqual(output, {
      text: 'Good morning',
      language: 'pt-BR',
      languageProbability: 1,
      words: [
        { text: 'Good', startMs: 1000, endMs: 1385, probability: 1 },
        { text: 'morning', startMs: 1385, endMs: 2000, probability: 1 },
      ],
    });
  });
  it('asks again in the way that a server took', async () => {
    await using server = new FakeServer(({ body }) =>
      body.includes('verbose_json') ? { status: 400, body: { error: 'no' } } : { body: { text: 'Good morning' } },
    );
    await using worker = await server.open('asr');
    await worker.loaded;
    for (let n = 0; n < 2; n++) await worker.run<'asr'>([utterance(worker)]);
    assert.equal(server.asked.length, 3);
  });
  it('says why it was refused first, whatever came after', async () => {
    await using server = new FakeServer((_, n) => ({ status: 400, body: { error: `reason ${n}` } }));
    await using worker = await server.open('asr');
    await worker.loaded;
    await assert.rejects(worker.run<'asr'>([utterance(worker, { language: 'en' })]), failure => {
      failsWith('serverRefused')(failure);
      assert.match((failure as EarshotError).failure.detail!, /reason 1/);
      return true;
    });
  });
  it('refuses an answer of another shape', async () => {
    await using server = new FakeServer(() => ({ body: { result: 'hm' } }));
    await using worker = await server.open('asr');
    await worker.loaded;
    await assert.rejects(worker.run<'asr'>([utterance(worker)]), failsWith('badAnswer'));
  });
});

/** Answers as the servers' own documents and sources give them. */
describe('openai: servers that people run', () => {
  it('whisper.cpp: its words are tokens, and its language has a probability of its own', async () => {
    await using server = new FakeServer(() => ({
      body: {
        task: 'transcribe',
        language: 'german',
        duration: 1,
        text: ' Guten Morgen, Zusammen.\n',
        segments: [
          {
            id: 0,
            text: ' Guten Morgen, Zusammen.',
            start: 0,
            end: 0.98,
            tokens: [33_144, 268, 20_141, 11, 47_010, 13],
            words: [
              { word: ' Gut', start: 0.02, end: 0.14, t_dtw: -1, probability: 0.98 },
              { word: 'en', start: 0.14, end: 0.22, t_dtw: -1, probability: 0.99 },
              { word: ' Morgen', start: 0.22, end: 0.5, t_dtw: -1, probability: 0.97 },
              { word: ',', start: 0.5, end: 0.52, t_dtw: -1, probability: 0.9 },
              { word: ' Zusammen', start: 0.52, end: 0.96, t_dtw: -1, probability: 0.6 },
              { word: '.', start: 0.96, end: 0.98, t_dtw: -1, probability: 0.9 },
            ],
            temperature: 0,
            avg_logprob: -0.21,
            no_speech_prob: 0.01,
          },
        ],
        detected_language: 'german',
        detected_language_probability: 0.97,
        language_probabilities: { de: 0.97, nl: 0.02 },
      },
    }));
    await using worker = await server.open('asr');
    await worker.loaded;
    const [heard] = await worker.run<'asr'>([utterance(worker)]);
    assert.deepEqual(heard, {
      text: 'Guten Morgen, Zusammen.',
      language: 'de',
      languageProbability: 0.97,
      words: [
        { text: 'Guten', startMs: 1020, endMs: 1220, probability: 0.98 },
        { text: 'Morgen,', startMs: 1220, endMs: 1500, probability: 0.97 },
        { text: 'Zusammen.', startMs: 1520, endMs: 1960, probability: 0.6 },
      ],
    });
  });
  it('vLLM: without times where its model has none, and durations as text', async () => {
    const refused = {
      status: 400,
      body: {
        error: { message: 'Currently do not support verbose_json for Qwen/Qwen3-ASR-1.7B', type: 'BadRequestError' },
      },
    };
    await using plain = new FakeServer(({ body }) =>
      body.includes('verbose_json')
        ? refused
        : { body: { text: 'Good morning.', usage: { type: 'duration', seconds: 1 } } },
    );
    await using first = await plain.open('asr');
    await first.loaded;
    assert.equal((await first.run<'asr'>([utterance(first, { language: 'en' })]))[0]!.text, 'Good morning.');
    await using verbose = new FakeServer(() => ({
      body: {
        duration: '1.0',
        language: 'en',
        text: 'Good morning.',
        words: null,
        segments: [
          {
            id: 0,
            seek: 0,
            start: 0,
            end: 0.9,
            text: 'Good morning.',
            tokens: [],
            temperature: 0,
            avg_logprob: -0.1,
            compression_ratio: 1,
            no_speech_prob: null,
          },
        ],
      },
    }));
    await using second = await verbose.open('asr');
    await second.loaded;
    const [heard] = await second.run<'asr'>([utterance(second)]);
    assert.deepEqual(
      heard!.words.map(({ text }) => text),
      ['Good', 'morning.'],
    );
  });
  it('NVIDIA NIM: chooses its model by a language with its region', async () => {
    await using server = new FakeServer(({ body }) => {
      const text = body.toString('latin1');
      return text.includes('verbose_json') || text.includes('name="model"') || !text.includes('\r\n\r\nen-US\r\n')
        ? { status: 400, body: { error: 'Model not found' } }
        : { body: { text: 'What is natural language processing?' } };
    });
    await using worker = await server.open('asr');
    await worker.loaded;
    for (let n = 0; n < 2; n++) {
      const [heard] = await worker.run<'asr'>([utterance(worker, { language: 'en' })]);
      assert.equal(heard!.text, 'What is natural language processing?');
    }
    assert.equal(server.asked.length, 5);
  });
  it('mlx_lm: passes over the shape that it is asked for, until words ask for it', async () => {
    await using server = new FakeServer(asked => ({
      body: {
        id: 'chatcmpl-1',
        object: 'chat.completion',
        choices: [
          {
            index: 0,
            logprobs: null,
            finish_reason: 'stop',
            message: {
              role: 'assistant',
              content: JSON.stringify(asked.json()).includes('Answer with nothing but JSON')
                ? '{"translation": "Good morning to everyone."}'
                : 'Good morning to everyone.',
            },
          },
        ],
      },
    }));
    await using worker = await server.open('nmt');
    await worker.loaded;
    for (let n = 0; n < 2; n++)
      assert.equal(
        (await worker.run<'nmt'>([translate('Buenos días a todos.')]))[0]!.text,
        'Good morning to everyone.',
      );
    assert.equal(server.asked.length, 3, 'and it is remembered');
  });
});

describe('openai: language models', () => {
  it('translates in a JSON shape', async () => {
    await using server = new FakeServer(() => chat('{"translation": "Good morning to everyone."}'));
    await using worker = await server.open('nmt');
    await worker.loaded;
    assert.deepEqual(await worker.run<'nmt'>([translate('Buenos días a todos.')]), [
      { text: 'Good morning to everyone.', language: 'en' },
    ]);
    const body = server.asked[0]!.json();
    assert.equal(server.asked[0]!.path, '/v1/chat/completions');
    assert.equal(body.temperature, 0);
    assert.equal((body.response_format as { type: string }).type, 'json_schema');
  });
  it('asks in a plainer way where schemas are refused, and remembers it', async () => {
    await using server = new FakeServer(asked => {
      const format = asked.json().response_format as { type: string } | undefined;
      return format
        ? { status: 400, body: { error: `no ${format.type}` } }
        : chat('<think>Hm. {"x":1}</think>```json\n{"translation": "Good morning to everyone."}\n```');
    });
    await using worker = await server.open('nmt');
    await worker.loaded;
    for (let n = 0; n < 2; n++)
      assert.equal(
        (await worker.run<'nmt'>([translate('Buenos días a todos.')]))[0]!.text,
        'Good morning to everyone.',
      );
    assert.equal(server.asked.length, 4);
    assert.match(JSON.stringify(server.asked[3]!.json()), /schema/);
  });
  it('repairs under the guard: mends what could have been misheard, takes nothing else', async () => {
    let answer = '';
    await using server = new FakeServer(() => chat(JSON.stringify({ text: answer })));
    await using worker = await server.open('repair');
    await worker.loaded;
    const repaired = async (text: string, rewritten: string, more: Partial<StepInputs['repair']> = {}) => {
      answer = rewritten;
      return (await worker.run<'repair'>([heard(text, more)]))[0]!;
    };
    assert.deepEqual(
      await repaired('the operating sistem starts slowly today', 'The operating system starts slowly today'),
      {
        text: 'The operating system starts slowly today',
        changes: [
          { from: 0, to: 1, before: 'the', after: 'The', source: 'casing' },
          { from: 2, to: 3, before: 'sistem', after: 'system', source: 'model' },
        ],
      },
    );
    for (const [rewritten, why] of [
      ['El sistema operativo arranca', 'translated'],
      ['the operating sistem', 'dropped'],
      ['I am sorry, but I cannot help with that request today', 'refused'],
      ['', 'empty'],
    ] as const) {
      const { text, changes } = await repaired('the operating sistem starts slowly today', rewritten);
      assert.deepEqual([text, changes], ['the operating sistem starts slowly today', []], why);
    }
    // The glossary's alias needs no model; positions count recognised words.
    const both = await repaired(
      'we use air shot with the new sistem every day',
      'we use Earshot with the new system every day',
      { glossary: [{ term: 'Earshot', aliases: ['air shot'] }] },
    );
    assert.equal(both.text, 'we use Earshot with the new system every day');
    assert.deepEqual(
      both.changes.map(({ from, to, before, after }) => [from, to, before, after]),
      [
        [2, 4, 'air shot', 'Earshot'],
        [7, 8, 'sistem', 'system'],
      ],
    );
  });
});

describe('openai: speech', () => {
  const wav = (format: number, channels: number, bits: number, data: Buffer): Buffer => {
    const header = wavHeader(24_000, 0);
    header.writeUInt16LE(format, 20);
    header.writeUInt16LE(channels, 22);
    header.writeUInt32LE(24_000 * channels * (bits / 8), 28);
    header.writeUInt16LE(channels * (bits / 8), 32);
    header.writeUInt16LE(bits, 34);
    header.writeUInt32LE(0xffff_ffff, 40);
    return Buffer.concat([header, data]);
  };
  const speak = async (body: Buffer): Promise<{ output: unknown; stored: Buffer }> => {
    await using server = new FakeServer(() => ({ body }));
    await using worker = await server.open('tts', { voice: 'nova', speed: 1.25 });
    await worker.loaded;
    const path = join(worker.folder, 'out.wav'),
      [output] = await worker.run<'tts'>([{ text: 'Hello', language: 'en', path }]);
    assert.deepEqual(server.asked[0]!.json(), {
      model: 'the-model',
      input: 'Hello',
      voice: 'nova',
      response_format: 'wav',
      speed: 1.25,
    });
    return { output: { ...output, path: null }, stored: readFileSync(path) };
  };
  it('stores what comes as mono 16 bit, whatever it was', async () => {
    const pcm = Buffer.alloc(4800);
    for (let n = 0; n < 2400; n++) pcm.writeInt16LE(n, n * 2);
    const plain = await speak(wav(1, 1, 16, pcm));
    assert.deepEqual(plain.output, { path: null, sampleRate: 24_000, durationMs: 100 });
    assert.deepEqual(plain.stored.subarray(44), pcm);
    const stereo = Buffer.alloc(1200 * 8);
    for (let n = 0; n < 1200; n++) {
      stereo.writeFloatLE(0.5, n * 8);
      stereo.writeFloatLE(-0.25, n * 8 + 4);
    }
    const mixed = await speak(wav(3, 2, 32, stereo));
    assert.deepEqual(mixed.output, { path: null, sampleRate: 24_000, durationMs: 50 });
    assert.equal(mixed.stored.readInt16LE(44), Math.round(0.125 * 32767));
  });
  it('refuses sound of another kind', async () => {
    await using server = new FakeServer(() => ({
      body: Buffer.from('ID3\u0004 not a wav at all, some other sound file of a server that ignores formats'),
    }));
    await using worker = await server.open('tts');
    await worker.loaded;
    const path = join(worker.folder, 'out.wav');
    await assert.rejects(worker.run<'tts'>([{ text: 'Hello', language: 'en', path }]), failsWith('badAnswer'));
    assert.ok(!existsSync(path));
  });
});

describe('openai: a server that will not', () => {
  it('is refused at loading with a wrong key, and believed without a list of models', async () => {
    await using server = new FakeServer(() => ({}), { status: 401, body: 'wrong key' });
    await using worker = await server.open('nmt');
    await assert.rejects(
      worker.loaded,
      (error: EarshotError) =>
        error.failure.code === 'serverRefused' &&
        error.failure.args.status === 401 &&
        !/secret/.test(JSON.stringify(error.failure)),
    );
    await using other = new FakeServer(() => ({ status: 404, body: 'no such model' }), { status: 404 });
    await using second = await other.open('nmt');
    await second.loaded;
    await assert.rejects(second.run<'nmt'>([translate('Hola a todos')]), failsWith('serverRefused'));
    assert.equal(other.asked.length, 1, 'a refusal is not asked again');
  });
  it('is not reachable', async () => {
    const server = new FakeServer(() => ({})),
      url = await server.url();
    await server[Symbol.asyncDispose]();
    await using worker = new TestWorker({ engine: openai, stage: 'nmt', parameters: { url, model: 'm' } });
    await assert.rejects(worker.loaded, failsWith('serverUnreachable'));
  });
  it('is asked again when it is busy or stumbles', async () => {
    await using server = new FakeServer((_, n) =>
      n === 1
        ? { status: 429, headers: { 'retry-after': '0.05' } }
        : n === 2
          ? { status: 503 }
          : chat('{"translation": "Hello to everyone"}'),
    );
    await using worker = await server.open('nmt');
    await worker.loaded;
    assert.equal((await worker.run<'nmt'>([translate('Hola a todos')]))[0]!.text, 'Hello to everyone');
    assert.equal(server.asked.length, 3);
  });
  it('stumbles for good: a failure that may heal later, and the worker lives on', async () => {
    let broken = true;
    await using server = new FakeServer(() =>
      broken ? { status: 500, headers: { 'retry-after': '0.01' } } : chat('{"translation": "Hello to everyone"}'),
    );
    await using worker = await server.open('nmt');
    await worker.loaded;
    await assert.rejects(worker.run<'nmt'>([translate('Hola a todos')]), failsWith('serverUnreachable'));
    broken = false;
    assert.equal((await worker.run<'nmt'>([translate('Hola a todos')]))[0]!.text, 'Hello to everyone');
  });
  it('lets go of a request that is cancelled', async () => {
    let arrived = (): void => undefined;
    const came = new Promise<void>(resolve => {
      arrived = resolve;
    });
    await using server = new FakeServer(() => {
      arrived();
      return { status: 429, headers: { 'retry-after': '19' } };
    });
    await using worker = await server.open('nmt');
    await worker.loaded;
    const id = worker.nextRun,
      run = worker.run<'nmt'>([translate('Hola a todos')]);
    await came;
    worker.worker.cancel(id);
    await assert.rejects(run, failsWith('cancelled'));
  });
});

describe('openai: small things', () => {
  it('knows languages by code and by name', () => {
    assert.deepEqual(['en', 'EN', 'english', 'Spanish', 'zh-CN', 'chinese', 'klingonish', null].map(languageCode), [
      'en',
      'en',
      'en',
      'es',
      'zh',
      'zh',
      null,
      null,
    ]);
  });
  it('finds the JSON in an answer', () => {
    assert.equal(jsonIn('Sure! ```json\n{"a": {"b": 1}}\n```'), '{"a": {"b": 1}}');
    assert.equal(jsonIn('no json'), 'no json');
  });
  it('finds the base address', () => {
    assert.deepEqual(['http://a:1', 'http://a:1/', 'http://a/v1/', 'http://a/openai/v1'].map(baseOf), [
      'http://a:1/v1',
      'http://a:1/v1',
      'http://a/v1',
      'http://a/openai/v1',
    ]);
  });
});
