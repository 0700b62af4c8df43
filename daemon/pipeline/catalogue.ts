/**
 * What can be had on this machine: models and the runtimes that their engines need, fetched when a job first asks for
 * them.
 */
import { failure, thrown, toFailure, type Failure } from '../../schemas/errors.ts';
import { reason, type Reason } from '../../schemas/reasons.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { Engine, RuntimeId } from '../contracts/engine.ts';
import { servesLanguage } from '../models/defaults.ts';
import type { Defaults, Models } from '../models/models.ts';
import { forbidden } from '../models/remote.ts';
import { findFfmpeg, ownFfmpeg } from '../runtimes/ffmpeg.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { Choices } from '../jobs/request.ts';

export interface CatalogueDeps {
  settings: () => Settings;
  models: Models;
  runtimes: Runtimes;
  engine(id: string): Engine | undefined;
  hasGpu(): boolean;
  /** Something moved: a download went on, ended or failed. */
  changed(): void;
  /** It cannot be had: jobs that need this model end with this. */
  failed(model: string, why: Failure): void;
}

/** What a recording is read with. */
const TOOLS: readonly RuntimeId[] = ['sherpa', 'ffmpeg'];

interface Fetch {
  what: 'modelDownloading' | 'engineInstalling';
  name: string;
  percent: number;
  abort: AbortController;
}
const reasonOf = ({ what, name, percent }: Fetch): Reason =>
  what === 'modelDownloading' ? reason(what, { model: name, percent }) : reason(what, { engine: name, percent });

export class Catalogue implements Choices {
  private readonly deps: CatalogueDeps;
  private readonly fetching = new Map<string, Fetch>();
  private toolsFailure: Failure | null = null;
  /** Engines that are wanted with all that they can use; and what of that could not be had: they work without it. */
  private readonly enriched = new Set<string>();
  private readonly unavailable = new Set<RuntimeId>();

  constructor(deps: CatalogueDeps) {
    this.deps = deps;
  }

  card(id: string): ModelCard | undefined {
    try {
      return this.deps.models.card(id);
    } catch {
      return undefined;
    }
  }

  /** Installed models of the same family, ready to load. */
  relatives(card: ModelCard): ModelCard[] {
    const { models, engine, runtimes } = this.deps;
    return models
      .list()
      .filter(
        ({ card: other, state }) =>
          other.id !== card.id &&
          other.family === card.family &&
          (state === 'installed' || !other.files.length) &&
          engine(other.engine)?.runtimes.every(runtime => runtimes.ready(runtime)),
      )
      .map(({ card: other }) => other);
  }

  /** Null: the settings do not forbid it. */
  forbidden(card: ModelCard): Failure | null {
    return forbidden(card, this.deps.settings());
  }

  defaults(): Promise<Defaults> {
    return this.deps.models.defaults({ gpu: this.deps.hasGpu() });
  }

  recognizer(language: string): string | undefined {
    return this.deps.models.recognizerFor(language) ?? undefined;
  }

  voice(language: string): string | undefined {
    const chosen = this.deps.settings().defaultModels.tts,
      card = chosen === undefined ? undefined : this.card(chosen);
    return card && servesLanguage(card, language) ? card.id : (this.deps.models.voiceFor(language) ?? undefined);
  }

  /** The preferred one when it is there; else any that is. */
  summariser(preferred: string | undefined): string | undefined {
    const { models } = this.deps,
      chosen = this.deps.settings().defaultModels.summary;
    if (chosen !== undefined || (preferred !== undefined && models.ready(preferred))) return chosen ?? preferred;
    return models
      .list()
      .find(
        ({ card, state }) =>
          card.stages.includes('summary') && !this.deps.engine(card.engine)?.hidden && state === 'installed',
      )?.card.id;
  }
  /** Nothing large is fetched for repair unless somebody chose it: what is there does it. */
  repairsWithoutModel(recognizer: string, repair: string | undefined): boolean {
    const { settings, models, engine } = this.deps,
      { repairMode, defaultModels } = settings(),
      card = this.card(recognizer);
    if (repair === undefined || (repair !== defaultModels.repair && !models.ready(repair))) return true;
    return repairMode === 'fast' && (card ? (engine(card.engine)?.scoresAlternatives ?? false) : false);
  }
  ready(model: string): boolean {
    return this.deps.models.ready(model);
  }

