/** The tools of `earshot mcp`. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { Type, type Static, type TSchema } from 'typebox';
import type { Client } from '../client/client.ts';
import { EarshotError, thrown, badRequest } from '../schemas/errors.ts';
import type { MarkedText } from '../schemas/search.ts';
import { Closed, Format, isFinal, Language, Optional, Path, Priority } from '../schemas/words.ts';
import { clockText } from '../text/messages/figures.ts';
import { harmlessLine, harmlessLines } from '../text/harmless.ts';
import { findJob } from './jobs.ts';
import { fileAsked } from './mcp-arguments.ts';
import { facts, failureText, follow, placeOf, progressOf, timed } from './mcp-jobs.ts';
import type { Session } from './session.ts';

/** What a call may use. */
export interface Call {
  session: Session;
  client: Client;
  signal: AbortSignal;
  progress(done: number, total: number | undefined, message: string): void;
}
interface ToolOf<S extends TSchema> {
  name: string;
  description: string;
  input: S;
  readOnly: boolean;
  run(args: Static<S>, call: Call): Promise<CallToolResult>;
}

/** What a tool answers: a text, and the same for programs. Nothing in it is hidden from people who read along. */
export const textResult = (text: string, structured?: Record<string, unknown>): CallToolResult => ({
  content: [{ type: 'text', text: harmlessLines(text) }],
  ...(structured ? { structuredContent: structured } : {}),
});

const JobName = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'Id of a transcription, the end of one, part of its file name, or "last".',
});

const transcribe: ToolOf<typeof TranscribeInput> = {
  name: 'transcribe',
  readOnly: false,
  description:
    'Transcribe an audio or video file of this machine with local models; optionally translate it. ' +
    'Answers with the text, each utterance with its time. ' +
    'Long files take minutes: give wait=false to get an id at once and read_transcript later.',
  get input() {
    return TranscribeInput;
  },
  async run(args, { session, client, signal, progress }) {
    const {
      results: [answer],
    } = await client.call('job/submit', {
      jobs: [
        {
          recording: fileAsked(args.path),
          priority: args.priority ?? 'high',
          options: {
            repair: args.repair ?? true,
            outputs: { formats: args.formats ?? [] },
            ...(args.language ? { language: args.language } : {}),
            ...(args.translate_to ? { translateTo: args.translate_to } : {}),
            ...(args.prompt ? { prompt: args.prompt } : {}),
            ...(args.model ? { models: { asr: args.model } } : {}),
          },
        },
      ],
    });
    if ('failure' in answer!) throw thrown(answer.failure);
    const { job, existing } = answer!;
    if (args.wait === false)
      return textResult(`Transcription ${job.id} is in the queue (${job.state}).`, facts(job, session));
    // One that was there before belongs to somebody else too: it goes on.
    const ended = await follow(client, job, signal, now => progress(...progressOf(now, session)), !existing);
    if (ended.state === 'cancelled') throw new EarshotError('cancelled');
    const { utterances } = await client.call('job/utterances', { id: job.id });
    const text = timed(utterances) || '(no speech)';
    const trouble = ended.failure ? `\n\nNot complete: ${failureText(ended.failure, session, args.path)}` : '';
    const wrote = ended.outputs.length ? `\n\nWrote ${ended.outputs.map(output => output.path).join(', ')}` : '';
    return {
      ...textResult(`${text}${trouble}${wrote}`, facts(ended, session)),
      ...(ended.state === 'failed' ? { isError: true } : {}),
    };
  },
};
const TranscribeInput = Closed({
  path: Path,
  language: Optional(Language),
  translate_to: Optional(Language),
  model: Optional(
    Type.String({ maxLength: 200, description: "A recognizer's id; without it this machine's default." }),
  ),
  prompt: Optional(Type.String({ maxLength: 2000, description: 'Names and subject, to hear them right.' })),
  repair: Optional(Type.Boolean({ description: 'Repair what was misheard; true when missing.' })),
  formats: Optional(
    Type.Array(Format, { maxItems: 6, description: 'Files to write beside the recording; none when missing.' }),
  ),
  priority: Optional(Priority),
  wait: Optional(Type.Boolean({ description: 'Wait for the end; true when missing.' })),
});

