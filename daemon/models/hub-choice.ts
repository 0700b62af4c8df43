/**
 * Which files of a repository make a model that an engine of ours runs: by their names, before anything is fetched.
 * What they really are is found out by their content afterwards. Pure.
 */
import { posix } from 'node:path';
import { EarshotError, badRequest } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Stage } from '../../schemas/words.ts';
import { layoutIn } from './sherpa.ts';
import { TRANSLATOR_FILES } from './translators.ts';

export interface ListedFile {
  path: string;
  bytes: number | null;
  /** Of large files; the hub names small ones by their Git blobs. */
  sha256: string | null;
}

export interface Choice {
  files: ListedFile[];
  /** What the model is called after. */
  name: string;
  engine: string;
  stages: Stage[];
}

const CT2_WANTED = [
  ...new Set([
    'model.bin',
    'config.json',
    'tokenizer.json',
    'vocabulary.json',
    'vocabulary.txt',
    'preprocessor_config.json',
    ...TRANSLATOR_FILES,
  ]),
];
const MOST_NAMED = 12;

/**
 * `asked`: a file, a folder, or a part of the name of one file.
 *
 * @throws badRequest: nothing that runs here, or several things; the detail names them
 */
export function chooseFiles(repository: string, files: readonly ListedFile[], asked: string): Choice {
  const folder = asked.replace(/\/$/, ''),
    inFolder = files.filter(({ path }) => path.startsWith(`${folder}/`));
  if (asked !== '' && inFolder.length === 0) return chooseNamed(files, asked);
  const root = folder === '' ? '' : `${folder}/`,
    here = folder === '' ? files : inFolder;
  const title = posix.basename(folder === '' ? repository : folder);
  const direct = here.filter(({ path }) => !path.slice(root.length).includes('/'));
  const named = (name: string): ListedFile | undefined =>
    direct.find(({ path }) => posix.basename(path) === name) ??
    here.find(({ path }) => path === `${root}tokenizer/${name}`);
  if (named('model.bin')) {
    const found = CT2_WANTED.flatMap(name => direct.find(({ path }) => posix.basename(path) === name) ?? []),
      whisper = !found.some(({ path }) => /(shared|source)_vocabulary/.test(path));
    return {
      files: found,
      name: title,
      engine: whisper ? 'faster-whisper' : 'm2m100',
      stages: [whisper ? 'asr' : 'nmt'],
    };
  }
  const layout = layoutIn([
    ...direct.map(({ path }) => posix.basename(path)),
    ...here.filter(({ path }) => path.startsWith(`${root}tokenizer/`)).map(({ path }) => posix.basename(path)),
  ]);
  if (layout)
    return {
      files: Object.values(layout.files).map(name => named(name)!),
      name: title,
      engine: 'sherpa',
      stages: ['asr'],
    };
  const single = here.filter(({ path }) => isModelFile(path, files));
  if (single.length === 1) return chooseFile(single[0]!, files);
  throw single.length > 1 ? several(single) : none(asked);
}

function chooseNamed(files: readonly ListedFile[], asked: string): Choice {
  const exact = files.find(({ path }) => path === asked);
  if (exact) {
    if (!isModelFile(exact.path, files)) throw none(asked);
    return chooseFile(exact, files);
  }
  const fitting = files.filter(
    ({ path }) => isModelFile(path, files) && path.toLowerCase().includes(asked.toLowerCase()),
  );
  if (fitting.length === 1) return chooseFile(fitting[0]!, files);
  throw fitting.length > 1 ? several(fitting) : none(asked);
}

/** A whole GGUF, or a voice with its settings. */
const isModelFile = (path: string, files: readonly ListedFile[]): boolean =>
  (path.endsWith('.gguf') && !/-\d{5}-of-\d{5}\.gguf$/.test(path)) ||
  (path.endsWith('.onnx') && files.some(file => file.path === `${path}.json`));

function chooseFile(file: ListedFile, files: readonly ListedFile[]): Choice {
  const gguf = file.path.endsWith('.gguf'),
    name = posix.basename(file.path, gguf ? '.gguf' : '.onnx');
  return gguf
    ? { files: [file], name, engine: 'llama', stages: ['repair', 'nmt', 'summary'] }
    : {
        files: [file, files.find(({ path }) => path === `${file.path}.json`)!],
        name,
        engine: 'piper',
        stages: ['tts'],
      };
}

const none = (asked: string): EarshotError =>
  badRequest('source', 'noModelThere', asked === '' ? 'the repository' : asked);
const several = (files: readonly ListedFile[]): EarshotError =>
  badRequest(
    'source',
    'severalModels',
    files
      .slice(0, MOST_NAMED)
      .map(({ path }) => path)
      .join(', ') + (files.length > MOST_NAMED ? `, … (+${files.length - MOST_NAMED})` : ''),
  );

/** A card as far as names go; content decides later. */
export function cardOfChoice(
  id: string,
  { files, name, engine, stages }: Choice,
  {
    repository,
    revision,
    licence,
    homepage,
  }: { repository: string; revision: string; licence: string; homepage: string },
): ModelCard {
  return {
    id,
    name,
    family: 'hub',
    engine,
    stages,
    languages: [],
    licence,
    homepage,
    files: files.map(({ path, bytes, sha256 }) => ({
      name: fileName(path),
      // Both or none: what the hub does not state a sum of is held to what comes first.
      bytes: sha256 === null ? null : bytes,
      sha256,
      sources: [{ kind: 'hub', repository, revision, path }],
    })),
    memory: {},
    precision: {},
    size: 1,
  };
}

/** With only the characters that a card allows. */
const fileName = (path: string): string =>
  posix
    .basename(path)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '') || 'model';