  /** The installed model that this one's workers may turn to. */
  companion(card: ModelCard): ModelCard | undefined {
    const { engine, models } = this.deps,
      choose = engine(card.engine)?.companion;
    return choose?.(
      card,
      models
        .list()
        .filter(({ state }) => state === 'installed')
        .map(({ card: other }) => other),
    );
  }

  /**
   * The installed streaming model for words of this language that are being spoken: what the settings name, else one
   * that says that it knows the language; of several the smallest.
   */
  streaming(language: string | null): ModelCard | undefined {
    const { settings, models, runtimes, engine } = this.deps,
      { partialModel } = settings();
    if (partialModel === 'none') return undefined;
    return models
      .list()
      .filter(
        ({ card, state }) =>
          state === 'installed' &&
          engine(card.engine)?.streams?.(card) &&
          engine(card.engine)!.runtimes.every(runtime => runtimes.ready(runtime)) &&
          !this.forbidden(card) &&
          (partialModel === null
            ? language !== null && card.languages.length > 0 && servesLanguage(card, language)
            : card.id === partialModel),
      )
      .map(({ card }) => card)
      .sort((a, b) => a.size - b.size || (a.id < b.id ? -1 : 1))[0];
  }

  precision(card: ModelCard, device: string): string {
    return (device === 'cpu' ? card.precision.cpu : card.precision.gpu) ?? 'default';
  }
  directory(id: string): string {
    return this.deps.models.directory(id);
  }
  /** The card's, and what only workers may know: a server's key, a program's arguments. */
  parameters(card: ModelCard): Record<string, string | number | boolean> {
    const { server, commands } = this.deps.settings();
    const command = card.engine === 'command' ? commands[String(card.parameters?.command)] : undefined;
    const companion = this.companion(card);
    return {
      ...card.parameters,
      ...(this.deps.engine(card.engine)?.companion ? { languages: card.languages.join(' ') } : {}),
      ...(companion
        ? {
            companion: companion.id,
            companionDirectory: this.directory(companion.id),
            companionParameters: JSON.stringify(companion.parameters ?? {}),
          }
        : {}),
      ...(card.engine === 'openai' && server?.key ? { key: server.key } : {}),
      ...(command ? { argv: JSON.stringify(command.argv), terminal: command.terminal } : {}),
    };
  }
  runtimeDirectory(id: RuntimeId): string {
    return this.deps.runtimes.directory(id);
  }

  /** A job makes use of what this engine does with its optional runtimes. */
  enrich(engine: string): void {
    this.enriched.add(engine);
  }

  /** null: ready to load. Otherwise it is being fetched, and this says how far it is. */
  waiting(card: ModelCard): Reason | null {
    const { engine, runtimes, models } = this.deps;
    const missing = engine(card.engine)?.runtimes.filter(runtime => !runtimes.ready(runtime)) ?? [],
      more = this.enriched.has(card.engine) ? (engine(card.engine)?.optionalRuntimes ?? []) : [];
    for (const runtime of missing) this.fetchRuntime(runtime, card.id);
    for (const runtime of more)
      if (!runtimes.ready(runtime) && !this.unavailable.has(runtime)) {
        missing.push(runtime);
        this.fetchRuntime(runtime, null, () => this.unavailable.add(runtime));
      }
    if (card.files.length && !models.ready(card.id)) this.fetchModel(card.id);
    const fetch =
      this.fetching.get(`model ${card.id}`) ??
      missing.map(runtime => this.fetching.get(`runtime ${runtime}`)).find(each => each !== undefined);
    return fetch ? reasonOf(fetch) : null;
  }

