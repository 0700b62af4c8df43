import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Params } from '../../../schemas/rpc.ts';
import { sampleTranscript, utterance } from '../fake/fixtures.ts';
import { closeAll, daemon, extension, file, text, until, withSetting, workspace } from './support.ts';

const submitted = (): Params<'job/submit'>['jobs'] => (daemon.asked('job/submit').at(-1) as Params<'job/submit'>).jobs;

describe('commands', () => {
  before(async () => {
    await daemon.start();
    await extension().activate();
  });
  after(async () => {
    await closeAll();
    await daemon.stop();
  });
  afterEach(closeAll);

  it('every command of the manifest is registered', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    const { commands } = (extension().packageJSON as { contributes: { commands: { command: string }[] } }).contributes;
    assert.deepEqual(
      commands.map(c => c.command).filter(c => !known.has(c)),
      [],
    );
  });

  it('transcribes with what the settings say', async () => {
    await withSetting('prompt', 'Jane Austen', () =>
      withSetting('language', 'en', async () => {
        await vscode.commands.executeCommand('earshot.transcribe', file('talk.wav'));
        const [job] = submitted();
        assert.equal(job!.recording, file('talk.wav').fsPath);
        assert.deepEqual(job!.options, {
          repair: true,
          language: 'en',
          prompt: 'Jane Austen',
          outputs: { formats: ['json'] },
        });
      }),
    );
  });

  it('a folder gives all its recordings, and no document', async () => {
    await vscode.commands.executeCommand('earshot.transcribe', workspace(), [workspace()]);
    assert.deepEqual(
      submitted()
        .map(j => j.recording.split('/').at(-1))
        .sort(),
      ['missing.wav', 'talk 2.mp3', 'talk.wav'],
    );
    assert.equal(vscode.window.activeTextEditor, undefined);
  });

  it('a folder becomes a document with a table of its recordings', async () => {
    const before = daemon.jobs.size,
      done = vscode.commands.executeCommand<vscode.Uri>('earshot.transcribeFolder', workspace());
    await until('the jobs', () => daemon.jobs.size > before + 1);
    const jobs = [...daemon.jobs.keys()].slice(before);
    for (const job of jobs) {
      daemon.say(job);
      daemon.finish(job);
    }
    const place = await done;
    assert.match(place.path, /transcripts\.md$/);
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), place.toString());
    const written = vscode.window.activeTextEditor!.document.getText();
    assert.equal(
      written.split('\n').filter(line => /^\| \[.*And Mr\\?\. John Dashwood/.test(line)).length,
      jobs.length,
      written,
    );
    await vscode.workspace.fs.delete(place);
  });

  it('asks for the language of a translation, and remembers it', async () => {
    const done = vscode.commands.executeCommand('earshot.transcribeTranslate', file('talk.wav'));
    await new Promise(resolve => setTimeout(resolve, 400));
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    assert.match(submitted()[0]!.options.translateTo!, /^[a-z]{2,3}$/);
  });

  it('writes subtitles beside the recording too', async () => {
    await vscode.commands.executeCommand('earshot.transcribeSubtitles', file('talk.wav'));
    assert.deepEqual(submitted()[0]!.options.outputs, { formats: ['json', 'srt'] });
  });

  it('tries the sample from a copy', async () => {
    await vscode.commands.executeCommand('earshot.trySample');
    assert.match(submitted()[0]!.recording, /globalStorage.*sense-and-sensibility\.flac$/);
  });

  it('tells the daemon the machine settings that somebody set, and only those', async () => {
    const before = daemon.asked('settings/set').length;
    await withSetting('machine.keepAliveSeconds', 60, async () => {
      await until('the daemon hears of it', () => daemon.asked('settings/set').length > before);
      assert.deepEqual(daemon.asked('settings/set').at(-1), { values: { keepAliveSeconds: 60 } });
    });
  });

  it('the doctor reports', async () => {
    await vscode.commands.executeCommand('earshot.doctor');
    const document = await until('the report', () =>
      vscode.workspace.textDocuments.find(d => d.uri.scheme === 'earshot-doctor'),
    );
    assert.match(await text(document, /\| ✅ \|/), /ffmpeg/);
  });

  it('the tools for chats transcribe and read', async () => {
    const call = (name: string, input: object): Thenable<vscode.LanguageModelToolResult> =>
      vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined }, new vscode.CancellationTokenSource().token);
    assert.ok(vscode.lm.tools.some(t => t.name === 'earshot_transcribe'));
    const before = daemon.jobs.size,
      answer = call('earshot_transcribe', { path: 'talk.wav', timestamps: true });
    await until('the job', () => daemon.jobs.size > before);
    const job = [...daemon.jobs.keys()].at(-1)!;
    daemon.say(job);
    daemon.finish(job);
    const words = (result: vscode.LanguageModelToolResult): string =>
      result.content.map(part => (part as vscode.LanguageModelTextPart).value).join('');
    assert.match(words(await answer), /^\[00:00\] And Mr\. John Dashwood/);
    daemon.utterances.set(job, [utterance(0, ['asr']), utterance(1, ['asr']), utterance(2, ['asr'])]);
    assert.match(
      words(await call('earshot_read_transcript', { path: 'talk.wav' })),
      /^\[00:00\] And[^\n]*\n\[00:05\] He was[^\n]*\n\[00:10\] Had he/,
    );
    assert.match(
      words(await call('earshot_read_transcript', { path: 'talk.wav', fromSeconds: 6, toSeconds: 9 })),
      /^\[00:05\] He was[^\n]*$/,
    );
    const kept = file('talk.earshot.json');
    await vscode.workspace.fs.writeFile(
      kept,
      new TextEncoder().encode(JSON.stringify(sampleTranscript(file('talk.wav').fsPath))),
    );
    assert.match(
      words(await call('earshot_read_transcript', { path: kept.fsPath })),
      /^\[00:00\] And Mr\. John Dashwood[^]*Und Mr\. John/,
    );
    await assert.rejects(
      Promise.resolve(call('earshot_read_transcript', { path: 'never.wav' })),
      /has not been transcribed yet/,
    );
    await vscode.workspace.fs.delete(kept);
  });
});
