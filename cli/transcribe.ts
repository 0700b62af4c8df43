/** `earshot transcribe`: recordings into the queue, followed to their end. */
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { submit } from '../client/submit.ts';
import type { Client } from '../client/client.ts';
import { EarshotError, badRequest } from '../schemas/errors.ts';
import { voicesOf } from '../text/voices.ts';
import type { Job, JobOptions } from '../schemas/job.ts';
import { languageOf } from '../client/languages.ts';
import { FORMATS, isTextFormat, KINDS_OF_WORK, type Format, type Stage } from '../schemas/words.ts';
import { checkCollection, collect, collects, type CollectOptions } from './collect.ts';
import { encodingOf } from '../text/encoding.ts';
import { formatOf } from '../text/subtitles/convert.ts';
import { glossaryFor, knownSpeakers, readGlossary, rootOf } from '../client/folder-defaults.ts';
import { withPreset } from './presets.ts';
import type { Recipe } from './recipe.ts';
import { recordings } from './recordings.ts';
import { EXIT, type Session } from './session.ts';
import { clean, cleanLines } from './terminal.ts';

export interface TranscribeOptions extends Recipe, CollectOptions {
  json?: boolean;
  detach?: boolean;
  again?: boolean;
}

export async function transcribe(session: Session, files: string[], asked: TranscribeOptions): Promise<void> {
  const given = await withPreset(asked, () => session.client());
  const toStdout = given.output === '-';
  const formats = parseFormats(given.format);
  if (toStdout && (formats?.length ?? 1) > 1) throw badRequest('--format', 'oneFormat');
  const paths = await recordings(files, process.cwd());
  checkCollection(given, paths);
  // Subtitles are read, not recognized: their language is not detected.
  const text = given.language ? undefined : paths.find(path => formatOf(path));
  if (text !== undefined) throw new EarshotError(existsSync(text) ? 'languageNeeded' : 'noSuchFile', { path: text });
  const client = await session.client();
  const options = await jobOptions(client, given, formats, toStdout);
  const glossaries = await Promise.all(
    paths.map(path =>
      given.glossary === false ? { entries: [], read: [] } : glossaryFor(path, process.cwd(), options.glossary ?? []),
    ),
  );
  if (!session.json && !toStdout)
    for (const path of new Set(glossaries.flatMap(({ read }) => read)))
      session.note(`${session.t.hint} ${session.t.glossary(clean(relative(process.cwd(), path)))}`);
  const known = given.speakers
    ? await Promise.all(paths.map(path => knownSpeakers(path, rootOf(path, process.cwd()))))
    : [];
  const results = await submit(
    client,
    paths.map((recording, n) => ({
      recording,
      options: {
        ...options,
        ...(known[n] && Object.keys(known[n]).length > 0 ? { speakers: { ...options.speakers, known: known[n] } } : {}),
        ...(formatOf(recording) ? { source: 'text' as const, repair: false } : {}),
        ...(glossaries[n]!.entries.length ? { glossary: glossaries[n]!.entries } : {}),
      },
      ...(given.priority ? { priority: given.priority } : {}),
      ...(given.again ? { onDuplicate: 'create' as const } : {}),
    })),
  );
  const jobs: Job[] = [];
  for (const [i, result] of results.entries()) {
    if ('failure' in result) {
      session.fail({ ...result.failure, args: { path: paths[i]!, ...result.failure.args } });
    } else {
      if (result.existing && !session.json && !toStdout)
        session.note(`${session.t.hint} ${session.t.tookOver} ${clean(result.job.recording.name)} (${result.job.id})`);
      jobs.push(result.job);
    }
  }
  if (jobs.length === 0) return;
  // What shows it is loaded while the daemon works.
  const { listJobs, sayOutcome, watchJobs } = await import('./watch.ts');
  if (given.detach) return listJobs(session, jobs);
  const { outcome, jobs: ended } = await watchJobs(session, client, jobs, { quiet: toStdout });
  sayOutcome(session, outcome);
  if (ended.some(job => job.state === 'failed'))
    process.exitCode = Math.max(Number(process.exitCode ?? 0), EXIT.failed);
  if (outcome !== 'ended') return;
  if (given.summary) await (await import('./summary.ts')).followSummaries(session, ended, toStdout);
  if (collects(given)) await collect(session, inOrder(jobs, ended), given);
  if (!toStdout) return;
  for (const job of ended) {
    const { text } = await (
      await session.client()
    ).call('job/render', {
      id: job.id,
      format: formats?.find(isTextFormat) ?? 'txt',
      ...(given.text ? { text: given.text } : {}),
    });
    session.out.write(session.out.isTTY ? `${cleanLines(text)}\n` : text.endsWith('\n') ? text : `${text}\n`);
  }
}

