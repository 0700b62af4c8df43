/** The status bar item: what runs and how far, in one glance; a click shows the queue. */
import * as vscode from 'vscode';
import { plainText } from '../../text/markdown.ts';
import type { Job } from '../../schemas/job.ts';
import { jobFraction } from '../../schemas/progress.ts';
import { isFinal } from '../../schemas/words.ts';
import type { Daemon } from '../connection/connection.ts';
import { failureText, percentText } from '../ui/words.ts';

/** 0 to 1 over all stages of a job; null while its length is unknown. */
export function fraction(job: Job): number | null {
  return job.progress.utterances === 0 || job.live?.open ? null : jobFraction(job);
}

const LONGEST_NAME = 28;
const shortened = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

export interface Status {
  text: string;
  tooltip: string;
  warn: boolean;
}

export function statusOf(jobs: Iterable<Job>, paused: boolean): Status | null {
  const active = [...jobs].filter(job => !isFinal(job.state)),
    running = active.filter(job => job.state === 'processing');
  if (!active.length) return null;
  const going = running.filter(job => job.stages.some(stage => (job.progress.stages[stage]?.running ?? 0) > 0)).length;
  if (paused)
    return {
      text: `$(debug-pause) ${
        going
          ? vscode.l10n.t('{0} running, {1} queued', going, active.length - going)
          : vscode.l10n.t('{0} queued', active.length)
      }`,
      tooltip: vscode.l10n.t('The queue is paused: nothing new starts.'),
      warn: true,
    };
  const [first] = running;
  if (!first)
    return {
      text: `$(clock) ${vscode.l10n.t('{0} queued', active.length)}`,
      tooltip: vscode.l10n.t('Recordings are waiting for their turn.'),
      warn: false,
    };
  const parts = running.map(fraction).filter(f => f !== null),
    mean = parts.length ? parts.reduce((a, b) => a + b, 0) / parts.length : null;
  const percent = mean === null ? '' : ` ${percentText(Math.floor(mean * 100) / 100)}`,
    rest = active.length - 1,
    waiting = active.length - running.length;
  return {
    // A name beside what is of all would say it of that one.
    text:
      running.length === 1
        ? `$(mic) ${plainText(shortened(first.recording.name))}${percent}${rest ? ` +${rest}` : ''}`
        : `$(mic) ${vscode.l10n.t('{0} recordings', running.length)}${percent}${waiting ? ` +${waiting}` : ''}`,
    tooltip: plainText(
      running.map(job => `${job.recording.name}${job.lastWords ? ` — “…${job.lastWords.slice(-80)}”` : ''}`).join('\n'),
    ),
    warn: false,
  };
}

export function statusBar(daemon: Daemon): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('earshot.status', vscode.StatusBarAlignment.Left, 40);
  item.name = 'Earshot';
  item.command = 'earshot.openQueue';
  const paint = (): void => {
    const status = statusOf(daemon.state.jobs.values(), daemon.state.queuePaused),
      { connection } = daemon;
    const off = !vscode.workspace.getConfiguration('earshot').get('statusBar', true);
    if (off || (!status && connection.kind !== 'failed')) return item.hide();
    // Icons in it are ours: what a recording is called was made plain.
    item.text = status?.text ?? `$(warning) Earshot`;
    item.tooltip = status?.tooltip ?? (connection.kind === 'failed' ? plainText(failureText(connection.failure)) : '');
    item.backgroundColor =
      connection.kind === 'failed' || status?.warn
        ? new vscode.ThemeColor('statusBarItem.warningBackground')
        : undefined;
    item.show();
  };
  let timer: NodeJS.Timeout | null = null;
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      paint();
    }, 250);
  };
  return vscode.Disposable.from(
    item,
    daemon.onChange(soon),
    daemon.onConnection(soon),
    vscode.workspace.onDidChangeConfiguration(e => {
      if (e.affectsConfiguration('earshot.statusBar')) soon();
    }),
    new vscode.Disposable(() => {
      if (timer) clearTimeout(timer);
    }),
  );
}
