/** The models by what they do: what is there, what can be had, and how far a download is. */
import * as vscode from 'vscode';
import { thrown, type ErrorCode, type Failure } from '../../schemas/errors.ts';
import type { Model, Recommendation } from '../../schemas/model.ts';
import { KINDS_OF_WORK, type Stage } from '../../schemas/words.ts';
import { entryOf } from '../../text/messages/messages.ts';
import type { Daemon } from '../connection/connection.ts';
import type { HubTokens } from '../setup/hub-token.ts';
import { SafeMarkdown } from '../ui/markdown.ts';
import { confirm, notify, withProgress } from '../ui/notify.ts';
import { askText, pick } from '../ui/pick.ts';
import { bytesText, failureText, languageName, numberText, stageName } from '../ui/words.ts';
import { DaemonTree } from './tree.ts';

type Node = { stage: Stage } | { stage: Stage; model: Model };
const sizeOf = (model: Model): number => model.card.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
/** The order of models of one kind. */
const STATE_RANK: Readonly<Record<Model['state'], number>> = { installed: 0, downloading: 1, broken: 2, absent: 3 };
const STAGE_ICONS: Readonly<Record<Stage, string>> = {
  asr: 'mic',
  repair: 'wand',
  nmt: 'globe',
  tts: 'unmute',
  summary: 'list-unordered',
};

/** What ends an installation. */
const INSTALL_FAILURES: ReadonlySet<string> = new Set<ErrorCode>([
  'cancelled',
  'checksumMismatch',
  'diskFull',
  'downloadFailed',
  'engineInstallFailed',
  'modelBroken',
  'modelUnavailable',
  'noPython',
  'offline',
]);

export class ModelsView extends DaemonTree<Node> {
  /** Installations that were begun here, with what went wrong in each. */
  readonly #installing = new Map<string, Failure | null>();

  constructor(daemon: Daemon) {
    super(daemon, change => change.all || change.models.size > 0);
  }

  /** Whether a notice of the daemon is about an installation that was begun here: that says itself how it ended. */
  reports(failure: Failure): boolean {
    if (!INSTALL_FAILURES.has(failure.code)) return false;
    const { model } = failure.args;
    for (const id of this.#installing.keys())
      if (model === undefined || model === id) {
        this.#installing.set(id, failure);
        return true;
      }
    return false;
  }

  /** Installs with the view's progress bar. @throws EarshotError why it failed; nothing when it was cancelled */
  async install(id: string, name: string, update = false): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Model>();
    // It ends with the model's own state, whoever changed it.
    const watch = this.daemon.onChange(change => {
      const model = this.daemon.state.models.get(id);
      if (model && (change.all || change.models.has(id)) && model.state !== 'downloading') resolve(model);
    });
    this.#installing.set(id, null);
    try {
      const { state, failure } = await withProgress(
        { location: { viewId: 'earshot.models' }, title: name },
        async () => {
          await this.daemon.call('model/install', { ids: [id], ...(update ? { update: true } : {}) });
          return promise;
        },
      );
      const why = this.#installing.get(id) ?? (state === 'installed' ? null : failure);
      if (why && why.code !== 'cancelled') throw thrown(why);
    } finally {
      this.#installing.delete(id);
      watch.dispose();
    }
  }

