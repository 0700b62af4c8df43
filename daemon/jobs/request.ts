/** From a request to a job's row: the recording checked, the stages and their models settled. */
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { EarshotError, failure, thrown, type Failure, badRequest, type BadRequest } from '../../schemas/errors.ts';
import type { JobOptions, JobRequest } from '../../schemas/job.ts';
import type { LiveRequest } from '../../schemas/live.ts';
import { checkLanguage } from '../../client/languages.ts';
import { samePath } from '../../client/same-path.ts';
import type { ModelCard } from '../../schemas/model.ts';
import { STAGES, type Stage } from '../../schemas/words.ts';
import { hintsOf } from '../ingest/text.ts';
import { checkRecording, factsOf, type RecordingFacts } from '../ingest/recording.ts';
import { checkFullPath } from '../system/full-path.ts';
import { servesLanguage } from '../models/defaults.ts';
import { voicesOf } from '../../text/voices.ts';
import type { Defaults } from '../models/models.ts';
import type { JobRow } from '../contracts/store.ts';

/** What the request may choose from. */
export interface Choices {
  card(id: string): ModelCard | undefined;
  /** This machine's models for recognition, repair and translation. */
  defaults(): Promise<Defaults>;
  /** Who recognizes a language that the default recognizer does not know; undefined: nobody. */
  recognizer?(language: string): string | undefined;
  /** Who speaks a language; undefined: nobody. */
  voice(language: string): string | undefined;
  /** Who sums up: `preferred` when it is there, else another that is. */
  summariser?(preferred: string | undefined): string | undefined;
  /** What the settings have against it. */
  forbidden?(card: ModelCard): Failure | null;
  /** Repair without a model, by the recognizer's own doubts where it has any: `repair` is not wanted or not there. */
  repairsWithoutModel?(recognizer: string, repair: string | undefined): boolean;
  /** It is on this machine, or needs nothing there. */
  ready?(model: string): boolean;
}

export const stagesOf = (options: JobOptions): Stage[] =>
  options.source === 'transcript'
    ? ['summary']
    : STAGES.filter(
        stage =>
          stage === 'asr' ||
          (stage === 'repair'
            ? options.repair && options.source !== 'text'
            : stage === 'nmt'
              ? options.translateTo !== undefined
              : options.speak === true),
      );

/** The language that the spoken track is in; null while it is not known. */
export const spokenLanguage = (options: JobOptions, detected: string | null): string | null =>
  options.translateTo ?? options.language ?? detected;

/**
 * The model of each stage, none where the recognizer alone repairs: the request's own, else the default; the voice
 * follows the language, and is left open while that is not known.
 * @throws unknownLanguage, unknownModel, wrongStage, languageNotSupported, noVoice, offline
 */
export function modelsFor(
  options: JobOptions,
  detected: string | null,
  choices: Pick<Choices, 'card' | 'voice' | 'recognizer' | 'forbidden' | 'repairsWithoutModel'>,
  defaults: JobRow['models'],
): JobRow['models'] {
  for (const language of [options.language, options.translateTo]) if (language) checkLanguage(language);
  const models: JobRow['models'] = {};
  const source = options.language ?? detected;
  for (const stage of stagesOf(options)) {
    if (stage === 'asr' && options.source === 'text') continue;
    if (stage === 'repair' && !options.models?.repair && choices.repairsWithoutModel?.(models.asr!, defaults.repair))
      continue;
    // What was heard is no reason to hear it otherwise: the recognizer, or who stands in for it, has done its work.
    const language =
      stage === 'tts' ? spokenLanguage(options, detected) : stage === 'asr' ? (options.language ?? null) : source;
    const id =
      options.models?.[stage] ??
      (stage === 'asr'
        ? recognizerFor(language, defaults.asr, choices)
        : stage !== 'tts'
          ? defaults[stage]
          : language === null
            ? undefined
            : choices.voice(language));
    if (!id) {
      if (stage === 'tts' && language === null) continue;
      throw stage === 'tts'
        ? new EarshotError('noVoice', { language: language! })
        : new EarshotError('languageNotSupported', { language: language ?? undefined, stage });
    }
    const card = choices.card(id);
    if (!card) throw new EarshotError('unknownModel', { model: id });
    const why = choices.forbidden?.(card);
    if (why) throw thrown(why);
    if (!card.stages.includes(stage))
      throw new EarshotError('wrongStage', { model: id, stage, stages: card.stages.join(', ') });
    if (stage === 'tts' && options.voice !== undefined && !voicesOf(card).includes(options.voice))
      throw new EarshotError('noVoice', { model: id }, `one of ${voicesOf(card).join(', ') || 'its own'}`);
    // Of what nobody could tell the language of, its own model says what it makes.
    if (language && language !== 'und' && !servesLanguage(card, language))
      throw new EarshotError('languageNotSupported', { model: id, language, stage });
    const { to } = card.parameters ?? {};
    // Most translators write every language that they read; some were made for one.
    if (stage === 'nmt' && typeof to === 'string' && !servesLanguage({ languages: [to] }, options.translateTo!))
      throw new EarshotError('languageNotSupported', { model: id, language: options.translateTo!, stage });
    models[stage] = id;
  }
  return models;
}

