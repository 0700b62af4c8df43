/** The sample, the doctor and the log: for the first minutes and the bad ones. */
import * as vscode from 'vscode';
import type { DoctorReport } from '../../schemas/reasons.ts';
import { entryOf } from '../../text/messages/messages.ts';
import { checkText, errorText } from '../ui/words.ts';
import { settled } from '../requests/options.ts';
import type { Deps } from '../requests/request.ts';
import { submit } from './transcribe.ts';

const SAMPLE = 'sense-and-sensibility.flac';

/** Half a minute of Jane Austen, from a copy, so that nothing is written into the extension's own folder. */
export async function trySample(
  deps: Deps,
  { extensionUri, globalStorageUri }: vscode.ExtensionContext,
): Promise<void> {
  const copy = vscode.Uri.joinPath(globalStorageUri, 'sample', SAMPLE);
  await vscode.workspace.fs.copy(vscode.Uri.joinPath(extensionUri, 'samples', SAMPLE), copy, { overwrite: true });
  const choice = settled(undefined);
  await submit(deps, [copy], {
    ...choice,
    options: { ...choice.options, outputs: { formats: ['json'] } },
    document: { open: choice.document.open === 'none' ? 'editor' : choice.document.open, format: 'markdown' },
  });
}

const MARK: Readonly<Record<DoctorReport['checks'][number]['status'], string>> = {
  ok: '✅',
  warning: '⚠️',
  problem: '❌',
};

/** The report as Markdown, shown rendered; a daemon that does not start is a finding too. */
export class Doctor implements vscode.TextDocumentContentProvider {
  readonly #deps: Deps;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly uri = vscode.Uri.from({ scheme: 'earshot-doctor', path: `/${vscode.l10n.t('Earshot Doctor')}.md` });

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async show(): Promise<void> {
    this.#changed.fire(this.uri);
    await vscode.commands.executeCommand('markdown.showPreview', this.uri);
  }

  async provideTextDocumentContent(): Promise<string> {
    const title = `# ${vscode.l10n.t('Earshot Doctor')}\n\n`;
    try {
      const [{ checks }, status] = await Promise.all([
        this.#deps.daemon.call('daemon/doctor', {}),
        this.#deps.daemon.call('daemon/status', {}),
      ]);
      const worst = checks.some(c => c.status === 'problem')
        ? vscode.l10n.t('Something must be fixed before everything works.')
        : checks.some(c => c.status === 'warning')
          ? vscode.l10n.t('Everything works; some things could be better.')
          : vscode.l10n.t('Everything is fine.');
      const rows = checks.map(check => {
        const { name, what, todo } = checkText(check);
        return `| ${entryOf<string>(MARK, check.status, '❔')} | **${cell(name)}** | ${cell(what)}${todo ? `<br>${cell(todo)}` : ''} |`;
      });
      const daemon =
        status.clients === 1
          ? vscode.l10n.t('Daemon {0}, process {1}; one window or program is connected.', status.version, status.pid)
          : vscode.l10n.t(
              'Daemon {0}, process {1}; {2} windows and programs are connected.',
              status.version,
              status.pid,
              status.clients,
            );
      const files = vscode.l10n.t('Its files: {0}', `\`${status.stateDirectory}\`, \`${status.dataDirectory}\``);
      const head = [vscode.l10n.t('Result'), vscode.l10n.t('Check'), vscode.l10n.t('What was found')].join(' | ');
      return `${title}${worst}\n\n| ${head} |\n|---|---|---|\n${rows.join('\n')}\n\n${daemon}\n\n${files}\n`;
    } catch (error) {
      return `${title}${MARK.problem} **${vscode.l10n.t('The daemon does not start.')}** ${errorText(error)}\n`;
    }
  }
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', '<br>');

/** The daemon's newest lines in a channel of their own. */
export async function showLog({ daemon, log }: Deps, channel: vscode.OutputChannel): Promise<void> {
  channel.show(true);
  try {
    const { lines } = await daemon.call('daemon/logs', { lines: 1000 });
    channel.clear();
    channel.appendLine(lines.join('\n'));
  } catch (error) {
    log.error(errorText(error));
    log.show(true);
  }
}
