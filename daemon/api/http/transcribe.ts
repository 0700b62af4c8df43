/** POST /v1/audio/transcriptions and /v1/audio/translations. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JobOptions, Transcript } from '../../../schemas/job.ts';
import { render } from '../../../text/transcripts/render.ts';
import { awaitJob } from '../../pipeline/awaited-job.ts';
import { HttpProblem, errorBody, languageCode, problemOf, sendJson } from './problem.ts';
import type { RequestContext } from './request-context.ts';
import { piece, RESPONSE_FORMATS, said, usage, verbose, wholeText, type ResponseFormat } from './shapes.ts';
import { receiveForm, type Form } from './upload.ts';

export type Task = 'transcribe' | 'translate';

interface Wanted {
  options: JobOptions;
  format: ResponseFormat;
  stream: boolean;
  words: boolean;
  segments: boolean;
}

const LONGEST_PROMPT = 2000;

/** Yes and no as programs of every language write them. @throws HttpProblem */
function flag(name: string, text: string | undefined): boolean {
  if (text === undefined || /^(false|0|no|off)$/i.test(text)) return false;
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  throw new HttpProblem(400, 'bad_type', `${name} must be true or false.`, name);
}

/** A field that may come several times: one each, a JSON array of them, or several with commas between them. */
const severalOf = (fields: Form['fields'], name: string): string[] =>
  [`${name}[]`, name]
    .flatMap(each => fields.get(each) ?? [])
    .flatMap(text => text.split(/[[\]"',\s]+/))
    .filter(each => !isAbsent(each));

/** @throws HttpProblem */
function granularitiesIn(given: readonly string[]): ('word' | 'segment')[] {
  return given.map(each => {
    if (each === 'word' || each === 'segment') return each;
    throw new HttpProblem(
      400,
      'bad_granularity',
      'timestamp_granularities[] must be word or segment.',
      'timestamp_granularities',
    );
  });
}

/**
 * Fields that change nothing here, as no engine of ours has them; what nobody could take is refused all the same, so
 * that a program that is wrong finds out. @throws HttpProblem
 */
function checkUnused(one: (name: string) => string | undefined, many: (name: string) => readonly string[]): void {
  const temperature = one('temperature');
  if (temperature !== undefined && !(Number(temperature) >= 0 && Number(temperature) <= 1))
    throw new HttpProblem(400, 'bad_temperature', 'temperature must be a number from 0 to 1.', 'temperature');
  if (many('include').some(each => each !== 'logprobs'))
    throw new HttpProblem(400, 'bad_include', 'include[] must be logprobs.', 'include');
  const chunking = one('chunking_strategy');
  if (chunking !== undefined && chunking !== 'auto' && !isJsonObject(chunking))
    throw new HttpProblem(
      400,
      'bad_chunking_strategy',
      'chunking_strategy must be auto, or a JSON object.',
      'chunking_strategy',
    );
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** What programs write into a form for nothing. */
const isAbsent = (text: string): boolean => /^(null|undefined|none)?$/i.test(text);

/** The end of it, from the beginning of a word: what comes last stands nearest to what is said. */
const endOf = (prompt: string): string =>
  prompt.length <= LONGEST_PROMPT
    ? prompt
    : prompt.slice(-LONGEST_PROMPT).replace(/^(?:\S{0,40}\s+|[\udc00-\udfff])/, '');

/** What the form asks for; fields that only OpenAI's own models know are left aside. @throws HttpProblem */
export function wantedOf(form: Form, task: Task, context: Pick<RequestContext, 'modelFor'>): Wanted {
  const one = (name: string): string | undefined => {
    const text = form.fields.get(name)?.at(-1)?.trim() ?? '';
    return isAbsent(text) ? undefined : text;
  };
  const format = one('response_format') ?? 'json',
    prompt = one('prompt');
  if (!RESPONSE_FORMATS.includes(format as ResponseFormat))
    throw new HttpProblem(
      400,
      'bad_response_format',
      `response_format must be one of ${RESPONSE_FORMATS.join(', ')}.`,
      'response_format',
    );
  const language = languageCode(one('language'));
  const granularities = granularitiesIn(severalOf(form.fields, 'timestamp_granularities'));
  checkUnused(one, name => severalOf(form.fields, name));
  const stream = flag('stream', one('stream'));
  if (stream && format !== 'json' && format !== 'text')
    throw new HttpProblem(400, 'bad_response_format', 'stream goes with response_format json or text.', 'stream');
  const model = context.modelFor('asr', one('model'));
  const options: JobOptions = {
    repair: flag('repair', one('repair')),
    outputs: { formats: [] },
    ...(language ? { language: language.split('-')[0]! } : {}),
    ...(prompt ? { prompt: endOf(prompt) } : {}),
    ...(model ? { models: { asr: model } } : {}),
    ...(task === 'translate' ? { translateTo: 'en' } : {}),
  };
  return {
    options,
    format: format as ResponseFormat,
    stream,
    words: granularities.includes('word'),
    segments: granularities.length === 0 || granularities.includes('segment'),
  };
}

export async function transcribe(
  context: RequestContext,
  task: Task,
  request: IncomingMessage,
  response: ServerResponse,
  place: string,
  signal: AbortSignal,
): Promise<void> {
  const form = await receiveForm(request, place, context.maxUploadBytes());
  if (form.file === null) throw new HttpProblem(400, 'no_file', 'The form has no file.', 'file');
  const wanted = wantedOf(form, task, context),
    translated = task === 'translate';
  const send = wanted.stream ? streaming(response) : null;
  let text = '',
    next = 0;
  try {
    const job = await awaitJob(context, {
      recording: form.file,
      options: wanted.options,
      priority: 'high',
      signal,
      // In order, as each is settled: the last text stage is the one that is sent.
      onUtterance: utterance => {
        if (
          !send ||
          utterance.index !== next ||
          !(utterance.failed || (translated ? utterance.nmt : wanted.options.repair ? utterance.repair : utterance.asr))
        )
          return;
        next++;
        const delta = piece(text, said(utterance, translated));
        text += delta;
        if (delta) send({ type: 'transcript.text.delta', delta });
      },
    });
    const transcript = context.transcript(job.id);
    if (!send) {
      answer(response, transcript, wanted, task);
      return;
    }
    send({
      type: 'transcript.text.done',
      text: wholeText(transcript.utterances, translated),
      usage: usage(transcript),
    });
    response.end();
  } catch (error) {
    if (!send || !response.headersSent) throw error;
    send(errorBody(problemOf(error)));
    response.end();
  }
}

/** Server-sent events, from now on. */
function streaming(response: ServerResponse): (event: object) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
  return event => {
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
}

function answer(
  response: ServerResponse,
  transcript: Transcript,
  { format, words, segments }: Wanted,
  task: Task,
): void {
  const translated = task === 'translate';
  const plain = (text: string, type = 'text/plain'): void => {
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` });
    response.end(text);
  };
  switch (format) {
    case 'json':
      sendJson(response, 200, { text: wholeText(transcript.utterances, translated), usage: usage(transcript) });
      return;
    case 'verbose_json':
      sendJson(response, 200, verbose(transcript, { task, words, segments }));
      return;
    case 'text':
      plain(`${wholeText(transcript.utterances, translated)}\n`);
      return;
    case 'srt':
      plain(render(transcript, 'srt', { text: translated ? 'translation' : 'original' }));
      return;
    case 'vtt':
      plain(render(transcript, 'vtt', { text: translated ? 'translation' : 'original' }), 'text/vtt');
      return;
  }
}