/** As they were named, whatever ended first. */
const inOrder = (asked: readonly Job[], ended: readonly Job[]): Job[] => {
  const by = new Map(ended.map(job => [job.id, job]));
  return [...new Set(asked.map(job => job.id))].flatMap(id => by.get(id) ?? []);
};

/** The options of a job as the command line gives them. */
export async function jobOptions(
  client: Client,
  given: Recipe,
  formats: Format[] | undefined,
  toStdout = false,
): Promise<JobOptions> {
  const hints = { language: given.language, encoding: (given.encoding && encodingOf(given.encoding)) || undefined };
  if (given.encoding && !hints.encoding) throw new EarshotError('unknownEncoding', { encoding: given.encoding });
  return {
    repair: given.repair,
    ...(given.language ? { language: languageOf(given.language) } : {}),
    ...(given.translateTo ? { translateTo: languageOf(given.translateTo) } : {}),
    ...(given.speak ? { speak: true } : {}),
    ...(given.speak && given.voice ? { voice: given.voice } : {}),
    ...(given.speakers ? { speakers: given.speakers === true ? {} : { count: given.speakers } } : {}),
    ...(given.summary ? { summary: true } : {}),
    ...(given.prompt ? { prompt: given.prompt } : {}),
    ...(given.encoding === undefined ? {} : { encoding: given.encoding }),
    ...(given.track === undefined ? {} : { audioTrack: given.track }),
    ...(given.glossary ? { glossary: await readGlossary(resolve(given.glossary), hints) } : {}),
    ...(await modelsOf(client, given)),
    ...(await outputsOf(client, given, formats, toStdout)),
  };
}

/** @throws badRequest for a format that there is not */
export function parseFormats(text: string | undefined): Format[] | undefined {
  if (text === undefined) return undefined;
  const formats = [
    ...new Set(
      text
        .split(',')
        .map(each => each.trim().toLowerCase())
        .filter(Boolean),
    ),
  ];
  const wrong = formats.find(each => !(FORMATS as readonly string[]).includes(each));
  if (wrong !== undefined) throw badRequest(`--format ${wrong}`, 'oneOf', FORMATS.join(', '));
  return formats as Format[];
}

/** `--model ID` goes to the stages that the model can do and this job runs; `--model nmt=ID` says which. */
async function modelsOf(client: Client, given: Recipe): Promise<Pick<JobOptions, 'models'>> {
  const models: Partial<Record<Stage, string>> = {};
  const named = [...(given.model ?? []), ...(typeof given.speak === 'string' ? [`tts=${given.speak}`] : [])];
  const asksFor = given.speak === true ? given.voice : undefined;
  if (named.length === 0 && asksFor === undefined) return {};
  const listed = asksFor !== undefined || named.some(each => !each.includes('='));
  const known = listed ? (await client.call('model/list', {})).models : [];
  // Whoever has the voice speaks.
  const speaker = known.find(({ card }) => asksFor !== undefined && voicesOf(card).includes(asksFor));
  if (speaker) models.tts = speaker.card.id;
  else if (asksFor !== undefined) throw new EarshotError('noVoice', {}, `no model has the voice ${asksFor}`);
  for (const each of named) {
    const [left, right] = each.split('=', 2) as [string, string | undefined];
    if (right !== undefined) {
      if (!(KINDS_OF_WORK as readonly string[]).includes(left))
        throw badRequest(`--model ${each}`, 'oneStage', KINDS_OF_WORK.join(', '));
      models[left as Stage] = right;
      continue;
    }
    const stages = known.find(model => model.card.id === each)?.card.stages;
    if (!stages) throw new EarshotError('unknownModel', { model: each });
    for (const stage of stages) models[stage] = each;
  }
  const runs: Record<Stage, boolean> = {
    asr: true,
    repair: given.repair,
    nmt: given.translateTo !== undefined,
    tts: given.speak !== undefined,
    summary: given.summary === true,
  };
  for (const stage of KINDS_OF_WORK) if (!runs[stage]) delete models[stage];
  return { models };
}

async function outputsOf(
  client: Client,
  given: Recipe,
  formats: Format[] | undefined,
  toStdout: boolean,
): Promise<Pick<JobOptions, 'outputs'>> {
  const asked = formats !== undefined || given.output !== undefined || given.mux || given.text || given.audio;
  if (!asked) return {};
  return {
    outputs: {
      formats: toStdout ? [] : (formats ?? [...(await client.call('settings/get', {})).settings.formats]),
      ...(given.output && !toStdout ? { directory: resolve(given.output) } : {}),
      ...(given.text ? { text: given.text } : {}),
      ...(given.audio ? { audio: given.audio } : {}),
      ...(given.mux ? { mux: true } : {}),
    },
  };
}
