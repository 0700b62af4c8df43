/** What voices there are and how they sound. */
import { createHash } from 'node:crypto';
import { rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder, moveOwn, writeAnew } from '../../../client/files.ts';
import { EarshotError } from '../../../schemas/errors.ts';
import type { ModelCard, VoiceChoice } from '../../../schemas/model.ts';
import type { Params } from '../../../schemas/rpc.ts';
import { sampleSentence } from '../../../text/sample-sentences.ts';
import { speakText } from '../../pipeline/awaited-job.ts';
import type { MethodDeps } from './method-deps.ts';
import type { Handlers } from './server.ts';

type Wanted = Params<'voice/sample'>;

export function voiceMethods(deps: MethodDeps) {
  const { models, engines, home, clock, pipeline, listen } = deps;
  /** One sentence is spoken once, however often it is asked for meanwhile. */
  const speaking = new Map<string, Promise<string>>();

  const voicesOfModel = (id: string): { card: ModelCard; voices: VoiceChoice[] } => {
    const card = models.card(id);
    if (!card.stages.includes('tts')) throw new EarshotError('noVoice', { model: id });
    const engine = engines.find(each => each.id === card.engine);
    if (!engine?.voicesIn) {
      const [language = 'en'] = card.languages;
      return { card, voices: [{ voice: null, language, pitch: null }] };
    }
    // "en" and "en-US" are the same voices.
    const known = new Map<string, VoiceChoice>();
    for (const language of card.languages)
      for (const { name, pitch } of engine.voicesIn(card, language))
        if (!known.has(name)) known.set(name, { voice: name, language, pitch });
    return { card, voices: [...known.values()] };
  };

  const speak = async (card: ModelCard, { voice, language }: Wanted, target: string): Promise<string> => {
    const place = join(home.state, 'samples', basename(target, '.wav'));
    await rm(place, { recursive: true, force: true });
    await makeFolder(place, 0o700);
    try {
      const recording = join(place, `${voice ?? card.id}.txt`);
      await writeAnew(recording, sampleSentence(language), 0o600);
      const { job, track } = await speakText(
        { queue: pipeline.queue, present: id => pipeline.present(id), listen },
        { recording, language, model: card.id, voice: voice ?? undefined, signal: new AbortController().signal },
      );
      await moveOwn(track, target);
      // Nobody looks for it among the recordings.
      pipeline.queue.remove([job.id]);
      return target;
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  };

  return {
    'voice/list': ({ model }) => ({ voices: voicesOfModel(model).voices }),
    'voice/sample': async wanted => {
      const { card, voices } = voicesOfModel(wanted.model);
      if (!voices.some(({ voice, language }) => voice === wanted.voice && language === wanted.language))
        throw new EarshotError('noVoice', { model: card.id });
      const key = createHash('sha256')
        .update(JSON.stringify([card.id, card.files.map(file => file.sha256), wanted.voice, wanted.language]))
        .digest('hex')
        .slice(0, 32);
      const target = join(home.playback, `${key}.wav`),
        now = clock() / 1000;
      const made = await stat(target).then(
        ({ size }) => size > 0,
        () => false,
      );
      if (made) {
        await utimes(target, now, now);
        return { path: target };
      }
      const spoken = speaking.get(key) ?? speak(card, wanted, target).finally(() => speaking.delete(key));
      speaking.set(key, spoken);
      return { path: await spoken };
    },
  } satisfies Partial<Handlers>;
}
