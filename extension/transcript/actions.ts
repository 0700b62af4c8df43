/** What the page of a transcript asks for, done to its document. */
import * as vscode from 'vscode';
import { basename, dirname, relative } from 'node:path';
import type { Transcript } from '../../schemas/job.ts';
import type { FromTranscript } from '../../webview/messages.ts';
import type { Daemon } from '../connection/connection.ts';
import { notifyBriefly } from '../ui/notify.ts';
import { insertAfter, remove, setTimes, split } from './cuts.ts';
import { editTranscript } from './document.ts';
import {
  accept,
  merge,
  replaceAll,
  setComment,
  setSpeaker,
  setText,
  setTranslation,
  takeAllBack,
  takeBack,
  turnOf,
} from './edits.ts';
import { transcriptOf } from './live.ts';
import { clock, shownText } from './shown-text.ts';
import { askSpeaker } from './speakers.ts';
import { summaryUnderWay } from './summary.ts';

export type Action = Exclude<FromTranscript, { type: 'ready' | 'focus' | 'media' | 'job' | 'left' }>;
type Change = (now: Transcript) => Transcript;

/** The edit of a message that is nothing but one; null: there is more to do. */
function editOf(message: Action): Change | null {
  switch (message.type) {
    case 'text':
      return now => setText(now, message.index, message.text);
    case 'translation':
      return now => setTranslation(now, message.index, message.text);
    case 'takeBack':
      return now => takeBack(now, message.index, message.change);
    case 'takeAllBack':
      return takeAllBack;
    case 'accept':
      return now => accept(now, message.index);
    case 'assign':
      return now => setSpeaker(now, message.turn ? turnOf(now, message.index) : [message.index], message.name);
    case 'merge':
      return now => merge(now, message.index);
    case 'split':
      return now =>
        split(message.text === null ? now : setText(now, message.index, message.text), message.index, message.at);
    case 'remove':
      return now => remove(now, message.index);
    case 'insert':
      return now => insertAfter(now, message.index);
    case 'times':
      return now => setTimes(now, message.index, message.startMs, message.endMs);
    case 'comment':
      return now => setComment(now, message.index, message.text);
    default:
      return null;
  }
}

export async function act(
  document: vscode.TextDocument,
  message: Action,
  { daemon, recording }: { daemon: Daemon; recording: vscode.Uri | null },
): Promise<void> {
  const edit = editOf(message);
  if (edit) return editTranscript(document, edit);
  const now = await transcriptOf(document);
  if (!now) return;
  switch (message.type) {
    case 'speaker':
    case 'speakerEverywhere': {
      const about = message.type === 'speaker' ? { index: message.index } : { speaker: message.name },
        change = await askSpeaker(now, about);
      return change ? editTranscript(document, change) : undefined;
    }
    case 'replace': {
      const { find, replacement, matchCase, wholeWord, except } = message;
      let replaced = 0;
      await editTranscript(document, then => {
        const { transcript, count } = replaceAll(then, { find, matchCase, wholeWord }, replacement, except);
        replaced = count;
        return count ? transcript : null;
      });
      notifyBriefly(vscode.l10n.t('{0} replaced', replaced), 4000);
      return;
    }
    case 'copy': {
      const wanted = message.indexes && new Set(message.indexes);
      await vscode.env.clipboard.writeText(shownText(now, wanted, message.times));
      return;
    }
    case 'link':
      await vscode.env.clipboard.writeText(linkTo(now, document.uri, recording, message));
      return;
    case 'export':
      return void (await vscode.commands.executeCommand('earshot.exportTranscript', document.uri));
    case 'summary':
      return summary(document, now, message.action, daemon);
    default: // an edit, which is made already
  }
}

/** A link to a moment, in Markdown: from the transcript's folder, as links into recordings are written everywhere. */
function linkTo(
  { recording: { path, name } }: Transcript,
  file: vscode.Uri,
  found: vscode.Uri | null,
  { atMs }: { atMs: number },
): string {
  const target = relative(dirname(file.fsPath), found?.fsPath ?? path).replaceAll('\\', '/') || basename(path);
  const address = encodeURI(target).replace(/[()#?]/g, c => `%${c.charCodeAt(0).toString(16)}`),
    label = `${name.replace(/[[\]\\]/g, '\\$&')} ${clock(atMs)}`;
  return `[${label}](${address}#t=${Math.floor(atMs / 1000)})`;
}

async function summary(
  document: vscode.TextDocument,
  { summary: made }: Transcript,
  action: 'make' | 'stop' | 'copy',
  daemon: Daemon,
): Promise<void> {
  if (action === 'make') await vscode.commands.executeCommand('earshot.addSummary', document.uri);
  if (action === 'copy' && made) await vscode.env.clipboard.writeText(made.text);
  const job = action === 'stop' ? summaryUnderWay(daemon.state, document.uri.fsPath) : undefined;
  if (job) await daemon.call('job/cancel', { ids: [job.id] });
}
