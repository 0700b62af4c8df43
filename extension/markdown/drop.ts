/** Dropping or pasting a recording into a Markdown or text document: its transcript, a link to it, or its subtitles. */
import * as vscode from 'vscode';
import { dirname, relative, sep } from 'node:path';
import { fromUriList, isRecording } from '../requests/recordings.ts';
import { settled, template } from '../requests/options.ts';
import { request, reportErrors, type Deps } from '../requests/request.ts';
import type { Template } from '../streaming/layout.ts';

const SELECTOR: vscode.DocumentSelector = [{ language: 'markdown' }, { language: 'plaintext' }];
const ROOT = vscode.DocumentDropOrPasteEditKind.Empty.append('earshot');
const KINDS = { transcript: ROOT.append('transcript'), subtitles: ROOT.append('subtitles'), link: ROOT.append('link') };

async function recordingsOf(transfer: vscode.DataTransfer): Promise<vscode.Uri[]> {
  const list = (await transfer.get('text/uri-list')?.asString()) ?? '';
  const files = fromUriList(list).filter(uri => uri.scheme === 'file'),
    kept = await Promise.all(files.map(isRecording));
  return files.filter((_, i) => kept[i]);
}

/** [talk](clips/talk.wav), relative to the document where it has a place. */
function link(document: vscode.TextDocument, uri: vscode.Uri): string {
  const name = uri.path.split('/').at(-1)!,
    path = document.isUntitled ? uri.fsPath : relative(dirname(document.uri.fsPath), uri.fsPath).split(sep).join('/');
  return document.languageId === 'markdown'
    ? `[${name.replace(/[[\]]/g, '\\$&')}](<${path.replace(/[<>]/g, encodeURIComponent)}>)`
    : path;
}

interface Offer {
  title: string;
  kind: vscode.DocumentDropOrPasteEditKind;
  text: string;
  begins?: Begins;
}
/** An edit that was offered: when its text appears in the document, the stream takes its place. */
interface Begins {
  document: vscode.TextDocument;
  recording: vscode.Uri;
  format: Template['format'];
  text: string;
  offeredAt: number;
}

const OFFER_MS = 60_000;

/** Every offer, the one that is taken without asking first: where something is pasted into Markdown, a link. */
function offers(document: vscode.TextDocument, uris: readonly vscode.Uri[], linkFirst: boolean): Offer[] {
  const recording = uris[0]!,
    name = recording.path.split('/').at(-1)!,
    offeredAt = Date.now();
  const stream = (
    title: string,
    kind: vscode.DocumentDropOrPasteEditKind,
    format: Template['format'],
    text: string,
  ): Offer => ({ title, kind, text, begins: { document, recording, format, text, offeredAt } });
  const streams =
    uris.length === 1
      ? [
          stream(
            vscode.l10n.t('Insert transcript'),
            KINDS.transcript,
            document.languageId === 'markdown' ? 'markdown' : 'text',
            vscode.l10n.t('(transcribing {0} …)', name),
          ),
          stream(
            vscode.l10n.t('Insert subtitles'),
            KINDS.subtitles,
            'srt',
            vscode.l10n.t('(making subtitles of {0} …)', name),
          ),
        ]
      : [];
  const links: Offer = {
    title:
      uris.length === 1
        ? vscode.l10n.t('Insert link to the recording')
        : vscode.l10n.t('Insert links to the recordings'),
    kind: KINDS.link,
    text: uris.map(uri => link(document, uri)).join('\n'),
  };
  return linkFirst ? [links, ...streams] : [...streams, links];
}

export function editProviders(deps: Deps): vscode.Disposable {
  let offered: Begins[] = [];
  const remember = (made: readonly Offer[]): void => {
    offered = [...offered.filter(o => Date.now() - o.offeredAt < OFFER_MS), ...made.flatMap(o => o.begins ?? [])];
  };
  // The editor does not say which of its offers was taken; the text that appears does.
  const watch = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    for (const change of contentChanges) {
      const taken = offered.find(o => o.document === document && o.text === change.text);
      if (!taken) continue;
      offered = offered.filter(o => o.document !== document);
      void begin(taken, change.rangeOffset);
    }
  });
  const begin = reportErrors(
    deps.log,
    async ({ document, recording, format, text }: Begins, at: number): Promise<void> => {
      for (const job of await request(deps, [recording], settled(recording)))
        deps.streams.start(
          job.id,
          document,
          template(recording.fsPath, format, recording, false, document.uri),
          at,
          text,
        );
    },
  );
  const drop: vscode.DocumentDropEditProvider = {
    async provideDocumentDropEdits(document, _position, transfer) {
      const uris = await recordingsOf(transfer);
      if (!uris.length) return undefined;
      const made = offers(document, uris, false);
      remember(made);
      return made.map(offer => new vscode.DocumentDropEdit(offer.text, offer.title, offer.kind));
    },
  };
  const paste: vscode.DocumentPasteEditProvider = {
    async provideDocumentPasteEdits(document, _ranges, transfer) {
      const uris = await recordingsOf(transfer);
      if (!uris.length) return undefined;
      const made = offers(document, uris, document.languageId === 'markdown');
      remember(made);
      return made.map(offer => new vscode.DocumentPasteEdit(offer.text, offer.title, offer.kind));
    },
  };
  return vscode.Disposable.from(
    watch,
    vscode.languages.registerDocumentDropEditProvider(SELECTOR, drop, {
      dropMimeTypes: ['text/uri-list'],
      providedDropEditKinds: Object.values(KINDS),
    }),
    vscode.languages.registerDocumentPasteEditProvider(SELECTOR, paste, {
      pasteMimeTypes: ['text/uri-list'],
      providedPasteEditKinds: Object.values(KINDS),
    }),
  );
}
