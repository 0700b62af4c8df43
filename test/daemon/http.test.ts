/** The OpenAI-compatible endpoint of a real daemon, asked by OpenAI's own client and by people who should not ask. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request as ask, type IncomingMessage } from 'node:http';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import OpenAI, { APIError, toFile } from 'openai';
import { fileName } from '../../daemon/api/http/upload.ts';
import { guessLanguage, tempo } from '../../daemon/api/http/speech.ts';
import type { Job } from '../../schemas/job.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon, SAMPLES } from './real.ts';

const SPEECH = join(SAMPLES, 'sense-and-sensibility.flac');
const models = [
  fakeModel('slow-asr', 'asr', { ms: 120_000 }),
  fakeModel('broken-asr', 'asr', { script: 'fail#0' }),
  fakeModel('fake-asr', 'asr', { ms: 30 }),
  fakeModel('fake-repair', 'repair'),
  fakeModel('fake-nmt', 'nmt'),
  fakeModel('fake-tts', 'tts'),
];

describe('the OpenAI-compatible endpoint', { timeout: 180_000 }, () => {
  let daemon: RealDaemon,
    client: OpenAI,
    url = '',
    token = '';
  const port = (): number => Number(new URL(url).port);
  const uploads = (): string[] => readdirSync(join(daemon.home.state, 'uploads'));
  /** An upload goes a moment after its answer. */
  const cleared = async (): Promise<void> => {
    for (const until = Date.now() + 5_000; uploads().length; await new Promise(setImmediate))
      assert.ok(Date.now() < until, uploads().join());
  };
  const transcribe = <F extends object>(more: F) => ({ file: createReadStream(SPEECH), model: 'whisper-1', ...more });
  const refused =
    (status: number, code: string) =>
    (error: unknown): boolean => {
      assert.ok(error instanceof APIError, String(error));
      assert.deepEqual([error.status, error.code], [status, code], error.message);
      return true;
    };

  before(async () => {
    daemon = await new RealDaemon({ models, settings: { attempts: 1 } }).start();
    assert.equal((await daemon.client.call('daemon/status', {})).http, null);
    assert.equal((await daemon.client.call('daemon/http', {})).place, null);
    await daemon.client.call('settings/set', { values: { http: { port: 0, maxUploadBytes: 1024 * 1024 } } });
    ({ url, token } = (await daemon.client.call('daemon/http', {})).place!);
    client = new OpenAI({ baseURL: url, apiKey: token, maxRetries: 0 });
  });
  after(() => daemon.close());

  it('transcribes in every format, with the times of segments and words', async () => {
    const plain = await client.audio.transcriptions.create(transcribe({ language: 'en', prompt: 'Dashwood' }));
    assert.match(plain.text, /^utterance 0 [a-z 0-9]+ utterance 1 /);
    assert.equal(plain.text.includes('\n'), false);
    const text = (await client.audio.transcriptions.create(
      transcribe({ response_format: 'text' as const }),
    )) as unknown as string;
    assert.equal(text.trim(), plain.text);
    const srt = (await client.audio.transcriptions.create(
      transcribe({ response_format: 'srt' as const }),
    )) as unknown as string;
    assert.match(srt, /^1\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\nutterance 0/);
    assert.match(
      (await client.audio.transcriptions.create(transcribe({ response_format: 'vtt' as const }))) as unknown as string,
      /^WEBVTT\n/,
    );
    const verbose = await client.audio.transcriptions.create(
      transcribe({
        response_format: 'verbose_json' as const,
        timestamp_granularities: ['word' as const, 'segment' as const],
      }),
    );
    assert.equal(verbose.language, 'english');
    assert.equal(verbose.text, plain.text);
    assert.ok(
      verbose.duration > 10 &&
        verbose.segments!.length >= 2 &&
        verbose.segments![1]!.start >= verbose.segments![0]!.end,
    );
    assert.equal(verbose.words![0]!.word, 'utterance');
    assert.ok(verbose.words!.every(word => word.end >= word.start && word.end <= verbose.duration));
    await cleared();
    const { jobs } = await daemon.client.call('job/list', {});
    assert.deepEqual(
      [...new Set(jobs.map(job => `${job.state} ${job.priority} ${job.recording.name} ${job.outputs.length}`))],
      ['completed high sense-and-sensibility.flac 0'],
    );
  });

  it('streams each utterance as it is settled', async () => {
    const events: { type: string }[] = [];
    for await (const event of await client.audio.transcriptions.create(
      transcribe({ stream: true as const, model: 'gpt-4o-transcribe' }),
    ))
      events.push(event);
    const deltas = events.flatMap(event =>
      event.type === 'transcript.text.delta' ? (event as { delta?: string }).delta! : [],
    );
    const last = events.at(-1) as { type: string; text?: string };
    assert.equal(last.type, 'transcript.text.done');
    assert.ok(deltas.length >= 2);
    assert.equal(deltas.join(''), last.text);
  });

  it('translates into English', async () => {
    const spanish = { file: await toFile(readFileSync(SPEECH), '../../una charla.flac'), model: 'whisper-1' };
    assert.match((await client.audio.translations.create({ ...spanish })).text, /^utterance 0/); // it was in English
    const verbose = (await client.audio.translations.create({
      ...spanish,
      file: createReadStream(SPEECH),
      response_format: 'verbose_json',
      language: 'es',
    } as never)) as unknown as { task: string; language: string; text: string };
    assert.deepEqual([verbose.task, verbose.language], ['translate', 'english']);
    assert.match(verbose.text, /^\[en\] utterance 0 .* \[en\] utterance 1/);
  });

  it('speaks a text, whole and in order, in the format that is asked for', async () => {
    const input = 'First sentence. '.repeat(40);
    const wav = Buffer.from(
      await (
        await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input, response_format: 'wav' })
      ).arrayBuffer(),
    );
    assert.equal(wav.toString('latin1', 0, 4), 'RIFF');
    // 60 ms a character is what the fake voice takes; pauses come between the pieces.
    assert.ok(
      wav.readUInt32LE(40) / 32_000 > input.trim().length * 0.055 &&
        wav.readUInt32LE(40) / 32_000 < input.length * 0.065 + 2,
      `${wav.readUInt32LE(40) / 32_000} s`,
    );
    const mp3 = await client.audio.speech.create({ model: 'fake-tts', voice: 'fake-tts', input: 'Short.', speed: 2 });
    assert.equal(mp3.headers.get('content-type'), 'audio/mpeg');
    assert.match(Buffer.from(await mp3.arrayBuffer()).toString('latin1', 0, 3), /^ID3|^\xff[\xe2-\xfb]/);
    const pcm = Buffer.from(
      await (
        await client.audio.speech.create({ model: 'tts-1', voice: 'nova', input: 'Short.', response_format: 'pcm' })
      ).arrayBuffer(),
    );
    assert.ok(Math.abs(pcm.length / 48_000 - 0.36) < 0.1, `${pcm.length}`);
    await cleared();
    // What was only read aloud was never said.
    assert.equal((await daemon.client.call('search/find', { words: 'sentence' })).total, 0);
    await assert.rejects(
      client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: ' ' }),
      refused(400, 'no_input'),
    );
    await assert.rejects(
      client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'x', speed: 9 }),
      refused(400, 'bad_speed'),
    );
  });

  it('lists its models, and takes them by name', async () => {
    const names = (await client.models.list()).data.map(model => model.id);
    assert.ok(
      ['fake-asr', 'slow-asr', 'fake-tts'].every(id => names.includes(id)) && !names.includes('fake-repair'),
      names.join(),
    );
    assert.equal((await client.models.retrieve('fake-asr')).owned_by, 'earshot');
    assert.match(
      (await client.audio.transcriptions.create(transcribe({ model: 'fake-asr', repair: true }))).text,
      /^Utterance 0/,
    );
    await assert.rejects(
      client.audio.transcriptions.create(transcribe({ model: 'fake-tts' })),
      refused(404, 'model_not_found'),
    );
    await assert.rejects(client.models.retrieve('gone'), refused(404, 'model_not_found'));
  });

  it('is found by what was said, and by nobody else', async () => {
    assert.ok((await daemon.client.call('search/find', { words: 'utterance 1' })).total > 0);
  });

  it('cancels the job of a client that goes away, and keeps nothing of what it sent', async () => {
    const leave = new AbortController();
    const gone = client.audio.transcriptions.create(transcribe({ model: 'slow-asr' }), { signal: leave.signal });
    const running = (await daemon.event(
      [],
      event => event.type === 'job' && event.job.models.asr === 'slow-asr' && event.job.state === 'processing',
    )) as { job: Job };
    assert.equal(uploads().length, 1);
    const ended = daemon.ended([running.job]);
    leave.abort();
    await assert.rejects(gone);
    assert.equal((await ended)[0]!.state, 'cancelled');
    await cleared();
  });

  it('says what went wrong in words, also within a stream', async () => {
    await assert.rejects(
      client.audio.transcriptions.create(transcribe({ model: 'broken-asr' })),
      (error: unknown) => refused(500, 'engineFailed')(error) && /reported an error/.test((error as Error).message),
    );
    await assert.rejects(async () => {
      for await (const _ of await client.audio.transcriptions.create(
        transcribe({ model: 'broken-asr', stream: true as const }),
      ));
    }, /reported an error/);
    await assert.rejects(
      client.audio.transcriptions.create({
        file: await toFile(Buffer.from('no sound at all'), 'x.wav'),
        model: 'whisper-1',
      }),
      refused(400, 'notMedia'),
    );
    await assert.rejects(
      client.audio.transcriptions.create(transcribe({ response_format: 'diarized_json' as never })),
      refused(400, 'bad_response_format'),
    );
    await assert.rejects(
      client.audio.transcriptions.create(transcribe({ language: 'English please' })),
      refused(400, 'bad_language'),
    );
    await assert.rejects(
      client.post('/audio/transcriptions', { body: { model: 'whisper-1' } }),
      refused(400, 'bad_content_type'),
    );
    await assert.rejects(client.get('/elsewhere'), refused(404, 'not_found'));
    // What cannot be read is the sender's, by the name that the sender gave it.
    const webm = Buffer.from(
      '1a45dfa3a3428681014286810142f7810142f2810442f381084282847765626d42878104428581021853806701',
      'hex',
    );
    for (const [name, content] of [
      ['header-only.webm', webm],
      ['torn.flac', readFileSync(SPEECH).subarray(0, 60)],
      ['nothing.wav', Buffer.alloc(0)],
    ] as const)
      await assert.rejects(
        client.audio.transcriptions.create({ file: await toFile(content, name), model: 'whisper-1' }),
        (error: unknown) => {
          assert.ok(error instanceof APIError, String(error));
          assert.equal(error.status, 400, error.message);
          assert.ok(error.message.includes(name) && !error.message.includes('uploads'), error.message);
          return true;
        },
      );
    await assert.rejects(
      client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: '…' }),
      refused(400, 'nothing_to_speak'),
    );
    await assert.rejects(client.get('/audio/speech'), refused(405, 'method_not_allowed'));
    await cleared();
  });

  it('takes nothing that is too large', async () => {
    const large = join(daemon.root, 'large.wav');
    writeFileSync(large, Buffer.alloc(3 * 1024 * 1024));
    await assert.rejects(
      client.audio.transcriptions.create({ file: createReadStream(large), model: 'whisper-1' }),
      (error: unknown) => refused(413, 'file_too_large')(error) && /larger than 1 MB/.test((error as Error).message),
    );
    // Also where the length is not said.
    const answer = await raw(
      {
        method: 'POST',
        path: '/v1/audio/transcriptions',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'multipart/form-data; boundary=b',
          'transfer-encoding': 'chunked',
        },
      },
      [
        '--b\r\ncontent-disposition: form-data; name="file"; filename="x.wav"\r\n\r\n',
        Buffer.alloc(1500 * 1024),
        '\r\n--b--\r\n',
      ],
    );
    assert.equal(answer.status, 413);
    await cleared();
  });

  it('serves nobody without the key, under another name, or from a web page', async () => {
    await assert.rejects(
      new OpenAI({ baseURL: url, apiKey: `${token}x`, maxRetries: 0 }).models.list(),
      refused(401, 'invalid_api_key'),
    );
    assert.equal((await raw({ path: '/v1/models' })).status, 401);
    const headers = { authorization: `Bearer ${token}` };
    assert.equal(
      (await raw({ path: '/v1/models', headers: { ...headers, host: `evil.example:${port()}` } })).status,
      403,
    );
    assert.equal((await raw({ path: '/v1/models', headers: { ...headers, host: `localhost:${port()}` } })).status, 200);
    const { status, headers: sent } = await raw({
      path: '/v1/models',
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
    });
    assert.equal(status, 401);
    assert.deepEqual(
      Object.keys(sent).filter(name => name.startsWith('access-control')),
      [],
    );
    const { mode } = statSync(join(daemon.home.run, 'http-token'));
    if (process.platform !== 'win32') assert.equal(mode & 0o777, 0o600);
    const socket = dial(port(), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /v1/models HTTP/1.1\r\n\r\n');
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 400 /);
    socket.destroy();
  });

  it('lets in whoever has the key, however many connections say nothing', async () => {
    const idle = Array.from({ length: 100 }, () => dial(port(), '127.0.0.1').on('error', () => {}));
    await Promise.all(idle.map(socket => once(socket, 'connect')));
    assert.equal((await raw({ path: '/v1/models', headers: { authorization: `Bearer ${token}` } })).status, 200);
    for (const socket of idle) socket.destroy();
  });

  it('takes a form that ends at any byte for what it is, and goes on', { timeout: 60_000 }, async () => {
    const boundary = '-----b',
      part = (name: string, file: string, text: string): string =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${text}\r\n`;
    const whole = Buffer.from(
      `${part('model', '', 'whisper-1')}${part('other', '; filename="o.wav"', 'RIFFx')}` +
        `${part('file', '; filename="a.wav"', 'RIFFabcd')}--${boundary}--\r\n`,
    );
    const send = (body: Buffer, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': `multipart/form-data; boundary=${boundary}`,
          'content-length': body.length,
        };
        ask({ host: '127.0.0.1', port: port(), path, method: 'POST', headers }, answer => {
          answer.resume().once('end', () => resolve(answer.statusCode!));
        })
          .once('error', reject)
          .end(body);
      });
    for (let bytes = 0; bytes < whole.length; bytes++) {
      const status = await send(whole.subarray(0, bytes), `${new URL(url).pathname}/audio/transcriptions`);
      assert.ok(status >= 400 && status < 500, `cut at byte ${bytes} of ${whole.length}: ${status}`);
    }
    // And the connection itself cut there.
    for (let bytes = 1; bytes < whole.length; bytes += 7) {
      const socket = dial(port(), '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      const head =
        `POST ${new URL(url).pathname}/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ` +
        `${token}\r\n`;
      const type = `Content-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${whole.length}\r\n\r\n`;
      socket.write(head + type);
      socket.write(whole.subarray(0, bytes), () => socket.destroy());
      await once(socket, 'close');
    }
    await cleared();
    assert.equal((await daemon.client.call('daemon/status', {})).pid, daemon.pid);
  });

  it('goes off and on with the setting, on a free port only, with the key of before', async () => {
    const set = async (http: object | null) => {
      await daemon.client.call('settings/set', { values: { http } });
      return (await daemon.client.call('daemon/http', {})).place;
    };
    assert.equal(await set(null), null);
    await assert.rejects(raw({ path: '/v1/models' }), /ECONNREFUSED/);
    const again = await set({ port: port() });
    assert.deepEqual(again, { url, token });
    const { createServer } = await import('node:net');
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    assert.equal(await set({ port: (other.address() as { port: number }).port }), null);
    assert.equal((await daemon.client.call('daemon/status', {})).http!.failure!.code, 'portTaken');
    other.close();
    assert.equal((await set({ port: 0, token: 'a-token-of-my-own' }))!.token, 'a-token-of-my-own');
    await assert.rejects(daemon.client.call('settings/set', { values: { http: { port: 1, token: 'short' } } }));
  });

  it('does not wait for one who is still sending', async () => {
    ({ url, token } = (await daemon.client.call('daemon/http', {})).place!);
    const slow = ask({
      host: '127.0.0.1',
      port: port(),
      agent: false,
      method: 'POST',
      path: '/v1/audio/transcriptions',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'multipart/form-data; boundary=b',
        'transfer-encoding': 'chunked',
      },
    });
    const broken = once(slow, 'error');
    slow.write('--b\r\ncontent-disposition: form-data; name="file"; filename="x.wav"\r\n\r\nsome of it');
    for (const until = Date.now() + 5_000; !uploads().length; await new Promise(setImmediate))
      assert.ok(Date.now() < until);
    const { http } = (await daemon.client.call('settings/get', {})).settings;
    await daemon.client.call('settings/set', { values: { http: null } });
    await daemon.client.call('daemon/http', {});
    await broken;
    await cleared();
    await daemon.client.call('settings/set', { values: { http } });
  });

  it('clears away what a crash left', async () => {
    ({ url, token } = (await daemon.client.call('daemon/http', {})).place!);
    const before = new OpenAI({ baseURL: url, apiKey: token, maxRetries: 0 }).audio.transcriptions
      .create(transcribe({ model: 'slow-asr' }))
      .catch(() => {});
    const { job } = (await daemon.event(
      [],
      event => event.type === 'job' && event.job.models.asr === 'slow-asr' && event.job.state === 'processing',
    )) as { job: Job };
    await daemon.kill();
    await before;
    assert.equal(uploads().length, 1);
    await daemon.start();
    await cleared();
    assert.equal((await daemon.client.call('job/get', { id: job.id })).job.state, 'cancelled');
  });

  async function raw(
    options: { path: string; method?: string; headers?: Record<string, string> },
    body: (string | Buffer)[] = [],
  ): Promise<{ status: number; headers: IncomingMessage['headers'] }> {
    const asked = ask({ host: '127.0.0.1', port: port(), agent: false, ...options });
    asked.on('error', () => {});
    for (const part of body) asked.write(part);
    asked.end();
    const [answer] = (await Promise.race([
      once(asked, 'response'),
      once(asked, 'error').then(([error]) => {
        throw error as Error;
      }),
    ])) as [IncomingMessage];
    answer.resume();
    return { status: answer.statusCode!, headers: answer.headers };
  }
});

it('keeps the names of uploads harmless', () => {
  assert.deepEqual(
    [
      '../../etc/passwd',
      'a\\b\\c.wav',
      '',
      undefined,
      '...',
      'x\u0000y\n.mp3',
      '会议 1.m4a',
      `${'l'.repeat(300)}.wav`,
    ].map(fileName),
    ['passwd', 'c.wav', 'audio', 'audio', 'audio', 'x_y_.mp3', '会议 1.m4a', `${'l'.repeat(100)}.wav`],
  );
});

it('speeds speech up and down in steps that ffmpeg takes, and knows languages by their script', () => {
  assert.equal(tempo(4), 'atempo=2,atempo=2');
  assert.equal(tempo(0.25), 'atempo=0.5,atempo=0.5');
  assert.equal(tempo(1.5), 'atempo=1.5');
  assert.deepEqual(['Hello', '你好', 'こんにちは 世界', 'Привет'].map(guessLanguage), ['en', 'zh', 'ja', 'ru']);
});
