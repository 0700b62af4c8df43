/** What can be had on this machine: models and the runtimes that their engines need, fetched when a job first asks for them. */
import { EarshotError, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Reason } from '../../schemas/job.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { STAGES, type Stage } from '../../schemas/words.ts';
import type { Engine, RuntimeId } from '../engines/engine.ts';
import type { Models } from '../models/models.ts';
import { findFfmpeg } from '../runtimes/ffmpeg.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { Choices } from './request.ts';

export interface CatalogueParts {
  settings: () => Settings; models: Models; runtimes: Runtimes; engine(id: string): Engine | undefined;
  hasGpu(): boolean;
  /** Something moved: a download went on, ended or failed. */
  changed(): void;
  /** It cannot be had: jobs that need this model end with this. */
  failed(model: string, why: Failure): void;
}

interface Fetch { what: 'modelDownloading' | 'engineInstalling'; name: string; percent: number; abort: AbortController }

export class Catalogue implements Choices {
  private readonly parts: CatalogueParts;
  private readonly fetching = new Map<string, Fetch>();
  private toolsFailure: Failure | null = null;

  constructor(parts: CatalogueParts) { this.parts = parts; }

  card(id: string): ModelCard | undefined { return serviceCard(id, this.parts.settings()) ?? this.parts.models.card(id); }

  defaultModel(stage: Stage, language: string | null): string | undefined {
    const { settings, models, hasGpu } = this.parts;
    const chosen = settings().defaultModels[stage];
    if (stage === 'tts') {
      const speaks = (id: string): boolean => { const card = this.card(id); return !!card && (!card.languages.length || card.languages.some(each => each.split('-')[0] === language?.split('-')[0])); };
      return chosen && speaks(chosen) ? chosen : language ? models.voiceFor(language) : undefined;
    }
    return chosen ?? models.defaults({ gpu: hasGpu() })[stage];
  }

  precision(card: ModelCard, device: string): string { return (device === 'cpu' ? card.precision.cpu : card.precision.gpu) ?? 'default'; }
  directory(id: string): string { return this.parts.models.card(id) ? this.parts.models.directory(id) : ''; }
  runtimeDirectory(id: RuntimeId): string { return this.parts.runtimes.directory(id); }

  /** null: ready to load. Otherwise it is being fetched, and this says how far it is. */
  waiting(card: ModelCard): Reason | null {
    const { engine, runtimes, models } = this.parts;
    const missing = engine(card.engine)?.runtimes.filter(runtime => !runtimes.ready(runtime)) ?? [];
    for (const runtime of missing) this.fetchRuntime(runtime, card.id);
    if (card.files.length && !models.ready(card.id)) this.fetchModel(card.id);
    const fetch = this.fetching.get(`model ${card.id}`) ?? missing.map(runtime => this.fetching.get(`runtime ${runtime}`)).find(each => each !== undefined);
    return fetch ? { code: fetch.what, args: { [fetch.what === 'modelDownloading' ? 'model' : 'engine']: fetch.name, percent: fetch.percent } } : null;
  }

  /** ffmpeg and the voice detector; null while they are being fetched. */
  ingestTools(): { ffmpeg: string; sherpaDirectory: string } | null {
    const { settings, runtimes } = this.parts;
    if (runtimes.ready('sherpa')) try { return { ffmpeg: findFfmpeg(settings(), runtimes), sherpaDirectory: runtimes.directory('sherpa') }; } catch (error) { if (settings().ffmpegPath) throw error; }
    if (this.toolsFailure) { const why = this.toolsFailure; this.toolsFailure = null; throw new EarshotError(why.code, why.args, why.detail); }
    if (!runtimes.ready('sherpa')) this.fetchRuntime('sherpa', null);
    if (!runtimes.ready('python')) this.fetchRuntime('python', null);
    return null;
  }
  /** What jobs wait for while ingestTools are fetched. */
  toolsWaiting(): Reason | null {
    const fetch = this.fetching.get('runtime sherpa') ?? this.fetching.get('runtime python');
    return fetch ? { code: fetch.what, args: { engine: fetch.name, percent: fetch.percent } } : null;
  }
  ffmpeg(): string { return findFfmpeg(this.parts.settings(), this.parts.runtimes); }

  private fetchModel(id: string): void {
    const { models, failed } = this.parts;
    this.fetch(`model ${id}`, 'modelDownloading', models.card(id)!.name, (report, signal) => models.install(id, progress => report(progress.bytes / progress.total), signal), why => failed(id, why));
  }
  private fetchRuntime(id: RuntimeId, forModel: string | null): void {
    const { runtimes, failed } = this.parts;
    this.fetch(`runtime ${id}`, 'engineInstalling', id, (report, signal) => runtimes.install(id, progress => report(progress.fraction ?? 0), signal),
      why => { if (forModel) failed(forModel, why); else this.toolsFailure = why; });
  }
  private fetch(key: string, what: Fetch['what'], name: string, work: (report: (fraction: number) => void, signal: AbortSignal) => Promise<void>, failed: (why: Failure) => void): void {
    if (this.fetching.has(key)) return;
    const fetch: Fetch = { what, name, percent: 0, abort: new AbortController() };
    this.fetching.set(key, fetch);
    const report = (fraction: number): void => {
      const percent = Math.floor(fraction * 100);
      if (percent !== fetch.percent) { fetch.percent = percent; this.parts.changed(); }
    };
    work(report, fetch.abort.signal).then(() => { this.fetching.delete(key); }, error => { this.fetching.delete(key); failed(toFailure(error)); }).finally(() => this.parts.changed());
  }
  /** Downloads stop where they are and go on from there next time. */
  stop(): void { for (const fetch of this.fetching.values()) fetch.abort.abort(); }
}

/** The card of a server's model ("server-asr") or a program ("command-NAME") that the settings name. */
export function serviceCard(id: string, settings: Pick<Settings, 'server' | 'commands'>): ModelCard | undefined {
  const base = { id, files: [], licence: '', homepage: '', memory: {}, precision: {}, size: 0 };
  const stage = STAGES.find(each => id === `server-${each}`);
  if (stage && settings.server) {
    const model = settings.server.models[stage];
    return model ? { ...base, name: model, family: 'server', engine: 'openai', stages: [stage], languages: [], parameters: { url: settings.server.url, model, ...(settings.server.key ? { key: settings.server.key } : {}) } } : undefined;
  }
  const name = id.startsWith('command-') ? id.slice('command-'.length) : null, command = name === null ? undefined : settings.commands[name];
  if (!command) return undefined;
  return { ...base, name: name!, family: 'command', engine: 'command', stages: [command.stage], languages: command.languages, parameters: { argv: JSON.stringify(command.argv), terminal: command.terminal } };
}
