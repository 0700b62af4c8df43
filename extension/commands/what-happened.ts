/** *Show What Happened*: the life of a job as a page, with its records below. */
import * as vscode from 'vscode';
import type { Failure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import type { JournalEntry } from '../../schemas/rpc.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Deps } from '../requests/request.ts';
import { jobOf } from '../transcript/open.ts';
import { errorText, failureText, languageName, numberText, stageName } from '../ui/words.ts';
import { modelName } from '../connection/mirror.ts';

const SCHEME = 'earshot-job',
  MOST_ENTRIES = 2000;

export class WhatHappened implements vscode.TextDocumentContentProvider {
  static readonly scheme = SCHEME;
  readonly #deps: Deps;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async show(argument: unknown): Promise<void> {
    const job = await jobOf(this.#deps, argument, vscode.l10n.t('What happened to which job?'));
    if (!job) return;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${job.recording.name}.md`, query: job.id });
    this.#changed.fire(uri);
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { daemon } = this.#deps;
    try {
      const [{ job }, { entries }] = await Promise.all([
        daemon.call('job/get', { id: uri.query }),
        daemon.call('job/log', { id: uri.query, limit: MOST_ENTRIES }),
      ]);
      return pageOf(job, entries, id => modelName(daemon.state, id));
    } catch (error) {
      // Else the editor says that it cannot find the page, and not why.
      return `❌ ${plain(errorText(error))}\n`;
    }
  }
}

/** `nameOf`: of a model by its id. */
export function pageOf(job: Job, entries: readonly JournalEntry[], nameOf: (id: string) => string = id => id): string {
  const events = entries.flatMap(entry => {
      const what = sentenceOf(entry, nameOf);
      return what === null ? [] : [`| ${clock(entry.at)} | ${cell(what)} |`];
    }),
    stages = stagesOf(job, entries, nameOf);
  return [
    `# ${plain(job.recording.name)}`,
    ...(job.failure ? [`**${plain(failureText(job.failure))}**`] : []),
    ...job.warnings.map(warning => `⚠️ ${plain(failureText(warning))}`),
    plain(job.recording.path),
    ...(stages.length
      ? [
          [
            `| ${vscode.l10n.t('Stage')} | ${vscode.l10n.t('Model')} | ${vscode.l10n.t('Utterances')} | ${vscode.l10n.t('Work')} |`,
            '|---|---|---:|---:|',
            ...stages,
          ].join('\n'),
        ]
      : []),
    `## ${vscode.l10n.t('What happened')}`,
    [`| ${vscode.l10n.t('Time')} | ${vscode.l10n.t('Event')} |`, '|---|---|', ...events].join('\n'),
    `## ${vscode.l10n.t('Records')}`,
    ['```', ...entries.map(recordOf), '```'].join('\n'),
  ].join('\n\n');
}

/** Steps are counted, not listed: a lecture has thousands. */
function stagesOf(job: Job, entries: readonly JournalEntry[], nameOf: (id: string) => string): string[] {
  return job.stages.map(stage => {
    const ms = entries
      .filter(entry => entry.kind === 'step.finished' && entry.stage === stage)
      .reduce((sum, { data }) => sum + (Number(data.ms) || 0), 0);
    const { done = 0 } = job.progress.stages[stage] ?? {};
    return `| ${stageName(stage)} | ${cell(nameOf(job.models[stage] ?? ''))} | ${numberText(done)} | ${seconds(ms)} |`;
  });
}

/** Null: one of the many that the table counts. */
function sentenceOf({ kind, stage, index, data }: JournalEntry, nameOf: (id: string) => string): string | null {
  const model = typeof data.model === 'string' ? nameOf(data.model) : '',
    why = data.failure ? failureText(data.failure as Failure) : '',
    where = [stage ? stageName(stage satisfies Stage) : '', index === null ? '' : `#${index + 1}`]
      .filter(Boolean)
      .join(' ');
  switch (kind) {
    case 'job.submitted':
      return vscode.l10n.t('It was put into the queue.');
    case 'job.started':
      return vscode.l10n.t('Its turn came.');
    case 'job.paused':
      return vscode.l10n.t('It was paused.');
    case 'job.resumed':
      return vscode.l10n.t('It was resumed.');
    case 'job.retried':
      return vscode.l10n.t('It was retried.');
    case 'job.moved':
      return vscode.l10n.t('It was moved in the queue.');
    case 'job.completed':
      return vscode.l10n.t('It was completed.');
    case 'job.failed':
      return vscode.l10n.t('It failed: {0}', why);
    case 'job.cancelled':
      return vscode.l10n.t('It was canceled.');
    case 'job.language':
      return vscode.l10n.t('The language is {0}.', languageName(String(data.language)));
    case 'job.model':
      return vscode.l10n.t('{0} is used instead of {1}.', nameOf(String(data.instead)), model);
    case 'ingest.finished':
      return vscode.l10n.t('The recording was read: {0} utterances.', numberText(Number(data.utterances) || 0));
    case 'ingest.failed':
      return vscode.l10n.t('The recording could not be read: {0}', why);
    case 'instance.loaded':
      return vscode.l10n.t('{0} was loaded in {1}.', model, seconds(Number(data.ms) || 0));
    case 'attempt.failed':
    case 'step.failed':
      return vscode.l10n.t('{0} failed: {1}', where, why);
    default:
      return null;
  }
}

const recordOf = ({ at, kind, stage, index, data }: JournalEntry): string =>
  [new Date(at).toISOString(), kind, stage ?? '', index ?? '', Object.keys(data).length ? JSON.stringify(data) : '']
    .filter(part => part !== '')
    .join('  ')
    .replaceAll('```', "'''");

const clock = (at: number): string =>
  new Date(at).toLocaleTimeString(vscode.env.language, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const seconds = (ms: number): string => vscode.l10n.t('{0} s', numberText(ms / 1000, 1));
/** Words in Markdown: nothing in a name or a sentence steers it. */
const plain = (text: string): string => text.replaceAll(/[\\`*_{}[\]<>#|!~&]/g, c => `\\${c}`).replaceAll('\n', ' ');
const cell = plain;