  /** ffmpeg and the voice detector; null while they are being fetched. */
  ingestTools(): { ffmpeg: string; sherpaDirectory: string } | null {
    const { settings, runtimes } = this.deps;
    if (runtimes.ready('sherpa'))
      try {
        return { ffmpeg: findFfmpeg(settings(), runtimes), sherpaDirectory: runtimes.directory('sherpa') };
      } catch (error) {
        if (settings().ffmpegPath) throw error;
      }
    if (this.toolsFailure) {
      const why = this.toolsFailure;
      this.toolsFailure = null;
      throw thrown(why);
    }
    if (!runtimes.ready('sherpa')) this.fetchRuntime('sherpa', null);
    if (!ownFfmpeg(runtimes)) this.fetchRuntime('ffmpeg', null);
    return null;
  }
  /** What jobs wait for while ingestTools are fetched. */
  toolsWaiting(): Reason | null {
    const fetch = this.fetching.get('runtime sherpa') ?? this.fetching.get('runtime ffmpeg');
    return fetch ? reasonOf(fetch) : null;
  }
  ffmpeg(): string {
    return findFfmpeg(this.deps.settings(), this.deps.runtimes);
  }

  private fetchModel(id: string): void {
    const { models, failed } = this.deps;
    this.fetch(
      `model ${id}`,
      'modelDownloading',
      models.card(id)!.name,
      (report, signal) => models.install(id, progress => report(progress.bytes / progress.total), signal),
      why =>
        failed(
          id,
          why.code === 'cancelled' ? failure('modelNotInstalled', { model: id }, 'its download was canceled') : why,
        ),
    );
  }
  private fetchRuntime(id: RuntimeId, forModel: string | null, without?: () => void): void {
    const { runtimes, failed } = this.deps;
    this.fetch(
      `runtime ${id}`,
      'engineInstalling',
      id,
      (report, signal) => runtimes.install(id, progress => report(progress.fraction ?? 0), signal),
      why => {
        if (without) without();
        else if (forModel) failed(forModel, why);
        else this.toolsFailure = why;
      },
    );
  }
  private fetch(
    key: string,
    what: Fetch['what'],
    name: string,
    work: (report: (fraction: number) => void, signal: AbortSignal) => Promise<void>,
    failed: (why: Failure) => void,
  ): void {
    if (this.fetching.has(key)) return;
    const fetch: Fetch = { what, name, percent: 0, abort: new AbortController() };
    this.fetching.set(key, fetch);
    const report = (fraction: number): void => {
      const percent = Math.floor(fraction * 100);
      if (percent !== fetch.percent) {
        fetch.percent = percent;
        this.deps.changed();
      }
    };
    work(report, fetch.abort.signal)
      .then(
        () => {
          this.fetching.delete(key);
        },
        error => {
          this.fetching.delete(key);
          // Whoever stops us takes it up again next time.
          if (!fetch.abort.signal.aborted) failed(toFailure(error));
        },
      )
      .finally(() => this.deps.changed());
  }
  /** Stops what is fetched for nobody any more. `wanted`: models of the jobs that are left; none: no tools either. */
  release(wanted: ReadonlySet<string>): void {
    const runtimes = new Set<string>(wanted.size > 0 ? TOOLS : []);
    for (const id of wanted) {
      const card = this.card(id),
        engine = card && this.deps.engine(card.engine);
      for (const runtime of [...(engine?.runtimes ?? []), ...(engine?.optionalRuntimes ?? [])]) runtimes.add(runtime);
    }
    for (const [key, { abort }] of this.fetching) {
      const [kind, name] = key.split(' ');
      if (kind === 'model' ? !wanted.has(name!) : !runtimes.has(name!)) abort.abort();
    }
  }
  /** Downloads stop where they are and go on from there next time. */
  stop(): void {
    for (const fetch of this.fetching.values()) fetch.abort.abort();
  }
}
