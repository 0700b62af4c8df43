/** From a request to a job's row: the recording checked, the stages and their models settled. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { JobOptions, JobRequest } from '../../schemas/job.ts';
import type { ModelCard } from '../../schemas/model.ts';
import { STAGES, type Stage } from '../../schemas/words.ts';
import { checkRecording } from '../ingest/ingest.ts';
import type { JobRow } from '../store/port.ts';

/** What the request may choose from. */
export interface Choices {
  card(id: string): ModelCard | undefined;
  /** The model of a stage on this machine, for a language where that matters; undefined: none speaks it. */
  defaultModel(stage: Stage, language: string | null): string | undefined;
}

export const stagesOf = (options: JobOptions): Stage[] =>
  STAGES.filter(stage => stage === 'asr' || (stage === 'repair' ? options.repair : stage === 'nmt' ? options.translateTo !== undefined : options.speak === true));

/** The language that the spoken track is in; null while it is not known. */
export const spokenLanguage = (options: JobOptions, detected: string | null): string | null => options.translateTo ?? options.language ?? detected;

/** @throws unknownModel, wrongStage, languageNotSupported, noVoice */
export function modelsFor(options: JobOptions, detected: string | null, choices: Choices): JobRow['models'] {
  const models: JobRow['models'] = {};
  const source = options.language ?? detected;
  for (const stage of stagesOf(options)) {
    const language = stage === 'tts' ? spokenLanguage(options, detected) : source;
    if (stage === 'tts' && language === null && !options.models?.tts) continue; // settled once the language is known
    const id = options.models?.[stage] ?? choices.defaultModel(stage, language);
    if (!id) throw new EarshotError(stage === 'tts' ? 'noVoice' : 'languageNotSupported', { language: language ?? '', stage });
    const card = choices.card(id);
    if (!card) throw new EarshotError('unknownModel', { model: id });
    if (!card.stages.includes(stage)) throw new EarshotError('wrongStage', { model: id, stage, stages: card.stages.join(', ') });
    if (language && card.languages.length && !card.languages.some(known => known.split('-')[0] === language.split('-')[0]))
      throw new EarshotError('languageNotSupported', { model: id, language, stage });
    models[stage] = id;
  }
  return models;
}

/** @throws badRequest, noSuchFile, notAFile, unreadableFile, emptyFile */
async function inspect(path: string): Promise<{ path: string; name: string; bytes: number; modifiedAt: number }> {
  if (!isAbsolute(path)) throw new EarshotError('badRequest', { field: 'recording' }, 'the path is not absolute');
  const facts = await checkRecording(path);
  return { path: await realpath(path), name: basename(path), bytes: facts.size, modifiedAt: Math.floor(facts.mtimeMs) };
}

/** `position`: later than all others of its priority. @throws what inspect and modelsFor throw */
export async function toRow(request: JobRequest, id: string, now: number, choices: Choices, position: number): Promise<JobRow> {
  const file = await inspect(request.recording);
  const { options } = request;
  const fingerprint = createHash('sha256').update(JSON.stringify([file.path, file.bytes, file.modifiedAt, options])).digest('hex');
  return {
    id, ...file, durationMs: null, fingerprint, options, stages: stagesOf(options), models: modelsFor(options, null, choices),
    priority: request.priority ?? 'normal', position, state: 'pending', createdAt: now, startedAt: null, finishedAt: null,
    language: options.language ?? null, ingested: false, ingestedMs: 0, failure: null, warnings: [], outputs: [], overtaken: 0, crashes: 0,
  };
}
