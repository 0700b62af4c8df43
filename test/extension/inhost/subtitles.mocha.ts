import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Params } from '../../../schemas/rpc.ts';
import { parseSubtitles, writeTime } from '../../../text/subtitles/parse.ts';
import { sampleTranscript, SENTENCES } from '../fake/fixtures.ts';
import { closeAll, daemon, extension, file, newest, until } from './support.ts';

const SRT =
  '1\r\n0:00:01,0 --> 00:00:03,000\r\nJohn: Not so.\r\n\r\n3\r\n00:00:02,500 --> 00:00:03,500\r\nThis is a ' +
  'line that is a good deal longer than forty-two characters.\r\n\r\n3\r\n00:00:15,000 --> ' +
  '00:00:18,000\r\nJohn: A new scene.\r\nMary: Yes.\r\n';

/** Each its own file: the editor keeps a closed document for a while. */
const made: vscode.Uri[] = [];
async function opened(ending: 'srt' | 'vtt', text: string): Promise<vscode.TextDocument> {
  const uri = file(`film ${made.length}.${ending}`);
  made.push(uri);
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document);
  return document;
}
const codes = (document: vscode.TextDocument): unknown[] =>
  vscode.languages.getDiagnostics(document.uri).map(d => d.code);
const run = <T>(command: string, ...args: unknown[]): Promise<T> =>
  Promise.resolve(vscode.commands.executeCommand<T>(command, ...args));

