/** Few notifications: a transcript that is done while nobody looks, a failure, a notice of the daemon. */
import * as vscode from 'vscode';
import type { Job } from '../../schemas/job.ts';
import type { Daemon } from '../connection/connection.ts';
import type { ModelsView } from './models.ts';
import type { Batches } from '../requests/batches.ts';
import type { Streams } from '../streaming/streams.ts';
import type { RunningTranscripts } from '../transcript/running.ts';
import { notify } from '../ui/notify.ts';
import { failureText } from '../ui/words.ts';

/** Failures so close to each other are said in one message. */
const TOGETHER_MS = 1_500;

export function notices(
  daemon: Daemon,
  {
    streams,
    running,
    models,
    batches,
  }: { streams: Streams; running: RunningTranscripts; models: ModelsView; batches: Batches },
): vscode.Disposable {
  /** Jobs seen under way by this window: only their end is news. */
  const underWay = new Set<string>();
  const wanted = (): string => vscode.workspace.getConfiguration('earshot').get('notifications', 'whenHidden');
  const inView = (job: Job): boolean => {
    const document = streams.documentOf(job.id);
    return (
      running.isVisible(job.id) ||
      (document !== null && vscode.window.visibleTextEditors.some(e => e.document === document))
    );
  };
  let failed: Job[] = [],
    timer: NodeJS.Timeout | null = null;
  /** What fails at the same time has mostly one reason: one message. */
  const sayFailed = (): void => {
    const [first, ...others] = failed;
    timer = null;
    failed = [];
    if (!first) return;
    const why = first.failure ? failureText(first.failure) : vscode.l10n.t('Failed'),
      ids = [first, ...others].map(({ id }) => id);
    const retry = {
      title: vscode.l10n.t('Retry'),
      run: () => daemon.call('job/retry', { ids: ids.filter(id => daemon.state.jobs.get(id)?.state === 'failed') }),
    };
    if (others.length === 0)
      notify.error(`${first.recording.name}: ${why}`, retry, {
        title: vscode.l10n.t('Open'),
        run: () => vscode.commands.executeCommand('earshot.openTranscript', first.id),
      });
    else
      notify.error(vscode.l10n.t('{0} recordings failed. {1}: {2}', ids.length, first.recording.name, why), retry, {
        title: vscode.l10n.t('Show the Queue'),
        run: () => vscode.commands.executeCommand('earshot.openQueue'),
      });
  };
  const look = (id: string): void => {
    const job = daemon.state.jobs.get(id);
    if (!job) return;
    if (job.state !== 'completed' && job.state !== 'failed') {
      if (job.state === 'cancelled') underWay.delete(id);
      else underWay.add(id);
      return;
    }
    if (!underWay.delete(id) || wanted() === 'never') return;
    const open = {
      title: vscode.l10n.t('Open'),
      run: () => vscode.commands.executeCommand('earshot.openTranscript', id),
    };
    if (job.state === 'failed') {
      failed.push(job);
      timer ??= setTimeout(sayFailed, TOGETHER_MS);
    } else if (batches.has(id)) return;
    else if (wanted() === 'always' || (wanted() === 'whenHidden' && !inView(job) && !vscode.window.state.focused))
      notify.info(vscode.l10n.t('{0} has been transcribed.', job.recording.name), open);
  };
  return vscode.Disposable.from(
    new vscode.Disposable(() => {
      if (timer) clearTimeout(timer);
    }),
    daemon.onChange(change => {
      if (change.all) for (const id of daemon.state.jobs.keys()) look(id);
      for (const id of change.jobs) look(id);
    }),
    daemon.onNotice(failure => {
      if (!models.reports(failure) && wanted() !== 'never') notify.warn(failureText(failure));
    }),
  );
}
