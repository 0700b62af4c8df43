/** What the editor calls. Activation only registers; the daemon is looked for when something needs it. */
import * as vscode from 'vscode';
import { again } from './commands/again.ts';
import { pickMicrophone } from './commands/microphone.ts';
import { Dictation } from './commands/dictate.ts';
import { findInTranscripts } from './commands/find.ts';
import { Doctor, showLog, trySample } from './commands/help.ts';
import { openEditor } from './transcript/open.ts';
import { cancelAll, moveTo, openTranscript, retryFailed, reveal, setPriority, simple } from './commands/jobs.ts';
import { Batches } from './requests/batches.ts';
import { reportErrors, type Deps } from './requests/request.ts';
import { WhatHappened } from './commands/what-happened.ts';
import { insertHere, transcribe } from './commands/transcribe.ts';
import { addSummary, summariesInto } from './commands/summary.ts';
import { transcribeFolder } from './commands/folder.ts';
import { openTranscripts } from './commands/transcripts.ts';
import { Daemon, daemonPlace } from './connection/connection.ts';
import { editProviders } from './markdown/drop.ts';
import { addToGlossary } from './requests/glossary.ts';
import { machineSettings } from './connection/machine-settings.ts';
import { recordingsInMarkdown } from './markdown/recordings.ts';
import { modelsReady } from './connection/mirror.ts';
import { notices } from './views/notices.ts';
import { DevicesPanel } from './panels/devices.ts';
import { QueuePanel } from './panels/queue.ts';
import { SetupProgress } from './setup/progress.ts';
import { statusBar } from './views/status-bar.ts';
import { Streams } from './streaming/streams.ts';
import { convert, subtitleLenses, synchroniseWith, translate } from './subtitles/commands.ts';
import { subtitleEncodings } from './subtitles/encoding.ts';
import { subtitleLanguage } from './subtitles/language.ts';
import { SUBTITLES } from './subtitles/read.ts';
import { tools } from './commands/chat-tools.ts';
import { TranscriptEditor } from './transcript/editor.ts';
import { RunningTranscripts } from './transcript/running.ts';
import { HubTokens } from './setup/hub-token.ts';
import { modelCommands, ModelsView } from './views/models.ts';
import { setNames } from './ui/words.ts';
import { exportTranscript } from './commands/export.ts';
import { followSaves } from './transcript/exports.ts';
import { withTranscript } from './transcript/with-transcript.ts';
import { syncFolders } from './watched/sync.ts';
import { watchCommands, WatchedView } from './watched/view.ts';

/** For tests: how long activate() took, and the state that the window mirrors. */
export interface Api {
  activatedInMs: number;
  /** Of the processor, which a busy machine does not stretch. */ activationCpuMs: number;
  daemon: Daemon;
}

export function activate(context: vscode.ExtensionContext): Api {
  const started = performance.now(),
    cpu = process.cpuUsage();
  const log = vscode.window.createOutputChannel('Earshot', { log: true }),
    daemonLog = vscode.window.createOutputChannel('Earshot Daemon', 'log');
  const daemon = new Daemon((context.extension.packageJSON as { version: string }).version, () =>
    daemonPlace(context.extensionPath),
  );
  setNames({ device: id => daemon.state.devices.get(id)?.name, job: id => daemon.state.jobs.get(id)?.recording.name });
  const streams = new Streams(daemon, context.workspaceState, log);
  const setup = new SetupProgress(daemon, log),
    batches = new Batches(daemon),
    deps: Deps = {
      daemon,
      streams,
      memory: context.globalState,
      log,
      setup,
      batches,
      showRunning: job => running.open(job),
    };
  const doctor = new Doctor(deps),
    models = new ModelsView(daemon),
    hubTokens = new HubTokens(context.secrets, daemon),
    dictation = new Dictation(deps),
    watched = new WatchedView(daemon),
    transcripts = new TranscriptEditor(context.extensionUri, deps),
    running = new RunningTranscripts({ extensionUri: context.extensionUri, daemon, editor: transcripts, log });

  const whatHappened = new WhatHappened(deps),
    commands = commandsOf({
      context,
      deps,
      daemonLog,
      doctor,
      dictation,
      models,
      hubTokens,
      transcripts,
      whatHappened,
    });
  context.subscriptions.push(
    log,
    daemonLog,
    daemon,
    streams,
    setup,
    batches,
    models,
    hubTokens,
    dictation,
    running,
    statusBar(daemon),
    notices(daemon, { streams, running, models, batches }),
    machineSettings(daemon, log),
    watched,
    syncFolders(deps),
    summariesInto(deps),
    tools(deps),
    subtitleLanguage(),
    subtitleEncodings(),
    vscode.languages.registerCodeLensProvider(SUBTITLES, subtitleLenses),
    recordingsInMarkdown(deps, transcripts),
    whenTrusted(() => editProviders(deps)),
    ...Object.entries(commands).map(([name, run]) =>
      vscode.commands.registerCommand(`earshot.${name}`, reportErrors(log, run)),
    ),
    vscode.window.registerWebviewViewProvider('earshot.queue', new QueuePanel(daemon, context.extensionUri, log)),
    vscode.window.registerWebviewViewProvider('earshot.devices', new DevicesPanel(daemon, context.extensionUri, log)),
    vscode.window.registerTreeDataProvider('earshot.models', models),
    vscode.window.registerTreeDataProvider('earshot.watched', watched),
    vscode.window.registerCustomEditorProvider('earshot.transcript', transcripts, {
      webviewOptions: { retainContextWhenHidden: false },
    }),
    vscode.workspace.registerTextDocumentContentProvider('earshot-doctor', doctor),
    vscode.workspace.registerTextDocumentContentProvider(WhatHappened.scheme, whatHappened),
    contextKeys(daemon),
    withTranscript(daemon),
    followSaves(deps),
  );
  const { user, system } = process.cpuUsage(cpu);
  return { activatedInMs: performance.now() - started, activationCpuMs: (user + system) / 1000, daemon };
}

