/** Few notifications: a transcript that is done while nobody looks, a failure, a notice of the daemon. */
import * as vscode from 'vscode';
import type { Job } from '../../schemas/job.ts';
import type { Daemon } from '../connection/connection.ts';
import type { ModelsView } from './models.ts';
import type { Streams } from '../streaming/streams.ts';
import { notify } from '../ui/notify.ts';
import { failureText } from '../ui/words.ts';

export function notices(daemon: Daemon, streams: Streams, models: ModelsView): vscode.Disposable {
  /** Jobs seen under way by this window: only their end is news. */
  const underWay = new Set<string>();
  const wanted = (): string => vscode.workspace.getConfiguration('earshot').get('notifications', 'whenHidden');
  const inView = (job: Job): boolean => {
    const document = streams.documentOf(job.id);
    return document !== null && vscode.window.visibleTextEditors.some(e => e.document === document);
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
    if (job.state === 'failed')
      notify.error(
        `${job.recording.name}: ${job.failure ? failureText(job.failure) : vscode.l10n.t('Failed')}`,
        { title: vscode.l10n.t('Retry'), run: () => vscode.commands.executeCommand('earshot.job.retry', id) },
        open,
      );
    else if (wanted() === 'always' || (wanted() === 'whenHidden' && !inView(job) && !vscode.window.state.focused))
      notify.info(vscode.l10n.t('{0} has been transcribed.', job.recording.name), open);
  };
  return vscode.Disposable.from(
    daemon.onChange(change => {
      if (change.all) for (const id of daemon.state.jobs.keys()) look(id);
      for (const id of change.jobs) look(id);
    }),
    daemon.onNotice(failure => {
      if (!models.reports(failure) && wanted() !== 'never') notify.warn(failureText(failure));
    }),
  );
}