describe('subtitle documents', () => {
  before(async () => {
    await extension().activate();
  });
  after(async () => {
    for (const uri of made) await vscode.workspace.fs.delete(uri);
  });
  afterEach(closeAll);

  it('SubRip and WebVTT are languages, by name and by first line', async () => {
    assert.equal((await opened('srt', SRT)).languageId, 'srt');
    assert.equal((await opened('vtt', 'WEBVTT\n')).languageId, 'vtt');
  });

  it('show what is wrong, and quick fixes put it right', async () => {
    const document = await opened('srt', SRT);
    await until('diagnostics', () => codes(document).length > 0);
    assert.deepEqual(codes(document), ['timeShape', 'overlap', 'tooFast', 'longLine', 'number']);
    for (const [code, title] of [
      ['timeShape', /players expect/],
      ['overlap', /End the previous cue/],
      ['tooFast', /Show it longer/],
      ['longLine', /balanced lines/],
      ['number', /number/],
    ] as const) {
      const found = await until(code, () => vscode.languages.getDiagnostics(document.uri).find(d => d.code === code));
      const actions = await run<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, found.range),
        action = actions.find(a => title.test(a.title));
      assert.ok(action, code);
      await vscode.workspace.applyEdit(action.edit!);
      await until(`${code} is gone`, () => !codes(document).includes(code));
    }
    assert.equal(
      document.getText(),
      '1\r\n00:00:01,000 --> 00:00:02,500\r\nJohn: Not so.\r\n\r\n2\r\n00:00:02,500 --> 00:00:05,900\r\nThis ' +
        'is a line that is a good deal\r\nlonger than forty-two characters.\r\n\r\n3\r\n00:00:15,000 --> ' +
        '00:00:18,000\r\nJohn: A new scene.\r\nMary: Yes.\r\n',
    );
  });

  it('are formatted: numbers, times, empty lines', async () => {
    const document = await opened('srt', SRT);
    const edits = await run<vscode.TextEdit[]>('vscode.executeFormatDocumentProvider', document.uri, {
        tabSize: 2,
        insertSpaces: true,
      }),
      edit = new vscode.WorkspaceEdit();
    edit.set(document.uri, edits);
    await vscode.workspace.applyEdit(edit);
    assert.match(document.getText(), /^1\r\n00:00:01,000 --> 00:00:03,000\r\n[^]*\r\n\r\n2\r\n00:00:02,500/);
  });

  it('have an outline of scenes and cues, and fold both', async () => {
    const document = await opened('srt', SRT);
    const symbols = await until('the outline', async () => {
      const found = await run<vscode.DocumentSymbol[] | undefined>(
        'vscode.executeDocumentSymbolProvider',
        document.uri,
      );
      return found?.length ? found : null;
    });
    assert.deepEqual(
      symbols.map(s => [s.name, s.children.length]),
      [
        ['Scene 1', 2],
        ['Scene 2', 1],
      ],
    );
    const folds = await run<vscode.FoldingRange[]>('vscode.executeFoldingRangeProvider', document.uri);
    assert.deepEqual(
      folds.map(f => [f.start, f.end]),
      [
        [0, 6],
        [1, 2],
        [5, 6],
        [9, 11],
      ],
    );
  });

  it('tell the figures of a cue on hover', async () => {
    const document = await opened('srt', SRT);
    const [hover] = await run<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, new vscode.Position(6, 3));
    assert.match(
      (hover!.contents[0] as vscode.MarkdownString).value.replaceAll('&nbsp;', ' '),
      /Cue 2 of 3.*shown for 1\.00 s.*⚠ 68\.0 characters per second.*⚠ characters per line: 68.*pause before the next: 11\.50 s/s,
    );
  });

  it('F2 renames a speaker everywhere, in SubRip and in WebVTT', async () => {
    const srt = await opened('srt', SRT);
    await vscode.workspace.applyEdit(
      await run<vscode.WorkspaceEdit>(
        'vscode.executeDocumentRenameProvider',
        srt.uri,
        new vscode.Position(2, 1),
        'Mr. Dashwood',
      ),
    );
    assert.equal(srt.getText(), SRT.replaceAll('John:', 'Mr. Dashwood:'));
    await assert.rejects(run('vscode.executeDocumentRenameProvider', srt.uri, new vscode.Position(6, 3), 'x'));
    const vtt = await opened(
      'vtt',
      'WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hi.\n\n00:03.000 --> 00:04.000\n<v.loud Ann>Ho.\n',
    );
    await vscode.workspace.applyEdit(
      await run<vscode.WorkspaceEdit>(
        'vscode.executeDocumentRenameProvider',
        vtt.uri,
        new vscode.Position(3, 4),
        'Anna',
      ),
    );
    assert.match(vtt.getText(), /<v Anna>Hi\.[^]*<v\.loud Anna>Ho\./);
  });

  it('beside a recording are fitted to what is said in it', async () => {
    await vscode.workspace.fs.copy(file('talk.wav'), file('film.mp4'));
    await vscode.workspace.fs.writeFile(
      file('film.earshot.json'),
      new TextEncoder().encode(JSON.stringify(sampleTranscript(file('film.mp4').fsPath))),
    );
    made.push(file('film.mp4'), file('film.earshot.json'), file('film.en.srt'));
    const late = SENTENCES.map(
      (text, n) =>
        `${n + 1}\n${writeTime(n * 7300 + 5100, 'srt')} --> ${writeTime(n * 7300 + 5100 + 6700, 'srt')}\n${text}\n`,
    ).join('\n');
    await vscode.workspace.fs.writeFile(file('film.en.srt'), new TextEncoder().encode(late));
    const document = await vscode.workspace.openTextDocument(file('film.en.srt'));
    await vscode.window.showTextDocument(document);
    const lenses = await until('what can be done', async () => {
      const found = await run<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 10);
      return found.length === 3 && found;
    });
    assert.deepEqual(
      lenses.map(l => l.command!.title),
      ['Synchronize with film.mp4', 'Convert to…', 'Translate…'],
    );
    await run(lenses[0]!.command!.command, ...lenses[0]!.command!.arguments!);
    const starts = parseSubtitles(document.getText(), 'srt').cues.map(c => c.startMs!);
    for (const [n, wanted] of [120, 7500, 15_000, 22_200].entries())
      assert.ok(Math.abs(starts[n]! - wanted) < 400, `${starts}`);
    const [hover] = await run<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, new vscode.Position(2, 3));
    assert.match(
      (hover!.contents[0] as vscode.MarkdownString).value.replaceAll('&nbsp;', ' '),
      /Play film\.mp4 from here\]\(command:earshot\.openAt/,
    );
  });

  it('Format Document keeps a cue of WebVTT together, and what is no cue to the letter', async () => {
    const text =
      'WEBVTT - title\n\nNOTE  two  \n\nSTYLE\n::cue { color: red }  \n\n' +
      '00:00:00.160 --> 00:00:03.429 line:0\n \nWords\n';
    const document = await opened('vtt', `${text}\n\n\n`),
      edit = new vscode.WorkspaceEdit();
    edit.set(
      document.uri,
      await run<vscode.TextEdit[]>('vscode.executeFormatDocumentProvider', document.uri, {
        tabSize: 2,
        insertSpaces: true,
      }),
    );
    await vscode.workspace.applyEdit(edit);
    assert.equal(document.getText(), text);
    assert.deepEqual(codes(document), []);
  });

  it('in an older encoding are read from the file, not as the editor shows them', async () => {
    const uri = file('old.fr.srt'),
      out = uri.with({ path: uri.path.replace(/srt$/, 'vtt') });
    made.push(uri, out);
    await vscode.workspace.fs.writeFile(
      uri,
      Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nCaf\xe9 ol\xe9.\n', 'latin1'),
    );
    await run('earshot.subtitles.convert', uri, 'vtt');
    assert.match(new TextDecoder().decode(await vscode.workspace.fs.readFile(out)), /\nCafé olé\.\n/);
  });

  it('in an older encoding are opened in it, and saved in it after an edit', async () => {
    const uri = file('thanks.cs.srt'),
      bytes = (words: string): Buffer => Buffer.from(`1\n00:00:01,000 --> 00:00:02,000\n${words}\n`, 'latin1');
    made.push(uri);
    await vscode.workspace.fs.writeFile(uri, bytes('D\xeckuji.'));
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document);
    await until('the words', () => document.lineAt(2).text === 'Děkuji.');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(uri, new vscode.Position(2, 7), ' Ďábel.');
    await vscode.workspace.applyEdit(edit);
    assert.ok(await document.save());
    assert.deepEqual(Buffer.from(await vscode.workspace.fs.readFile(uri)), bytes('D\xeckuji. \xcf\xe1bel.'));
  });

  it('become another format beside', async () => {
    const document = await opened('srt', SRT),
      vtt = document.uri.with({ path: document.uri.path.replace(/srt$/, 'vtt') });
    made.push(vtt);
    await run('earshot.subtitles.convert', document.uri, 'vtt');
    assert.match(
      new TextDecoder().decode(await vscode.workspace.fs.readFile(vtt)),
      /^WEBVTT\n\n00:00:01\.000 --> 00:00:03\.000\nJohn: Not so\.\n/,
    );
    assert.equal(vscode.window.activeTextEditor!.document.languageId, 'vtt');
  });

  it('of SubStation are translated in place: styles, drawings and positions stay', async () => {
    await daemon.start();
    try {
      const uri = file('sign.en.ass'),
        out = file('sign.de.ass'),
        text =
          '[V4+ Styles]\nFormat: Name, Fontname\nStyle: Sign,Georgia\n\n[Events]\n' +
          'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n' +
          'Dialogue: 1,0:00:03.00,0:00:04.00,Sign,,0,0,0,,{\\pos(320,40)}Train station\n' +
          'Dialogue: 0,0:00:05.00,0:00:06.00,Sign,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}\n';
      made.push(uri, out);
      await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
      const before = daemon.jobs.size,
        done = run('earshot.subtitles.translate', uri, 'de');
      await until('the job', () => daemon.jobs.size > before);
      daemon.utterances.set(newest(), [
        { index: 0, startMs: 3000, endMs: 4000, nmt: { text: 'Bahnhof', language: 'de' } },
      ]);
      daemon.finish(newest());
      await done;
      assert.equal(
        new TextDecoder().decode(await vscode.workspace.fs.readFile(out)),
        text.replace('Train station', 'Bahnhof'),
      );
    } finally {
      await daemon.stop();
    }
  });

  it('are translated into a file beside, at the same times', async () => {
    await daemon.start();
    try {
      const uri = file('show.en.srt'),
        out = file('show.de.srt');
      made.push(uri, out);
      await vscode.workspace.fs.writeFile(
        uri,
        new TextEncoder().encode(
          '1\n00:00:01,000 --> 00:00:03,000\n<i>Good morning.</i>\n\n2\n00:00:04,000 --> 00:00:05,000\nBye.\n',
        ),
      );
      const before = daemon.jobs.size,
        done = run('earshot.subtitles.translate', uri, 'de');
      await until('the job', () => daemon.jobs.size > before);
      const [job] = (daemon.asked('job/submit').at(-1) as Params<'job/submit'>).jobs;
      assert.deepEqual(job!.options, {
        source: 'text',
        language: 'en',
        repair: false,
        translateTo: 'de',
        outputs: { formats: [] },
      });
      daemon.utterances.set(
        newest(),
        ['Guten Morgen.', 'Tschüss.'].map((text, index) => ({
          index,
          startMs: 0,
          endMs: 1,
          nmt: { text, language: 'de' },
        })),
      );
      daemon.finish(newest());
      await done;
      assert.equal(
        new TextDecoder().decode(await vscode.workspace.fs.readFile(out)),
        '1\n00:00:01,000 --> 00:00:03,000\n<i>Guten Morgen.</i>\n\n2\n00:00:04,000 --> 00:00:05,000\nTschüss.\n',
      );
    } finally {
      await daemon.stop();
    }
  });
});