type Command = (first?: unknown, second?: unknown) => Promise<unknown>;

interface CommandDeps {
  context: vscode.ExtensionContext;
  deps: Deps;
  daemonLog: vscode.OutputChannel;
  doctor: Doctor;
  dictation: Dictation;
  models: ModelsView;
  hubTokens: HubTokens;
  transcripts: TranscriptEditor;
  whatHappened: WhatHappened;
}

/** Everything that package.json calls earshot.NAME. */
function commandsOf({
  context,
  deps,
  daemonLog,
  doctor,
  dictation,
  models,
  hubTokens,
  transcripts,
  whatHappened,
}: CommandDeps): Record<string, Command> {
  const { daemon, streams } = deps;
  return {
    transcribe: (uri, all) => transcribe(deps, 'plain', uri, all),
    transcribeSubtitles: (uri, all) => transcribe(deps, 'subtitles', uri, all),
    transcribeTranslate: (uri, all) => transcribe(deps, 'translate', uri, all),
    transcribeSpeak: (uri, all) => transcribe(deps, 'speak', uri, all),
    transcribePreset: (uri, all) => transcribe(deps, 'preset', uri, all),
    transcribeWith: (uri, all) => transcribe(deps, 'with', uri, all),
    dictate: () => dictation.toggle(),
    stopDictation: () => dictation.stop(),
    transcribeFolder: uri => transcribeFolder(deps, uri),
    addSummary: target => addSummary(deps, target),
    insertHere: uri => insertHere(deps, uri),
    addToGlossary: () => addToGlossary(),
    'subtitles.synchronise': uri => synchroniseWith(deps, uri),
    'subtitles.convert': (uri, to) => convert(uri, to),
    'subtitles.translate': (uri, to) => translate(deps, uri, to),
    stopStreaming: async () => {
      const editor = vscode.window.activeTextEditor;
      if (editor) streams.stop(editor.document);
    },
    trySample: () => trySample(deps, context),
    doctor: () => doctor.show(),
    showLog: () => showLog(deps, daemonLog),
    openQueue: async () => vscode.commands.executeCommand('earshot.queue.focus'),
    openSettings: async () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:earshot.earshot'),
    pickMicrophone: () => pickMicrophone(deps),
    openDevices: async () => vscode.commands.executeCommand('earshot.devices.focus'),
    pauseQueue: () => daemon.call('queue/pause', {}),
    resumeQueue: () => daemon.call('queue/resume', {}),
    restartDaemon: async () => {
      await daemon.stop(true);
      await daemon.start();
    },
    stopDaemon: () => daemon.stop(true),
    findInTranscripts: words => findInTranscripts(deps, transcripts, words),
    ...transcripts.commands,
    openTranscript: job => openTranscript(deps, job),
    openTranscripts: (target, all) => openTranscripts(deps, target, all),
    exportTranscript: uri => exportTranscript(deps, uri),
    'job.open': job => openTranscript(deps, job),
    'job.editor': job => openEditor(deps, job),
    'job.reveal': job => reveal(deps, job),
    'job.summary': job => addSummary(deps, job),
    'job.log': job => whatHappened.show(job),
    'job.pause': job => simple('job/pause')(deps, job),
    'job.resume': job => simple('job/resume')(deps, job),
    'job.here': job => simple('job/here')(deps, job),
    'job.cancel': job => simple('job/cancel')(deps, job),
    'job.retry': job => simple('job/retry')(deps, job),
    'job.remove': job => simple('job/remove')(deps, job),
    'job.again': job => again(deps, job),
    cancelAll: () => cancelAll(deps),
    retryFailed: () => retryFailed(deps),
    'job.priority': job => setPriority(deps, job),
    'job.top': job => moveTo('top')(deps, job),
    'job.bottom': job => moveTo('bottom')(deps, job),
    ...modelCommands(daemon, models, hubTokens),
    ...watchCommands(deps),
  };
}

/** Now in a trusted workspace, else once it is. */
function whenTrusted(register: () => vscode.Disposable): vscode.Disposable {
  if (vscode.workspace.isTrusted) return register();
  let made: vscode.Disposable | null = null;
  const granted = vscode.workspace.onDidGrantWorkspaceTrust(() => {
    made ??= register();
  });
  return new vscode.Disposable(() => {
    granted.dispose();
    made?.dispose();
  });
}

/** What the conditions of menus and welcome pages read. */
const contextKeys = (daemon: Daemon): vscode.Disposable =>
  daemon.onChange(change => {
    if (change.all || change.queue)
      void vscode.commands.executeCommand('setContext', 'earshot.queuePaused', daemon.state.queuePaused);
    if (change.all || change.models.size)
      void vscode.commands.executeCommand('setContext', 'earshot.modelsReady', modelsReady(daemon.state));
  });
