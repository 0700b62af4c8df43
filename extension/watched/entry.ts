/**
 * The setting `earshot.watchedFolders`: a folder and its recipe as somebody writes it down, and as the daemon takes it.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { JobOptions } from '../../schemas/job.ts';
import { presetOf, type Preset } from '../../schemas/preset.ts';
import { wayInto } from '../../text/paths.ts';
import type { WatchSpec } from '../../schemas/watch.ts';
import { FORMATS, KINDS_OF_WORK, PRIORITIES, type Format, type Priority } from '../../schemas/words.ts';

/** Everything but the path may be missing. Paths: absolute, from ~, or from the workspace. */
export interface Entry {
  path: string;
  /** The name of one of the daemon's; what stands beside it counts before it. */ preset?: string;
  language?: string;
  repair?: boolean;
  translateTo?: string;
  speak?: boolean;
  /** Label who speaks; how many there are. */ speakers?: boolean | number;
  prompt?: string;
  /** Also a summary. */ summary?: boolean;
  models?: JobOptions['models'];
  formats?: Format[];
  output?: string;
  moveTo?: string;
  include?: string[];
  exclude?: string[];
  subfolders?: boolean;
  settleSeconds?: number;
  /** The earlier name of `settleSeconds`. */
  quietSeconds?: number;
  pollSeconds?: number;
  priority?: Priority;
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string' && each !== '') : [];

const speakersOf = (value: unknown): Pick<JobOptions, 'speakers'> =>
  value === true
    ? { speakers: {} }
    : Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 50
      ? { speakers: { count: Number(value) } }
      : {};

/** Null: it says no folder that can be found from here. What is of a wrong type is left out. */
export function specOf(
  value: unknown,
  base: string | null,
  owner: string,
  presets: Readonly<Record<string, Preset>> = {},
): WatchSpec | null {
  if (typeof value !== 'object' || value === null) return null;
  const written = value as Record<string, unknown>,
    preset = typeof written.preset === 'string' ? presetOf(presets, written.preset)?.preset : undefined,
    entry: Record<string, unknown> = { ...preset, ...written };
  const text = (name: string): string | undefined => {
    const found = entry[name];
    return typeof found === 'string' && found.trim() ? found.trim() : undefined;
  };
  const place = (path: string | undefined): string | undefined =>
    path === undefined
      ? undefined
      : path === '~' || /^~[/\\]/.test(path)
        ? join(homedir(), path.slice(1))
        : isAbsolute(path)
          ? path
          : base === null
            ? undefined
            : join(base, path);
  const path = place(text('path')),
    output = place(text('output')),
    moveTo = place(text('moveTo'));
  if (path === undefined) return null;
  const formats = texts(entry.formats).filter((each): each is Format => (FORMATS as readonly string[]).includes(each));
  const number = (name: string): number | undefined => {
    const found = entry[name];
    return typeof found === 'number' && found >= 0.1 && found <= 3600 ? found : undefined;
  };
  const language = text('language'),
    translateTo = text('translateTo'),
    prompt = text('prompt'),
    include = texts(entry.include),
    exclude = texts(entry.exclude),
    settleSeconds = number('settleSeconds') ?? number('quietSeconds'),
    pollSeconds = number('pollSeconds');
  const models = Object.fromEntries(
    Object.entries((entry.models ?? {}) as Record<string, unknown>).filter(
      ([stage, id]) => (KINDS_OF_WORK as readonly string[]).includes(stage) && typeof id === 'string' && id !== '',
    ),
  ) as Record<string, string>;
  return {
    path,
    owner,
    options: {
      repair: entry.repair !== false,
      ...(language ? { language } : {}),
      ...(translateTo ? { translateTo } : {}),
      ...(entry.speak === true ? { speak: true } : {}),
      ...speakersOf(entry.speakers),
      ...(entry.summary === true ? { summary: true } : {}),
      ...(prompt ? { prompt } : {}),
      ...(Object.keys(models).length > 0 ? { models } : {}),
      ...(formats.length > 0 || output
        ? {
            outputs: {
              formats: formats.length > 0 ? formats : ['txt', 'srt', 'json'],
              ...(output ? { directory: output } : {}),
            },
          }
        : {}),
    },
    ...(moveTo ? { moveTo } : {}),
    ...(include.length > 0 ? { include } : {}),
    ...(exclude.length > 0 ? { exclude } : {}),
    ...(entry.subfolders === false ? { subfolders: false } : {}),
    ...(settleSeconds === undefined ? {} : { settleSeconds }),
    ...(pollSeconds === undefined ? {} : { pollSeconds }),
    ...((PRIORITIES as readonly unknown[]).includes(entry.priority) ? { priority: entry.priority as Priority } : {}),
  };
}

/** A path as it is written down: short where it can be. */
export function written(path: string, base: string | null): string {
  for (const [root, mark] of [
    [base, ''],
    [homedir(), '~/'],
  ] as const) {
    const way = root === null ? null : wayInto(root, path);
    if (way !== null) return way === '' ? mark || '.' : mark + way;
  }
  return path;
}