const SearchInput = Closed({
  words: Type.String({
    minLength: 1,
    maxLength: 500,
    description: 'Words that must all be there, "phrases" and beginnings*.',
  }),
  language: Optional(Language),
  path: Optional(Type.String({ maxLength: 500, description: "Words of the recording's path." })),
  since: Optional(Type.String({ maxLength: 40, description: 'A date such as 2026-01-31.' })),
  limit: Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  cursor: Optional(Type.Integer({ minimum: 0 })),
});
const search: ToolOf<typeof SearchInput> = {
  name: 'search_transcripts',
  readOnly: true,
  input: SearchInput,
  description:
    'Find words in everything that was ever transcribed on this machine. ' +
    'Answers with the recording, the moment and the text around each match, best first.',
  async run({ since, limit = 20, ...query }, { client, session }) {
    const at = since === undefined ? undefined : Date.parse(since);
    if (at !== undefined && !(at >= 0)) throw badRequest('since', 'date');
    const { hits, next, total } = await client.call('search/find', {
      ...query,
      limit,
      ...(at === undefined ? {} : { since: at }),
    });
    const marked = ({ text, marks }: MarkedText): string =>
      marks.reduceRight(
        (line, [from, to]) => `${line.slice(0, from)}**${line.slice(from, to)}**${line.slice(to)}`,
        text,
      );
    const lines = hits.map(hit => {
      const text = marked(hit.text) + (hit.translation ? ` → ${marked(hit.translation)}` : '');
      return harmlessLine(`${placeOf(hit.recording, session)} [${clockText(hit.atMs)}] ${text} (${hit.job})`);
    });
    return textResult(
      lines.length
        ? `${lines.join('\n')}${next === null ? '' : `\n(${total - hits.length} more)`}`
        : 'Nothing was found.',
      {
        hits: hits.map(({ job, recording, index, startMs, endMs, atMs, text, translation }) => ({
          job,
          path: placeOf(recording, session),
          index,
          startMs,
          endMs,
          atMs,
          text: harmlessLine(text.text),
          translation: translation && harmlessLine(translation.text),
        })),
        next,
        total,
      },
    );
  },
};

const ReadInput = Closed({
  transcript: JobName,
  format: Optional(
    Type.Enum(['timed', 'txt', 'md', 'srt', 'vtt', 'json'], {
      description: 'timed (a line an utterance, when missing), or a document.',
    }),
  ),
  from_seconds: Optional(Type.Number({ minimum: 0 })),
  to_seconds: Optional(Type.Number({ minimum: 0 })),
});
const read: ToolOf<typeof ReadInput> = {
  name: 'read_transcript',
  readOnly: true,
  input: ReadInput,
  description: 'Read a transcript, also of a transcription that still runs, or a part of it by time.',
  async run({ transcript, format = 'timed', from_seconds: from = 0, to_seconds: to = Infinity }, { session, client }) {
    const job = await findJob(client, session, transcript);
    if (format !== 'timed')
      return textResult(
        (
          await client.call('job/render', {
            id: job.id,
            format,
            ...(job.options.translateTo && format !== 'json' ? { text: 'bilingual' as const } : {}),
          })
        ).text,
        facts(job, session),
      );
    const { utterances } = await client.call('job/utterances', { id: job.id });
    const text = timed(utterances.filter(each => each.endMs > from * 1000 && each.startMs < to * 1000));
    const [, , how] = progressOf(job, session),
      state = isFinal(job.state) ? job.state : `${job.state} (${how})`;
    return textResult(
      `${harmlessLine(job.recording.name)}, ${state}\n\n${text || '(nothing yet)'}`,
      facts(job, session),
    );
  },
};

export const TOOLS = [transcribe, search, read] as unknown as readonly ToolOf<TSchema>[];
