/**
 * OpenAI's own client on the real recogniser and the real voice: words with their times, and a text that comes back as
 * it was spoken.
 */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';

it('hears, and speaks so that it hears itself', { timeout: 240_000 }, async () => {
  const daemon = await new RealDaemon({ settings: { http: { port: 0 } } }).start();
  try {
    const { url, token } = (await daemon.client.call('daemon/http', {})).place!;
    const client = new OpenAI({ baseURL: url, apiKey: token, maxRetries: 0 });
    const { text, words, language } = await client.audio.transcriptions.create({
      file: createReadStream(join(SAMPLES, 'sense-and-sensibility.flac')),
      model: 'whisper-1',
      response_format: 'verbose_json',
      timestamp_granularities: ['word'],
    });
    assert.equal(language, 'english');
    assert.match(text, /John Dashwood/i);
    assert.ok(words!.length > 20 && words!.every((word, n) => n === 0 || word.start >= words![n - 1]!.start));
    const spoken = await client.audio.speech.create({
      model: 'tts-1',
      voice: 'alloy',
      input: 'The quick brown fox jumps over the lazy dog.',
      response_format: 'mp3',
    });
    const heard = await client.audio.transcriptions.create({
      file: await toFile(Buffer.from(await spoken.arrayBuffer()), 'spoken.mp3'),
      model: 'whisper-1',
      language: 'en',
    });
    assert.match(heard.text, /quick brown fox .*lazy dog/i);
  } finally {
    await daemon.close();
  }
});