/** The default one, unless it does not know the language and another does. */
function recognizerFor(
  language: string | null,
  preferred: string | undefined,
  { card, recognizer }: Pick<Choices, 'card' | 'recognizer'>,
): string | undefined {
  const chosen = preferred === undefined ? undefined : card(preferred);
  if (!language || !chosen || servesLanguage(chosen, language)) return preferred;
  return recognizer?.(language) ?? preferred;
}

/**
 * `through`: a link may lead out of its folder to it.
 * @throws badRequest, notOnDisk, foreignPath, noSuchFile, notAFile, unreadableFile, emptyFile, recordingChanged
 */
async function inspect(path: string, through: boolean): Promise<{ path: string; name: string } & RecordingFacts> {
  checkFullPath(path);
  await checkRecording(path);
  // A link is followed now, and never again.
  const real = await realpath(path);
  if (!through && !samePath(dirname(real), await realpath(dirname(path))))
    throw new EarshotError('recordingChanged', { path });
  return { path: real, name: basename(path), ...(await factsOf(real)) };
}

/** What the recording was when the job was made. */
export const submittedFacts = ({ bytes, modifiedAt, fileId = null }: JobRow): RecordingFacts => ({
  bytes,
  modifiedAt,
  fileId,
});

/** What a live session cannot have: a folder of its own, a picture, other tracks. @throws badRequest */
function checkLive({ options, saveTo }: LiveRequest): JobOptions {
  const { outputs } = options,
    refuse = (field: string, why: BadRequest): never => {
      throw badRequest(field, why);
    };
  if (outputs?.mux) refuse('options.outputs.mux', 'noPicture');
  if (options.audioTrack) refuse('options.audioTrack', 'oneTrack');
  if (saveTo !== undefined) checkFullPath(saveTo);
  if (outputs?.directory === undefined && (Boolean(outputs?.formats.length) || options.speak === true))
    refuse('options.outputs.directory', 'folderNeeded');
  if (outputs?.directory !== undefined) checkFullPath(outputs.directory);
  // Nothing is written that nobody asked for.
  return { ...options, outputs: outputs ?? { formats: [] } };
}

/** `input`: where its sound will lie. @throws badRequest, outputNotWritable, and what modelsFor throws */
export async function toLiveRow(
  request: LiveRequest,
  id: string,
  now: number,
  choices: Choices,
  input: string,
): Promise<JobRow> {
  const options = checkLive(request),
    { format, saveTo, priority, partials } = request;
  if (
    saveTo !== undefined &&
    (await stat(saveTo).then(
      () => true,
      () => false,
    ))
  )
    throw new EarshotError('outputNotWritable', { path: saveTo }, 'there is a file of this name already');
  const { models: defaults } = await choices.defaults();
  const name =
    request.name ?? `Live ${new Date(now).toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.')}`;
  return {
    id,
    path: saveTo ?? input,
    name,
    bytes: 0,
    modifiedAt: now,
    durationMs: null,
    fingerprint: createHash('sha256').update(`live ${id}`).digest('hex'),
    options,
    stages: stagesOf(options),
    models: modelsFor(options, null, choices, defaults),
    priority: priority ?? 'high',
    position: now,
    state: 'pending',
    createdAt: now,
    startedAt: null,
    finishedAt: null,
    language: options.language ?? null,
    ingested: false,
    ingestedMs: 0,
    failure: null,
    warnings: [],
    outputs: [],
    overtaken: 0,
    crashes: 0,
    live: {
      format,
      open: true,
      ...(saveTo === undefined ? {} : { saveTo }),
      ...(partials ? { partials: true as const } : {}),
    },
  };
}

/** How a job is made where nobody asked for this very recording at this moment. */
export interface Unasked {
  /** Its models, where somebody else has chosen them. */
  models?: JobRow['models'];
  /** False: no link may lead out of its folder to the recording. */
  through?: boolean;
}

/** `position`: later than all others of its priority. @throws what inspect and modelsFor throw */
export async function toRow(
  request: JobRequest,
  id: string,
  now: number,
  choices: Choices,
  position: number,
  { models: settled, through = true }: Unasked = {},
): Promise<JobRow> {
  const file = await inspect(request.recording, through);
  const { options } = request,
    { summary: _, ...made } = options;
  if (options.source === 'transcript' || options.transcript !== undefined)
    throw badRequest('options.source', 'summaryElsewhere');
  if (options.source === 'text' && !options.language)
    throw new EarshotError('languageNeeded', { path: request.recording });
  if (options.source === 'text') hintsOf(options);
  if (options.source === 'text' && !options.translateTo && !options.speak)
    throw badRequest('options.speak', 'translatedOrSpoken');
  const { models: defaults, substitutions } = await choices.defaults();
  const models = settled ?? modelsFor(options, null, choices, defaults);
  const warnings = (settled ? [] : substitutions)
    .filter(each => models[each.stage] === each.instead)
    .map(({ stage, wanted, instead, failure: why }) =>
      failure('modelReplaced', { model: wanted, instead, stage, cause: why.code }, why.detail),
    );
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([file.path, file.bytes, file.modifiedAt, made]))
    .digest('hex');
  return {
    id,
    ...file,
    durationMs: null,
    fingerprint,
    options,
    stages: stagesOf(options),
    models,
    priority: request.priority ?? 'normal',
    position,
    state: 'pending',
    createdAt: now,
    startedAt: null,
    finishedAt: null,
    language: options.language ?? null,
    ingested: false,
    ingestedMs: 0,
    failure: null,
    warnings,
    outputs: [],
    overtaken: 0,
    crashes: 0,
  };
}
