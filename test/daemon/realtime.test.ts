/** Realtime transcription over WebSocket, by OpenAI's own client and by a bare one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime';
import type { Job } from '../../schemas/job.ts';
import { WebSocket, type ClientOptions } from 'ws';
import { fakeModel } from './harness.ts';
import { RealDaemon, SAMPLES } from './real.ts';

const SPEECH = join(SAMPLES, 'sense-and-sensibility.flac');

describe('realtime transcription', { timeout: 180_000 }, () => {
  let daemon: RealDaemon,
    client: OpenAI,
    url = '',
    token = '',
    pcm: Buffer,
    alaw: Buffer;
  before(async () => {
    daemon = await new RealDaemon({
      models: [fakeModel('fake-asr', 'asr', { ms: 20 }), fakeModel('slow-asr', 'asr', { ms: 600_000 })],
      settings: { http: { port: 0 }, yieldTo: 'never', defaultModels: { asr: 'fake-asr' } },
    }).start();
    ({ url, token } = (await daemon.client.call('daemon/http', {})).place!);
    client = new OpenAI({ baseURL: url, apiKey: token });
    const { ffmpeg } = await daemon.client.call('live/recorder', {});
    const decoded = (...args: string[]): Buffer =>
      spawnSync(ffmpeg, ['-v', 'error', '-i', SPEECH, '-ac', '1', ...args, '-'], { maxBuffer: 1e8 }).stdout;
    pcm = decoded('-ar', '24000', '-f', 's16le');
    alaw = decoded('-ar', '8000', '-f', 'alaw');
  });
  after(() => daemon.close());

  /** Their client insists on TLS, which nobody needs on a loopback: it is given the bare connection. */
  const open = (): OpenAIRealtimeWS =>
    new OpenAIRealtimeWS(
      { intent: 'transcription', options: { createConnection: () => connect(Number(new URL(url).port), '127.0.0.1') } },
      client,
    );
  /** Everything that the server says; `until` resolves with the first that fits, from `from` on. */
  const listening = (realtime: OpenAIRealtimeWS) => {
    const said: RealtimeServerEvent[] = [];
    let look = (): void => {};
    realtime.on('event', event => {
      said.push(event);
      look();
    });
    realtime.on('error', () => {}); // among the events
    return {
      said,
      of: <T extends RealtimeServerEvent['type']>(type: T) =>
        said.filter((event): event is Extract<RealtimeServerEvent, { type: T }> => event.type === type),
      until: (fits: () => boolean): Promise<void> =>
        new Promise((resolve, reject) => {
          look = () => {
            if (fits()) resolve();
          };
          realtime.socket.once('close', code => reject(new Error(`closed: ${code} ${JSON.stringify(said.at(-1))}`)));
          look();
        }),
    };
  };
  const send = (realtime: OpenAIRealtimeWS, sound: Buffer, piece = 48_000): void => {
    for (let at = 0; at < sound.length; at += piece)
      realtime.send({
        type: 'input_audio_buffer.append',
        audio: sound.subarray(at, Math.min(sound.length, at + piece)).toString('base64'),
      });
  };
  const newest = async () => (await daemon.client.call('job/list', { limit: 1 })).jobs[0]!;
  /** The session that the first sound opens. */
  const opened = async (): Promise<Job> => {
    for (;;) {
      const { jobs } = await daemon.client.call('job/list', { limit: 1 });
      if (jobs[0]?.live?.open) return jobs[0];
      await new Promise(setImmediate);
    }
  };
  const texts = async (id: string): Promise<string[]> =>
    (await daemon.client.call('job/utterances', { id })).utterances.map(({ asr }) => asr!.text);

  it('finds the turns by itself: an item for each utterance, its text as it comes, and then whole', async () => {
    const realtime = open(),
      heard = listening(realtime);
    await once(realtime.socket, 'open');
    realtime.send({
      type: 'session.update',
      session: { type: 'transcription', audio: { input: { transcription: { model: 'whisper-1', language: 'en' } } } },
    });
    await heard.until(() => heard.of('session.updated').length === 1);
    send(realtime, pcm);
    realtime.send({ type: 'input_audio_buffer.commit' });
    const completed = () => heard.of('conversation.item.input_audio_transcription.completed');
    await heard.until(() => completed().length === 5);
    const [job] = (await daemon.ended([await newest()])) as [Job];
    assert.deepEqual(
      completed().map(({ transcript }) => transcript),
      await texts(job.id),
    );
    assert.deepEqual([job.state, job.options.language, job.outputs], ['completed', 'en', []]);
    const committed = heard.of('input_audio_buffer.committed');
    assert.deepEqual(
      committed.map(({ previous_item_id: previous }) => previous),
      [null, ...committed.slice(0, -1).map(({ item_id }) => item_id)],
    );
    assert.deepEqual(
      completed().map(({ item_id }) => item_id),
      committed.map(({ item_id }) => item_id),
    );
    for (const { item_id, transcript } of completed()) {
      const types = heard.said.filter(event => 'item_id' in event && event.item_id === item_id).map(({ type }) => type),
        order = ['speech_started', 'speech_stopped', 'committed'].map(type =>
          types.indexOf(`input_audio_buffer.${type}` as RealtimeServerEvent['type']),
        );
      assert.ok(
        order.every((place, n) => place >= 0 && (n === 0 || place > order[n - 1]!)),
        types.join(),
      );
      assert.equal(types.at(-1), 'conversation.item.input_audio_transcription.completed');
      assert.equal(
        heard
          .of('conversation.item.input_audio_transcription.delta')
          .filter(event => event.item_id === item_id)
          .map(({ delta }) => delta)
          .join(''),
        transcript,
      );
    }
    realtime.close();
  });

  it('says the words of an utterance while it is still being said', async () => {
    const realtime = open(),
      heard = listening(realtime);
    await once(realtime.socket, 'open');
    realtime.send({
      type: 'session.update',
      session: { type: 'transcription', audio: { input: { transcription: { model: 'fake-asr', language: 'en' } } } },
    });
    await heard.until(() => heard.of('session.updated').length === 1);
    // The first utterance is 7 s long. What one pass heard, another one over more of it has to hear too.
    send(realtime, pcm.subarray(0, 48_000 * 3));
    const job = await opened();
    await daemon.event([job], event => event.type === 'partial' && event.job === job.id);
    send(realtime, pcm.subarray(48_000 * 3, 48_000 * 6));
    const deltas = () => heard.of('conversation.item.input_audio_transcription.delta');
    await heard.until(() => deltas().length > 0);
    assert.match(deltas()[0]!.delta!, /^utterance 0/);
    assert.equal(heard.of('input_audio_buffer.speech_started').length, 1);
    assert.deepEqual(heard.of('input_audio_buffer.committed'), []);
    send(realtime, pcm.subarray(48_000 * 6, 48_000 * 9));
    realtime.send({ type: 'input_audio_buffer.commit' });
    const completed = () => heard.of('conversation.item.input_audio_transcription.completed');
    await heard.until(() => completed().length > 0);
    const [first] = completed();
    assert.equal(
      deltas()
        .filter(({ item_id }) => item_id === first!.item_id)
        .map(({ delta }) => delta)
        .join(''),
      first!.transcript,
    );
    realtime.close();
  });

  it('what the client commits is one item, and the next sound another; G.711 too', async () => {
    const realtime = open(),
      heard = listening(realtime);
    await once(realtime.socket, 'open');
    const completed = () => heard.of('conversation.item.input_audio_transcription.completed');
    realtime.send({
      type: 'session.update',
      session: { type: 'transcription', audio: { input: { turn_detection: null } } },
    });
    send(realtime, pcm);
    realtime.send({ type: 'input_audio_buffer.commit' });
    await heard.until(() => completed().length === 1);
    assert.equal(completed()[0]!.transcript, (await texts((await newest()).id)).join(' '));
    assert.equal(Math.round((completed()[0]!.usage as { seconds: number }).seconds), 28);
    realtime.send({
      type: 'session.update',
      session: { type: 'transcription', audio: { input: { format: { type: 'audio/pcma' } } } },
    });
    send(realtime, alaw.subarray(0, 8000 * 9));
    // Thrown away: it belongs to no item.
    realtime.send({ type: 'input_audio_buffer.clear' });
    send(realtime, alaw.subarray(0, 8000 * 9));
    realtime.send({ type: 'input_audio_buffer.commit' });
    await heard.until(() => completed().length === 2);
    const job = await newest();
    assert.equal(completed()[1]!.transcript, (await texts(job.id)).join(' '));
    assert.equal(job.recording.durationMs, 9000);
    assert.deepEqual(heard.of('error'), []);
    realtime.close();
  });

  it('says what is wrong with a message, and goes on', async () => {
    const realtime = open(),
      heard = listening(realtime);
    await once(realtime.socket, 'open');
    const input = (value: object) =>
      ({ type: 'session.update', session: { type: 'transcription', audio: { input: value } } }) as const;
    const wrong: [string, string, object][] = [
      ['bad_json', '', {}],
      ['unknown_event', 'type', { type: 'response.create', event_id: 'mine' }],
      ['invalid_value', 'audio', { type: 'input_audio_buffer.append', audio: 'no base64' }],
      ['invalid_value', 'audio', { type: 'input_audio_buffer.append' }],
      ['input_audio_buffer_commit_empty', '', { type: 'input_audio_buffer.commit' }],
      ['model_not_found', 'model', input({ transcription: { model: 'nobody' } })],
      ['bad_language', 'language', input({ transcription: { language: 'English!' } })],
      ['invalid_value', 'session.audio.input.format.type', input({ format: { type: 'audio/ogg' } })],
    ];
    for (const [n, [code, param, message]] of wrong.entries()) {
      if (n === 0) realtime.socket.send('{"type":');
      else realtime.send(message as never);
      await heard.until(() => heard.of('error').length === n + 1);
      const { error } = heard.of('error').at(-1)!;
      assert.deepEqual([error.code, error.param ?? ''], [code, param], error.message);
    }
    assert.equal(heard.of('error')[1]!.error.event_id, 'mine');
    realtime.send(input({ transcription: { model: 'fake-asr' } }));
    await heard.until(() => heard.of('session.updated').length === 1);
    realtime.close();
  });

  it('whoever leaves has his session canceled', async () => {
    const realtime = open(),
      heard = listening(realtime);
    await once(realtime.socket, 'open');
    realtime.send({
      type: 'session.update',
      session: { type: 'transcription', audio: { input: { transcription: { model: 'slow-asr' } } } },
    });
    await heard.until(() => heard.of('session.updated').length === 1);
    send(realtime, pcm.subarray(0, 48_000 * 9));
    const job = await opened();
    realtime.close();
    assert.equal((await daemon.ended([job]))[0]!.state, 'cancelled');
  });

  it('the earlier shape, with the token as a protocol, as where no header can be set', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/realtime?intent=transcription`, [
      'realtime',
      `openai-insecure-api-key.${token}`,
    ]);
    const said: { type: string; transcript?: string }[] = [];
    const whole = new Promise<string>(resolve =>
      socket.on('message', (data: Buffer) => {
        const event = JSON.parse(data.toString()) as { type: string; transcript?: string };
        said.push(event);
        if (event.type.endsWith('.completed')) resolve(event.transcript!);
      }),
    );
    await once(socket, 'open');
    assert.equal(socket.protocol, 'realtime');
    socket.send(
      JSON.stringify({
        type: 'transcription_session.update',
        session: {
          input_audio_format: 'pcm16',
          input_audio_transcription: { model: 'gpt-4o-transcribe' },
          turn_detection: null,
        },
      }),
    );
    const audio = pcm.subarray(0, 48_000 * 4).toString('base64');
    socket.send(JSON.stringify({ type: 'input_audio_buffer.append', audio }));
    socket.send(JSON.stringify({ type: 'input_audio_buffer.commit' }));
    assert.match(await whole, /^utterance 0/);
    assert.deepEqual(
      said.map(({ type }) => type).filter(type => !type.includes('delta')),
      [
        'session.created',
        'transcription_session.updated',
        'input_audio_buffer.committed',
        'conversation.item.created',
        'conversation.item.input_audio_transcription.completed',
      ],
    );
    socket.close();
  });

  it('keeps others out', async () => {
    const refused = (path: string, options: ClientOptions): Promise<number> => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, options);
      return new Promise((resolve, reject) => {
        socket.once('unexpected-response', (_, response) => {
          response.resume();
          resolve(response.statusCode!);
        });
        socket.once('error', reject).once('open', () => reject(new Error('open')));
      });
    };
    const headers = { authorization: `Bearer ${token}` },
      good = '/realtime?intent=transcription';
    assert.equal(await refused(good, {}), 401);
    assert.equal(await refused(good, { headers: { authorization: 'Bearer wrong' } }), 401);
    assert.equal(await refused(good, { headers, origin: 'https://a.page' }), 403);
    assert.equal(await refused(good, { headers: { ...headers, host: 'a.page' } }), 403);
    assert.equal(await refused('/audio/speech', { headers }), 404);
    assert.equal(await refused('/realtime?model=gpt-realtime', { headers }), 400);
  });
});
