/** What requests need of the daemon: jobs, transcripts, and installed models by the names that requests give them. */
import type { Transcript } from '../../../schemas/job.ts';
import type { Model } from '../../../schemas/model.ts';
import type { Settings } from '../../../schemas/settings.ts';
import type { Stage } from '../../../schemas/words.ts';
import { servesLanguage } from '../../models/defaults.ts';
import { voicesOf } from '../../../text/voices.ts';
import type { Live } from '../../pipeline/live.ts';
import { sandboxEnabled } from '../../workers/sandbox/sandbox.ts';
import type { AwaitedJobDeps } from '../../pipeline/awaited-job.ts';
import { HttpProblem } from './problem.ts';

export interface RequestDeps extends AwaitedJobDeps {
  live: Pick<Live, 'open' | 'append' | 'close'>;
  settings: () => Settings;
  models: () => Model[];
  transcript(id: string): Transcript;
  ffmpeg(): string;
}

export interface RequestContext extends AwaitedJobDeps {
  live: RequestDeps['live'];
  transcript(id: string): Transcript;
  ffmpeg(): string;
  /** Whether what opens media gets no more permissions than it needs. */
  sandboxed(): boolean;
  maxUploadBytes(): number;
  /** Ids of the installed models of a stage. */
  installed(stage: Stage): string[];
  /**
   * The installed model of this name; undefined: the name is one of OpenAI's own and stands for the default. @throws
   * HttpProblem 404
   */
  modelFor(stage: Stage, name: string | undefined): string | undefined;
  /** A voice of this name, if there is one: a model, or one of those that a model has. */
  voiceNamed(name: string | undefined): { model: string; voice?: string } | undefined;
  speaks(model: string, language: string): boolean;
  languageOf(model: string): string | undefined;
}

const DEFAULT_UPLOAD_BYTES = 1024 ** 3;
/** Names of OpenAI's own models, which programs have built in. */
const THEIRS =
  /^(whisper-1|gpt-4o(-mini)?-(transcribe|tts)(-.*)?|gpt-(audio|live|realtime|transcribe|tts).*|tts-1(-hd)?(-.*)?)$/;

export function createRequestContext(deps: RequestDeps): RequestContext {
  const { queue, present, listen, live, settings, models, transcript, ffmpeg } = deps;
  const cards = (stage: Stage) =>
    models()
      .filter(({ card, state }) => card.stages.includes(stage) && (state === 'installed' || card.files.length === 0))
      .map(model => model.card);
  const find = (stage: Stage, id: string | undefined) => cards(stage).find(card => card.id === id);
  return {
    queue,
    present,
    listen,
    live,
    transcript,
    ffmpeg,
    sandboxed: () => sandboxEnabled(settings()),
    maxUploadBytes: () => settings().http?.maxUploadBytes ?? DEFAULT_UPLOAD_BYTES,
    installed: stage => cards(stage).map(card => card.id),
    modelFor: (stage, name) => {
      if (name === undefined || THEIRS.test(name)) return undefined;
      const known = find(stage, name);
      if (known) return known.id;
      const message = `There is no installed model ${JSON.stringify(name)} for this. GET /v1/models lists them.`;
      throw new HttpProblem(404, 'model_not_found', message, 'model');
    },
    voiceNamed: name => {
      const own = find('tts', name);
      if (own) return { model: own.id };
      const among = cards('tts').find(card => name !== undefined && voicesOf(card).includes(name));
      return among && { model: among.id, voice: name! };
    },
    speaks: (id, language) => cards('tts').some(card => card.id === id && servesLanguage(card, language)),
    languageOf: id => find('tts', id)?.languages[0],
  };
}
