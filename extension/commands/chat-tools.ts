/**
 * Tools for chats: transcribe a recording, read a transcript. Both ask before they act, and cut long answers to what
 * the chat has room for.
 */
import * as vscode from 'vscode';
import { isAbsolute } from 'node:path';
import { samePath } from '../../client/same-path.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { sourceText, translatedText, type Utterance } from '../../schemas/job.ts';
import { harmlessLine, harmlessLines } from '../../text/harmless.ts';
import { settled } from '../requests/options.ts';
import { isRecording } from '../requests/recordings.ts';
import { request, type Deps } from '../requests/request.ts';
import { stamp } from '../streaming/layout.ts';
import { endOf, readTranscript } from '../transcript/known.ts';
import { SafeMarkdown } from '../ui/markdown.ts';
import { errorText, failureText, shownName } from '../ui/words.ts';
import { withTarget } from './asked-path.ts';

interface TranscribeInput {
  path: string;
  language?: string;
  translateTo?: string;
  timestamps?: boolean;
}
interface ReadInput {
  path: string;
  fromSeconds?: number;
  toSeconds?: number;
}

/** A chat gets its answer after this long at most; the job goes on. */
const LONGEST_MS = 10 * 60_000,
  MOST_CHARACTERS = 60_000;

function located(path: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  if (isAbsolute(path)) return vscode.Uri.file(path);
  if (!folder) throw new EarshotError('badRequest', { path });
  return vscode.Uri.joinPath(folder.uri, path);
}

/** What a model names, as it will be opened: whoever is asked sees where `..` and links lead. */
const shown = async (path: string): Promise<string> => {
  let full: string;
  try {
    full = located(path).fsPath;
  } catch {
    return path;
  }
  return withTarget(full);
};
/** Names are text: they make no link and load no picture. */
const asked = (text: string): vscode.MarkdownString => new SafeMarkdown().text(text).done();

const lines = (utterances: readonly Utterance[], stamps: boolean): string =>
  utterances
    .map(u => {
      // What was said begins no line of its own.
      const said = harmlessLine((u.speaker ? `${shownName(u.speaker)}: ` : '') + sourceText(u)),
        text = said + (u.nmt ? `\n${harmlessLine(translatedText(u) ?? '')}` : '');
      return stamps ? `[${stamp(u.startMs)}] ${text}` : text;
    })
    .join('\n');

/** Nothing in it is hidden from people who read along. */
const answer = (text: string): vscode.LanguageModelToolResult =>
  new vscode.LanguageModelToolResult([
    new vscode.LanguageModelTextPart(
      harmlessLines(
        text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}\n[cut off: ask for a span of time]` : text,
      ),
    ),
  ]);

export function tools(deps: Deps): vscode.Disposable {
  const { daemon } = deps;
  const transcribe: vscode.LanguageModelTool<TranscribeInput> = {
    prepareInvocation: async ({ input }) => {
      const path = await shown(input.path);
      return {
        invocationMessage: asked(vscode.l10n.t('Transcribing {0}', path)),
        confirmationMessages: {
          title: vscode.l10n.t('Transcribe a recording'),
          message: asked(vscode.l10n.t('Transcribe {0} on this machine?', path)),
        },
      };
    },
    async invoke({ input }, token) {
      if (!vscode.workspace.isTrusted)
        throw new Error(vscode.l10n.t('Trust this workspace to transcribe its recordings.'));
      const uri = located(input.path);
      if (!(await isRecording(uri))) throw new Error(errorText(new EarshotError('notMedia', { path: input.path })));
      const choice = settled(uri);
      const [job] = await request(deps, [uri], {
        ...choice,
        options: {
          ...choice.options,
          ...(input.language ? { language: input.language } : {}),
          ...(input.translateTo ? { translateTo: input.translateTo } : {}),
          outputs: { formats: [] },
        },
      });
      if (!job) throw new Error(errorText(new EarshotError('unreadableFile', { path: input.path })));
      const ended = await endOf(daemon, job.id, token, LONGEST_MS);
      const { utterances } = await daemon.call('job/utterances', { id: job.id });
      const now = daemon.state.jobs.get(job.id) ?? job;
      const note = ended
        ? now.state === 'failed' && now.failure
          ? `[failed: ${failureText(now.failure)}]\n`
          : ''
        : '[not finished yet; this is the text so far]\n';
      return answer(note + lines(utterances, input.timestamps ?? false));
    },
  };
  const read: vscode.LanguageModelTool<ReadInput> = {
    prepareInvocation: async ({ input }) => {
      const path = await shown(input.path);
      return {
        invocationMessage: asked(vscode.l10n.t('Reading the transcript of {0}', path)),
        confirmationMessages: {
          title: vscode.l10n.t('Read a transcript'),
          message: asked(vscode.l10n.t('Read the transcript of {0}?', path)),
        },
      };
    },
    async invoke({ input }) {
      const uri = located(input.path),
        utterances = uri.path.endsWith('.earshot.json') ? await fromFile(uri) : await fromQueue(deps, uri);
      const from = (input.fromSeconds ?? 0) * 1000,
        to = (input.toSeconds ?? Number.POSITIVE_INFINITY) * 1000;
      return answer(
        lines(
          utterances.filter(u => u.endMs >= from && u.startMs <= to),
          true,
        ),
      );
    },
  };
  return vscode.Disposable.from(
    vscode.lm.registerTool('earshot_transcribe', transcribe),
    vscode.lm.registerTool('earshot_read_transcript', read),
  );
}

async function fromFile(uri: vscode.Uri): Promise<Utterance[]> {
  const transcript = await readTranscript(uri);
  if (!transcript) throw new Error(vscode.l10n.t('{0} is not an Earshot transcript.', uri.fsPath));
  return transcript.utterances;
}

async function fromQueue({ daemon }: Deps, uri: vscode.Uri): Promise<Utterance[]> {
  const { jobs } = await daemon.call('job/list', { filter: { search: uri.path.split('/').at(-1)! }, limit: 100 });
  const job =
    jobs.find(j => samePath(j.recording.path, uri.fsPath) && j.state === 'completed') ??
    jobs.find(j => samePath(j.recording.path, uri.fsPath));
  if (!job) throw new Error(vscode.l10n.t('{0} has not been transcribed yet.', uri.fsPath));
  return (await daemon.call('job/utterances', { id: job.id })).utterances;
}