  /** What suits this machine, by the model; asked for when the view shows. */
  #recommended = new Map<string, Recommendation>();

  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) {
      await this.daemon.start();
      void this.#judge();
      return this.daemon.state.models.size ? KINDS_OF_WORK.map(stage => ({ stage })) : [];
    }
    if ('model' in node) return [];
    const rank = ({ state }: Model): number => entryOf(STATE_RANK, state, 9);
    return [...this.daemon.state.models.values()]
      .filter(m => m.card.stages.includes(node.stage))
      .sort((a, b) => rank(a) - rank(b) || a.card.size - b.card.size || (a.card.name < b.card.name ? -1 : 1))
      .map(model => ({ stage: node.stage, model }));
  }

  /** The view does not wait for it: looking at the hub may take seconds. */
  async #judge(): Promise<void> {
    if (this.#judged) return;
    this.#judged = true;
    try {
      const { recommendations } = await this.daemon.call('model/recommend', {});
      this.#recommended = new Map(recommendations.map(each => [each.model, each]));
      if (recommendations.length) this.refresh();
    } catch {
      this.#judged = false; // the next look asks again
    }
  }
  #judged = false;

  getTreeItem(node: Node): vscode.TreeItem {
    if (!('model' in node)) {
      const item = new vscode.TreeItem(stageName(node.stage), vscode.TreeItemCollapsibleState.Expanded);
      const chosen = [...this.daemon.state.models.values()].find(m => m.isDefault.includes(node.stage));
      const onDisk = [...this.daemon.state.models.values()]
        .filter(m => m.card.stages.includes(node.stage))
        .reduce((sum, m) => sum + m.diskBytes, 0);
      return Object.assign(item, {
        id: node.stage,
        iconPath: new vscode.ThemeIcon(STAGE_ICONS[node.stage]),
        description: [chosen?.card.name, onDisk ? bytesText(onDisk) : null].filter(Boolean).join(' · '),
        contextValue: 'stage',
      });
    }
    const { model, stage } = node,
      { card } = model,
      item = new vscode.TreeItem(card.name);
    const isDefault = model.isDefault.includes(stage),
      suits = stage === 'asr' ? this.#recommended.get(card.id) : undefined;
    item.id = `${stage} ${card.id}`;
    item.contextValue = `model ${model.state}${model.outdated ? ' outdated' : ''}${stage === 'tts' ? ' speaks' : ''}`;
    item.iconPath =
      model.state === 'downloading'
        ? new vscode.ThemeIcon('loading~spin')
        : model.state === 'broken'
          ? new vscode.ThemeIcon('warning', new vscode.ThemeColor('editorWarning.foreground'))
          : model.state === 'installed'
            ? new vscode.ThemeIcon(isDefault ? 'star-full' : 'check', new vscode.ThemeColor('charts.green'))
            : new vscode.ThemeIcon('circle-outline');
    const size = sizeOf(model);
    item.description = model.progress
      ? vscode.l10n.t(
          '{0}% of {1}',
          Math.floor((100 * model.progress.bytes) / Math.max(1, model.progress.total)),
          bytesText(model.progress.total),
        )
      : [
          model.outdated ? vscode.l10n.t('update available') : null,
          isDefault ? vscode.l10n.t('in use') : null,
          suits?.tier === 'recommended' ? vscode.l10n.t('recommended') : null,
          size ? bytesText(size) : null,
          card.licence,
        ]
          .filter(Boolean)
          .join(' · ');
    item.tooltip = tooltip(model, size, suits);
    item.accessibilityInformation = { label: `${card.name}, ${item.description}` };
    return item;
  }
}

function tooltip(
  { card, state, failure, diskBytes, lastUsedAt }: Model,
  size: number,
  suits: Recommendation | undefined,
): vscode.MarkdownString {
  const text = new SafeMarkdown().bold(card.name).paragraph();
  const row = (name: string, value: string): void => {
    text.item(`${name}: ${value}`);
  };
  row(vscode.l10n.t('License'), card.licence);
  row(vscode.l10n.t('Engine'), card.engine);
  row(
    vscode.l10n.t('Languages'),
    card.languages.length
      ? card.languages.slice(0, 12).map(languageName).join(', ') + (card.languages.length > 12 ? ' …' : '')
      : vscode.l10n.t('many'),
  );
  if (card.figures)
    row(
      vscode.l10n.t('Accuracy'),
      vscode.l10n.t('{0} of 100 English words wrong', numberText(Math.round(card.figures.wordErrors))),
    );
  if (suits)
    row(
      vscode.l10n.t('Speed here'),
      suits.measured
        ? vscode.l10n.t('{0} × real time (measured)', numberText(suits.speed, suits.speed < 10 ? 1 : 0))
        : vscode.l10n.t('{0} × real time (estimated)', numberText(suits.speed, suits.speed < 10 ? 1 : 0)),
    );
  if (size) row(vscode.l10n.t('Download'), bytesText(size));
  if (state === 'installed') {
    row(vscode.l10n.t('On disk'), bytesText(diskBytes));
    row(
      vscode.l10n.t('Last used'),
      lastUsedAt === null ? vscode.l10n.t('never') : new Date(lastUsedAt).toLocaleString(vscode.env.language),
    );
  }
  const memory = [
    card.memory.gpu ? `GPU ${bytesText(card.memory.gpu)}` : null,
    card.memory.cpu ? `CPU ${bytesText(card.memory.cpu)}` : null,
  ]
    .filter(Boolean)
    .join(', ');
  if (memory) row(vscode.l10n.t('Memory'), memory);
  if (failure) text.paragraph().text(failureText(failure));
  return text.done();
}

const modelOf = (node: unknown): { id: string; stage: Stage; name: string; homepage: string } | null => {
  const { model, stage } = (node ?? {}) as { model?: Model; stage?: Stage };
  return model && stage ? { id: model.card.id, stage, name: model.card.name, homepage: model.card.homepage } : null;
};

