import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Params } from '../../../schemas/rpc.ts';
import { job as makeJob, sampleTranscript, utterance } from '../fake/fixtures.ts';
import { closeAll, daemon, extension, file, settings, text, until, withSetting, workspace } from './support.ts';

/** Takes the line that the list begins with, once there is one; the answer of the command. */
async function takeFirst(command: string, ...args: unknown[]): Promise<void> {
  let over = false;
  const done = Promise.resolve(vscode.commands.executeCommand(command, ...args)).then(() => (over = true));
  await until(
    `${command} has its answer`,
    async () => {
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return over;
    },
    90_000,
  );
  await done;
}

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

  it('a preset says what is done, with what the settings say of the rest', async () => {
    daemon.settings = {
      ...daemon.settings,
      presets: { Film: { language: 'en', translateTo: 'de', formats: ['srt'] } },
    };
    await takeFirst('earshot.transcribePreset', file('talk.wav'));
    assert.deepEqual(submitted()[0]!.options, {
      repair: true,
      language: 'en',
      translateTo: 'de',
      outputs: { formats: ['srt'] },
    });
  });

  it('Retry All Failed Jobs retries these and no others', async () => {
    const made = (n: number, state: 'failed' | 'completed' | 'cancelled'): string => {
      const job = makeJob({ n, name: `r${n}.wav`, state }, Date.now());
      daemon.transcribed(job, []);
      return job.id;
    };
    for (const [id, { state }] of daemon.jobs) if (state === 'failed') daemon.finish(id);
    const failed = [made(9001, 'failed'), made(9002, 'failed')];
    made(9003, 'completed');
    made(9004, 'cancelled');
    await until('the mirror', () => extension().exports.daemon.state.jobs.size === daemon.jobs.size);
    await until('its states', () => extension().exports.daemon.state.jobs.get(failed[1]!)?.state === 'failed');
    await vscode.commands.executeCommand('earshot.retryFailed');
    assert.deepEqual((daemon.asked('job/retry').at(-1) as Params<'job/retry'>).ids.toSorted(), failed.toSorted());
  });

  it('Again With a Better Model offers those that err less, the best first', async () => {
    const figures = (id: string, wordErrors: number): void => {
      const model = daemon.models.get(id)!;
      daemon.model({
        ...model,
        card: { ...model.card, figures: { wordErrors, errorsFrom: 'test', cpuMs: 1, speedFrom: 'test' } },
      });
    };
    figures('whisper-base', 9);
    figures('whisper-small', 6);
    figures('whisper-large-v3-turbo', 4);
    const job = {
      ...makeJob({ n: 9005, name: 'talk.wav', state: 'completed' }, Date.now()),
      models: { asr: 'whisper-small' },
    };
    daemon.transcribed(job, []);
    await until('the mirror', () => {
      const { models, jobs } = extension().exports.daemon.state;
      return jobs.has(job.id) && models.get('whisper-large-v3-turbo')?.card.figures;
    });
    const before = daemon.asked('job/submit').length;
    await takeFirst('earshot.job.again', job.id);
    assert.equal(daemon.asked('job/submit').length, before + 1);
    assert.deepEqual(
      [submitted()[0]!.options.models, submitted()[0]!.onDuplicate],
      [{ asr: 'whisper-large-v3-turbo' }, 'create'],
    );
  });

  it('the microphone of the system is the first to choose', async () => {
    await withSetting('dictation.device', 'alsa:hw:7', async () => {
      await takeFirst('earshot.pickMicrophone');
      assert.equal(settings().get('dictation.device'), '');
    });
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
