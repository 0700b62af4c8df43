import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Utterance } from '../../../schemas/job.ts';
import type { Params } from '../../../schemas/rpc.ts';
import { SENTENCES } from '../fake/fixtures.ts';
import { closeAll, daemon, extension, file, newest, text, until, withSetting } from './support.ts';

const transcribe = async (
  name = 'talk.wav',
): Promise<{ job: string; document: vscode.TextDocument; editor: vscode.TextEditor }> => {
  await vscode.commands.executeCommand('earshot.transcribe', file(name));
  const editor = await until('an editor', () => vscode.window.activeTextEditor);
  return { job: newest(), document: editor.document, editor };
};
const first = SENTENCES[0]!,
  second = SENTENCES[1]!;

describe('streaming into documents', () => {
  before(async () => {
    await daemon.start();
  });
  after(async () => {
    await closeAll();
    await daemon.stop();
  });
  afterEach(closeAll);

  it('activates lazily and quickly', async () => {
    const api = await extension().activate();
    console.log(
      `activated in ${api.activatedInMs.toFixed(1)} ms, of them ${api.activationCpuMs.toFixed(1)} ms of the processor`,
    );
    assert.ok(api.activationCpuMs < 50, `${api.activationCpuMs} ms`);
  });

  it('words appear as they are heard, in a new Markdown document', async () => {
    const { job, document } = await transcribe();
    assert.equal(document.languageId, 'markdown');
    assert.ok(document.isUntitled);
    const started = performance.now();
    daemon.say(job);
    await text(document, /Dashwood/);
    console.log(`an utterance is in the document after ${(performance.now() - started).toFixed(0)} ms`);
    daemon.say(job);
    daemon.say(job);
    daemon.say(job);
    await text(document, /made amiable himself/);
    assert.equal(
      document.getText(),
      `# talk.wav\n\n[**00:00**](talk.wav#t=0) ${first} ${second} ` +
        `${SENTENCES[2]}\n\n[**00:17**](talk.wav#t=17) ${SENTENCES[3]}`,
    );
  });

  it('typing before, within and after the text meanwhile is safe', async () => {
    const { job, document, editor } = await transcribe();
    daemon.say(job);
    await text(document, /for them\.$/);
    await editor.edit(b => b.insert(new vscode.Position(0, 0), 'Notes\n\n'));
    daemon.say(job);
    await text(document, /ill disposed\.$/);
    const at = document.getText().indexOf('leisure');
    await editor.edit(b =>
      b.replace(new vscode.Range(document.positionAt(at), document.positionAt(at + 7)), 'LEISURE'),
    );
    await editor.edit(b => b.insert(document.positionAt(document.getText().length), '\n\nMy own end.'));
    daemon.say(job);
    daemon.say(job);
    const all = await text(document, /amiable himself/);
    assert.equal(
      all,
      `Notes\n\n# talk.wav\n\n[**00:00**](talk.wav#t=0) ${first.replace('leisure', 'LEISURE')} ${second} ` +
        `${SENTENCES[2]}\n\n[**00:17**](talk.wav#t=17) ${SENTENCES[3]}\n\nMy own end.`,
    );
  });

  it('real keystrokes into a running stream are all kept, in order', async () => {
    const { job, document, editor } = await transcribe();
    daemon.say(job, 40);
    await text(document, /for them\.$/);
    await editor.edit(b => b.insert(new vscode.Position(0, 0), '\n'));
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    const typed = 'the quick brown fox';
    for (const c of typed) {
      await vscode.commands.executeCommand('type', { text: c });
      daemon.say(job, 40);
    }
    await until('all twenty', () => (document.getText().match(/\(talk\.wav#t=/g) ?? []).length >= 7);
    assert.equal(document.lineAt(0).text, typed);
  });

  it('one undo takes the whole insertion back, and the stream ends', async () => {
    const { job, document } = await transcribe();
    for (let i = 0; i < 4; i++) {
      daemon.say(job);
      await until(`sentence ${i}`, () => document.getText().includes(SENTENCES[i]!));
    }
    await vscode.commands.executeCommand('undo');
    await until('an empty document', () => document.getText() === '');
    daemon.say(job);
    await new Promise(resolve => setTimeout(resolve, 200));
    assert.equal(document.getText(), '');
  });

  it('with typing in between, one undo still takes all of the transcript back and leaves what was typed', async () => {
    const { job, document, editor } = await transcribe();
    daemon.say(job);
    await text(document, /for them\.$/);
    await editor.edit(b => b.insert(new vscode.Position(0, 0), 'Mine.\n'));
    daemon.say(job);
    await text(document, /ill disposed\.$/);
    await vscode.commands.executeCommand('undo');
    await until('only what was typed', () => document.getText() === 'Mine.\n');
  });

  it('a repaired word and a translation take their places later', async () => {
    await withSetting('translateTo', 'de', async () => {
      const { job, document } = await transcribe();
      const whole = (await import('../fake/fixtures.ts')).utterance(0, ['asr', 'repair', 'nmt']);
      const { repair, nmt, ...raw } = whole;
      const steps: Utterance[] = [raw, { ...raw, repair }, { ...raw, repair, nmt }];
      for (const utterance of steps) {
        daemon.utterances.set(job, [utterance]);
        daemon.publishUtterance(job, utterance);
        await until('its text', () =>
          document.getText().includes(utterance.nmt?.text ?? (utterance.repair ?? utterance.asr)!.text),
        );
      }
      assert.match(document.getText(), /Dashwood[^]*\n\n> Und Mr\. John Dashwood/);
      assert.ok(!document.getText().includes('Dash wood'));
    });
  });

  it('names come when the job ends: in one step, around what somebody changed', async () => {
    const { job, document, editor } = await transcribe();
    daemon.say(job);
    daemon.say(job);
    await text(document, /ill disposed\.$/);
    const at = document.getText().indexOf('leisure');
    await editor.edit(b =>
      b.replace(new vscode.Range(document.positionAt(at), document.positionAt(at + 7)), 'LEISURE'),
    );
    const before = document.getText(),
      mine = first.replace('leisure', 'LEISURE');
    assert.ok(before.endsWith(`(talk.wav#t=0) ${mine} ${second}`), before);
    daemon.utterances.set(
      job,
      daemon.utterances.get(job)!.map((u, n) => ({ ...u, speaker: n ? 'Anna' : 'S1' })),
    );
    daemon.finish(job);
    await text(document, /Anna/);
    assert.equal(
      document.getText(),
      `# talk.wav\n\n[**00:00**](talk.wav#t=0) **Speaker 1:** ${mine}\n\n[**00:05**](talk.wav#t=5) **Anna:** ${second}`,
    );
    await vscode.commands.executeCommand('undo');
    await until('no names, all else', () => document.getText() === before);
  });

  it('a speaker who is renamed later in the transcript editor is renamed in the documents with the text, around what somebody changed there', async () => {
    const { job, document, editor } = await transcribe(),
      path = file('named.earshot.json');
    daemon.say(job);
    daemon.say(job);
    daemon.say(job);
    await text(document, /than he was\.$/);
    daemon.utterances.set(
      job,
      daemon.utterances.get(job)!.map((u, n) => ({ ...u, speaker: n === 1 ? 'S2' : 'S1' })),
    );
    daemon.finish(job, { outputs: [{ kind: 'json', path: path.fsPath, bytes: 1 }] });
    await text(document, /\*\*Speaker 1:\*\* [^]*\*\*Speaker 1:\*\* /);
    const at = document.getText().indexOf('leisure');
    await editor.edit(b => {
      b.insert(new vscode.Position(0, 0), 'My notes\n\n');
      b.replace(new vscode.Range(document.positionAt(at), document.positionAt(at + 7)), 'LEISURE');
    });
    const before = document.getText(),
      { transcript } = await extension().exports.daemon.call('job/transcript', { id: job });
    await vscode.workspace.fs.writeFile(
      path,
      new TextEncoder().encode(JSON.stringify({ ...transcript, speakers: { S1: 'AAAA', S2: 'BBBB' } })),
    );
    await vscode.commands.executeCommand('vscode.openWith', path, 'earshot.transcript', vscode.ViewColumn.Beside);
    const json = await until('the transcript', () =>
        vscode.workspace.textDocuments.find(each => each.uri.toString() === path.toString()),
      ),
      edit = new vscode.WorkspaceEdit();
    edit.replace(path, new vscode.Range(0, 0, json.lineCount, 0), json.getText().replaceAll('"S1"', '"Anna"'));
    await vscode.workspace.applyEdit(edit);
    await json.save();
    const after = await text(document, /Anna/);
    assert.equal(after, before.replaceAll('**Speaker 1:**', '**Anna:**'));
    assert.match(after, /^My notes\n\n# talk\.wav[^]*\*\*Anna:\*\* And[^]*LEISURE[^]*\*\*Speaker 2:\*\*/);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('undo');
    await until('taken back alone', () => document.getText() === before);
    await vscode.workspace.fs.delete(path);
    await vscode.workspace.fs.delete(file('.earshot'), { recursive: true });
  });

  it('a template without speakers stays as it is when names come; one that cannot be followed is told', async () => {
    await withSetting('document.template', '{time}\n{text}', async () => {
      const { job, document } = await transcribe();
      daemon.say(job);
      daemon.say(job);
      const before = await text(document, /ill disposed\.$/);
      assert.equal(before, `# talk.wav\n\n[**00:00**](talk.wav#t=0)\n${first} ${second}`);
      daemon.utterances.set(
        job,
        daemon.utterances.get(job)!.map(u => ({ ...u, speaker: 'S1' })),
      );
      daemon.finish(job);
      await until(
        'it asked for the last state',
        () => daemon.asked('job/utterances').length > 0 && daemon.jobs.get(job)!.state === 'completed',
      );
      await new Promise(resolve => setTimeout(resolve, 200));
      assert.equal(document.getText(), before);
    });
    await withSetting('document.template', '{spaeker}: {text}', async () => {
      const { job, document } = await transcribe();
      daemon.say(job);
      assert.match(await text(document, /for them\.$/), /\(talk\.wav#t=0\) And Mr/);
    });
  });

  it('speakers are asked for by a setting, with the voices that have a name here', async () => {
    const place = file('.earshot/speakers.json');
    await vscode.workspace.fs.writeFile(place, new TextEncoder().encode('{"speakers": {"Anna": "AAAA"}}'));
    try {
      await withSetting('speakers', true, async () => {
        await transcribe();
      });
      assert.deepEqual((daemon.asked('job/submit').at(-1) as Params<'job/submit'>).jobs[0]!.options.speakers, {
        known: { Anna: 'AAAA' },
      });
    } finally {
      await vscode.workspace.fs.delete(place);
    }
    await transcribe();
    assert.equal((daemon.asked('job/submit').at(-1) as Params<'job/submit'>).jobs[0]!.options.speakers, undefined);
  });

  it('streams into subtitles, which the daemon renders in the end', async () => {
    await vscode.commands.executeCommand('earshot.transcribeSubtitles', file('talk.wav'));
    const document = vscode.window.activeTextEditor!.document,
      job = newest();
    daemon.say(job);
    await text(document, /^1\n00:00:00,000 --> /);
    daemon.finish(job);
    await until('the rendered text', () => !document.getText().includes('-->'));
  });

  it('goes on in a saved document that was closed and opened', async () => {
    await withSetting('document.open', 'saved', async () => {
      const { job, document } = await transcribe();
      assert.ok(document.uri.path.endsWith('/talk.md'));
      daemon.say(job);
      await text(document, /for them\.$/);
      await document.save();
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      // VS Code lets go of a closed document some time later; a stream into a document that is still known just goes
      // on.
      daemon.say(job);
      daemon.say(job);
      const again = await vscode.workspace.openTextDocument(document.uri);
      await vscode.window.showTextDocument(again);
      await text(again, /respectable than he was\.$/);
      daemon.finish(job);
      await until('it is saved', () => !again.isDirty);
      assert.equal(again.getText().match(/Dashwood/g)!.length, 1);
    });
  });

  it('at the cursor, with the text around it left alone', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'markdown', content: 'Before. After.' });
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(0, 8, 0, 8);
    await vscode.commands.executeCommand('earshot.insertHere', file('talk.wav'));
    const job = newest();
    daemon.say(job);
    daemon.say(job);
    await until('both', () => document.getText().includes(second));
    assert.equal(document.getText(), `Before. [**00:00**](talk.wav#t=0) ${first} ${second}After.`);
  });

  it('a daemon that dies and comes back loses nothing', async () => {
    const { job, document } = await transcribe();
    daemon.say(job);
    await text(document, /for them\.$/);
    await daemon.stop();
    daemon.say(job); // nobody listens
    await daemon.start();
    await text(document, /ill disposed\.$/);
    daemon.say(job);
    await text(document, /than he was\.$/);
    assert.equal(document.getText().match(/Dashwood/g)!.length, 1);
  });
});