export const modelCommands = (
  daemon: Daemon,
  models: ModelsView,
  hubTokens: HubTokens,
): Record<string, (node?: unknown) => Promise<void>> => ({
  'model.install': async node => {
    const m = modelOf(node);
    if (m) await models.install(m.id, m.name);
  },
  'model.update': async node => {
    const m = modelOf(node);
    if (m) await models.install(m.id, m.name, true);
  },
  'model.cancelInstall': async node => {
    const m = modelOf(node);
    if (m) await daemon.call('model/cancelInstall', { id: m.id });
  },
  'model.remove': async node => {
    const m = modelOf(node);
    if (m && (await confirm(vscode.l10n.t('Remove {0} from this machine?', m.name), vscode.l10n.t('Remove'))))
      await daemon.call('model/remove', { id: m.id });
  },
  'model.useByDefault': async node => {
    const m = modelOf(node);
    if (!m) return;
    const { settings } = await daemon.call('settings/get', {});
    await daemon.call('settings/set', { values: { defaultModels: { ...settings.defaultModels, [m.stage]: m.id } } });
  },
  'model.verify': async node => {
    const m = modelOf(node);
    if (!m) return;
    const { failure } = await withProgress({ location: { viewId: 'earshot.models' } }, () =>
      daemon.call('model/verify', { id: m.id }),
    );
    if (failure) notify.error(failureText(failure));
    else notify.info(vscode.l10n.t('{0} is intact.', m.name));
  },
  'model.hear': async node => {
    const m = modelOf(node);
    if (!m) return;
    const { voices } = await daemon.call('voice/list', { model: m.id });
    const items = voices.map(voice => ({
      label: voice.voice ?? m.name,
      description: [
        languageName(voice.language),
        voice.pitch === 'low' ? vscode.l10n.t('low') : voice.pitch === 'high' ? vscode.l10n.t('high') : null,
      ]
        .filter(Boolean)
        .join(' · '),
      voice,
    }));
    const chosen =
      items.length === 1
        ? items[0]
        : await pick(items, { title: vscode.l10n.t('Voices of {0}', m.name), matchOnDescription: true });
    if (!chosen) return;
    const { voice, language } = chosen.voice;
    const { path } = await withProgress({ location: { viewId: 'earshot.models' }, title: chosen.label }, () =>
      daemon.call('voice/sample', { model: m.id, voice, language }),
    );
    // The editor's own player.
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(path), { preview: true }, chosen.label);
  },
  'model.homepage': async node => {
    const m = modelOf(node);
    if (m) await vscode.env.openExternal(vscode.Uri.parse(m.homepage));
  },
  'models.import': async () => {
    const [file] =
      (await vscode.window.showOpenDialog({
        canSelectFiles: true,
        canSelectFolders: true,
        openLabel: vscode.l10n.t('Import'),
      })) ?? [];
    if (file) await daemon.call('model/import', { path: file.fsPath });
  },
  'models.add': async () => {
    const source = await askText({
      title: vscode.l10n.t('Add a Model From the Hub'),
      value: '',
      placeHolder: vscode.l10n.t('hf:OWNER/REPOSITORY, with @REVISION or :FILE behind it, or the address of its page'),
    });
    if (!source?.trim()) return;
    await daemon.start();
    const found = await withProgress({ location: { viewId: 'earshot.models' } }, () =>
      hubTokens.with(() => daemon.call('model/find', { source: source.trim() })),
    );
    if (found.installed) {
      notify.info(vscode.l10n.t('{0} is installed already.', found.id));
      return;
    }
    const bytes = found.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
    const agreed = await confirm(
      vscode.l10n.t('Install {0}, {1}?', found.id, bytesText(bytes)),
      vscode.l10n.t('Install'),
      [
        `${found.repository} @ ${found.revision.slice(0, 12)}`,
        ...found.files.map(file => `${file.path}${file.bytes === null ? '' : `  ${bytesText(file.bytes)}`}`),
        vscode.l10n.t(
          'Nobody vouches for these files. Earshot keeps their checksums, and accepts no others from then on.',
        ),
      ].join('\n'),
    );
    if (!agreed) return;
    const { model } = await daemon.call('model/add', { source: source.trim(), revision: found.revision });
    await models.install(model.card.id, model.card.name);
  },
  'models.forgetToken': () => hubTokens.forget(),
  'models.refresh': async () => {
    await daemon.start();
    await vscode.commands.executeCommand('earshot.models.focus');
  },
});
