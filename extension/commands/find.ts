/** Words in everything that was ever transcribed: found while they are typed, opened at the moment they were said. */
import * as vscode from 'vscode';
import type { SearchHit } from '../../schemas/search.ts';
import { clockText } from '../../text/messages/figures.ts';
import { exists } from '../ui/files.ts';
import type { TranscriptEditor } from '../transcript/editor.ts';
import { errorText } from '../ui/words.ts';
import { settled } from '../requests/options.ts';
import type { Deps } from '../requests/request.ts';
import { openFor } from './transcribe.ts';
import { answered, createPick } from '../ui/pick.ts';

const LIMIT = 100,
  TYPING_MS = 80;
/** Text that streams into a document is there after this at the latest. */
const WRITTEN_MS = 5_000;

interface Item extends vscode.QuickPickItem {
  hit: SearchHit;
}

const item = (hit: SearchHit): Item => {
  const beside = hit.translation && hit.translation.marks.length > hit.text.marks.length;
  return {
    hit,
    alwaysShow: true,
    label: (beside ? hit.translation! : hit.text).text,
    // On a line of its own, where long words cannot push it away.
    detail: [
      hit.recording.name,
      clockText(hit.atMs),
      ...(hit.translation ? [(beside ? hit.text : hit.translation).text] : []),
    ].join(' · '),
    buttons: [{ iconPath: new vscode.ThemeIcon('file-media'), tooltip: vscode.l10n.t('Show the recording') }],
  };
};

export async function findInTranscripts(deps: Deps, editor: TranscriptEditor, words?: unknown): Promise<void> {
  const hit = await ask(deps, typeof words === 'string' ? words : selected());
  if (hit) await open(deps, editor, hit);
}

/** A few words that are selected are likely meant. */
function selected(): string {
  const active = vscode.window.activeTextEditor,
    text = active?.document.getText(active.selection) ?? '';
  return text.length <= 80 && !text.includes('\n') ? text : '';
}

function ask({ daemon, log }: Deps, words: string): Promise<SearchHit | undefined> {
  const pick = createPick<Item>();
  pick.title = vscode.l10n.t('Find in transcripts');
  pick.placeholder = vscode.l10n.t('Words, "phrases", beginnings*');
  pick.value = words;
  let asked = 0,
    timer: NodeJS.Timeout | undefined;
  const search = async (): Promise<void> => {
    const turn = ++asked,
      typed = pick.value;
    if (!typed.trim()) {
      pick.items = [];
      pick.busy = false;
      return;
    }
    pick.busy = true;
    try {
      const { hits, total, indexing } = await daemon.call('search/find', {
        words: typed.slice(0, 500),
        typing: true,
        limit: LIMIT,
      });
      if (turn !== asked) return; // something else was typed meanwhile
      pick.items = hits.map(item);
      pick.title = [
        vscode.l10n.t('Find in transcripts'),
        total > hits.length ? vscode.l10n.t('{0} of {1}', hits.length, total) : '',
        indexing ? vscode.l10n.t('older ones are still being indexed') : '',
      ]
        .filter(Boolean)
        .join(' · ');
    } catch (error) {
      if (turn !== asked) return;
      log.error(String(error));
      pick.items = [];
      pick.title = errorText(error);
    }
    pick.busy = false;
  };
  pick.onDidChangeValue(() => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(), TYPING_MS);
  });
  pick.onDidTriggerItemButton(({ item: { hit } }) => {
    void vscode.commands.executeCommand('earshot.job.reveal', hit.job);
  });
  pick.onDidHide(() => {
    clearTimeout(timer);
    asked++;
  });
  if (words) void search();
  return answered(pick, () => pick.selectedItems[0]?.hit);
}

/** In the transcript editor where the job wrote its file, else as a document. */
async function open(deps: Deps, editor: TranscriptEditor, hit: SearchHit): Promise<void> {
  const { job } = await deps.daemon.call('job/get', { id: hit.job });
  const written = job.outputs.find(output => output.path.endsWith('.earshot.json')),
    uri = written && vscode.Uri.file(written.path);
  if (uri && (await exists(uri))) return editor.open(uri, { index: hit.index, atMs: hit.atMs });
  const document = await openFor(deps, job, 'untitled', settled(vscode.Uri.file(job.recording.path)).document.format);
  const range = await found(document, hit);
  if (range) await vscode.window.showTextDocument(document, { preview: false, selection: range });
}

/** Where the words stand in the document, once they do. */
async function found(document: vscode.TextDocument, { text, translation }: SearchHit): Promise<vscode.Range | null> {
  const look = (): vscode.Range | null => {
    const all = document.getText();
    for (const each of [text, translation]) {
      const mark = each?.marks[0];
      if (!each || !mark) continue;
      // Among the same words around, where the document has them like this.
      const around = each.text.replace(/^…|…$/g, ''),
        shift = each.text.startsWith('…') ? 1 : 0,
        context = all.indexOf(around);
      const at = context >= 0 ? context + mark[0] - shift : all.indexOf(each.text.slice(...mark));
      if (at >= 0) return new vscode.Range(document.positionAt(at), document.positionAt(at + mark[1] - mark[0]));
    }
    return null;
  };
  return (
    look() ??
    (await new Promise(resolve => {
      const stop = (range: vscode.Range | null): void => {
        clearTimeout(timer);
        changes.dispose();
        resolve(range);
      };
      const timer = setTimeout(() => stop(null), WRITTEN_MS);
      const changes = vscode.workspace.onDidChangeTextDocument(event => {
        const range = event.document === document ? look() : null;
        if (range) stop(range);
      });
    }))
  );
}
