/** *Again With a Better Model*: the same recording and choices, another recognizer. */
import * as vscode from 'vscode';
import type { ModelCard } from '../../schemas/model.ts';
import { isFinal } from '../../schemas/words.ts';
import type { Deps } from '../requests/request.ts';
import { jobOf } from '../transcript/open.ts';
import { notify } from '../ui/notify.ts';
import { pick } from '../ui/pick.ts';
import { bytesText, failureText, numberText } from '../ui/words.ts';

/** `en` serves `en-GB`; no languages: it knows them all. */
const knows = ({ languages }: ModelCard, language: string): boolean =>
  languages.length === 0 || languages.some(one => one.split('-')[0] === language.split('-')[0]);

export async function again(deps: Deps, argument: unknown): Promise<void> {
  const { daemon, setup } = deps,
    job = await jobOf(deps, argument, vscode.l10n.t('Which recording?'), isFinal);
  if (!job) return;
  const language = job.options.language ?? job.language,
    models = [...daemon.state.models.values()].filter(({ card }) => card.figures && card.stages.includes('asr')),
    errors = ({ figures }: ModelCard): number => figures!.wordErrors,
    used = models.find(({ card }) => card.id === job.models.asr);
  const better = models
    .filter(({ card }) => (!used || errors(card) < errors(used.card)) && (language === null || knows(card, language)))
    .sort((a, b) => errors(a.card) - errors(b.card));
  if (!better.length) {
    notify.info(vscode.l10n.t('There is no better model for this recording in the list.'));
    return;
  }
  const picked = await pick(
    better.map(({ card, state }) => ({
      label: card.name,
      description:
        state === 'installed'
          ? vscode.l10n.t('installed')
          : bytesText(card.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0)),
      detail: [
        vscode.l10n.t('{0} of 100 English words wrong', numberText(Math.round(errors(card)))),
        card.licence,
      ].join(' · '),
      iconPath: new vscode.ThemeIcon(state === 'installed' ? 'check' : 'cloud-download'),
      model: card.id,
    })),
    {
      title: used
        ? vscode.l10n.t('Transcribe {0} again with a better model than {1}', job.recording.name, used.card.name)
        : vscode.l10n.t('Transcribe {0} again with which model?', job.recording.name),
    },
  );
  if (!picked) return;
  const options = { ...job.options, models: { ...job.options.models, asr: picked.model } };
  const {
    results: [result],
  } = await daemon.call('job/submit', {
    jobs: [{ recording: job.recording.path, options, priority: job.priority, onDuplicate: 'create' }],
  });
  if (!result) return;
  if ('failure' in result) notify.error(failureText(result.failure));
  else {
    setup.watch([result.job]);
    await vscode.commands.executeCommand('earshot.queue.focus');
  }
}
