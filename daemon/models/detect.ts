/**
 * What a file or folder on this machine is, by its content: a model that some engine of ours can run, or an error that
 * says why not.
 */
import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import { readSmallText } from './byte-reader.ts';
import { readCTranslate2 } from './ctranslate2.ts';
import type { Detected } from './detected.ts';
import { readGguf } from './gguf.ts';
import { readOnnx } from './onnx/outline.ts';
import { detectSherpa } from './sherpa.ts';
import { translatorIn } from './translators.ts';

/** A voice's settings take 20 KB. */
const MOST_SETTINGS = 1024 ** 2;

/**
 * In bounded time, whatever lies there: headers only, and of regular files.
 *
 * @throws noSuchFile; modelBroken: cut, a part missing, or nothing that we know; the detail says which
 */
export function detect(path: string): Detected {
  const found = detectAny(path);
  for (const file of found.files) {
    // Those that were not read here are copied later, and a pipe would never end.
    if (!statSync(file.path).isFile()) throw new EarshotError('modelBroken', { path: file.path }, 'not a regular file');
    if (file.path !== resolve(path) && !staysWithin(file.path))
      throw new EarshotError('modelBroken', { path: file.path }, 'a link that leads out of its folder');
  }
  return found;
}

/** Where a hub's cache keeps the files that the links in `folder` lead to: models--x/snapshots/y to models--x/blobs. */
export const blobsOf = (folder: string): string => join(folder, '..', '..', 'blobs');

/** Only what was named may lie elsewhere: a folder's own links could lead to anything of yours. */
function staysWithin(path: string): boolean {
  if (!lstatSync(path).isSymbolicLink()) return true;
  const folder = realpathSync(dirname(path)),
    target = realpathSync(path);
  return [folder, blobsOf(folder)].some(place => target.startsWith(place + sep));
}

function detectAny(path: string): Detected {
  const full = resolve(path);
  if (!existsSync(full)) throw new EarshotError('noSuchFile', { path });
  const found = statSync(full);
  if (found.isDirectory()) return detectFolder(full);
  if (full.endsWith('.onnx.json')) return detectPiper(full.slice(0, -'.json'.length));
  if (!found.isFile()) throw new EarshotError('modelBroken', { path }, 'not a regular file');
  if (found.size < 16) throw new EarshotError('modelBroken', { path: path }, 'too small to be a model');
  const gguf = readGguf(full);
  if (gguf) return describeGguf(full, gguf);
  if (extname(full) === '.onnx' || readOnnx(full).onnx) return detectPiper(full);
  throw unknown(path);
}

const unknown = (
  path: string,
  why = 'neither a GGUF file, a CTranslate2 folder, a recognizer for sherpa-onnx nor a Piper voice',
) => new EarshotError('modelBroken', { path }, why);

function describeGguf(path: string, { meta, whole }: NonNullable<ReturnType<typeof readGguf>>): Detected {
  if (!whole) throw new EarshotError('modelBroken', { path: path }, 'the file ends before its last tensor');
  if (Number(meta['split.count'] ?? 0) > 1) throw unknown(path, 'one part of a split GGUF; merge the parts first');
  const architecture = String(meta['general.architecture'] ?? '');
  if (!architecture || /bert|clip|whisper/.test(architecture))
    throw unknown(path, `a GGUF of the architecture "${architecture}", which writes no text`);
  const { size } = statSync(path);
  return {
    card: {
      name: String(meta['general.name'] ?? basename(path, '.gguf')),
      family: architecture,
      engine: 'llama',
      stages: ['repair', 'nmt', 'summary'],
      languages: [],
      licence: String(meta['general.license'] ?? ''),
      homepage: '',
      // On a CPU llama.cpp keeps a second copy of most weights, rearranged for its vector units.
      memory: { cpu: Math.ceil(size * 1.9) + 256 * 1024 ** 2, gpu: Math.ceil(size * 1.25) + 512 * 1024 ** 2 },
      precision: { cpu: 'gguf', gpu: 'gguf' },
      size: size / 1024 ** 3,
      parameters: { file: safeName(path) },
    },
    files: [{ name: safeName(path), path }],
  };
}

function detectFolder(folder: string): Detected {
  const names = readdirSync(folder),
    has = (name: string) => names.includes(name);
  if (has('model.bin')) return detectCTranslate2(folder, has);
  const recognizer = detectSherpa(folder);
  if (recognizer) return recognizer;
  const inside = names.filter(name => name.endsWith('.gguf') || name.endsWith('.onnx'));
  if (inside.length === 1) return detectAny(join(folder, inside[0]!));
  throw unknown(folder, inside.length > 1 ? 'several models in one folder; name the file' : undefined);
}

function detectCTranslate2(folder: string, has: (name: string) => boolean): Detected {
  const bin = join(folder, 'model.bin'),
    model = readCTranslate2(bin);
  if (!model) throw unknown(folder, 'model.bin is not a CTranslate2 model');
  if (!model.whole) throw new EarshotError('modelBroken', { path: bin }, 'the file ends before its last variable');
  const { size } = statSync(bin),
    name = basename(folder);
  const need = (file: string | undefined, what: string): string => {
    if (!file) throw new EarshotError('modelBroken', { path: join(folder, what) }, `${what} is missing`);
    return file;
  };
  const first = (...candidates: string[]) => candidates.find(has);
  const base = {
    name,
    licence: '',
    homepage: '',
    memory: { cpu: Math.ceil(size * 1.5) + 300 * 1024 ** 2, gpu: Math.ceil(size * 1.5) + 600 * 1024 ** 2 },
    precision: { cpu: 'int8', gpu: 'float16' },
    size: size / 1024 ** 3,
  };
  const files = (list: (string | undefined)[]) =>
    list.filter(one => one !== undefined).map(one => ({ name: one, path: join(folder, one) }));
  if (model.spec === 'WhisperSpec') {
    // Without its tokenizer faster-whisper would fetch one from the network, of a model that it guesses.
    return {
      card: { ...base, family: 'whisper', engine: 'faster-whisper', stages: ['asr'], languages: [] },
      files: files([
        'model.bin',
        need(first('config.json'), 'config.json'),
        need(first('tokenizer.json'), 'tokenizer.json'),
        need(first('vocabulary.json', 'vocabulary.txt'), 'vocabulary.json'),
        first('preprocessor_config.json'),
      ]),
    };
  }
  const translator = model.spec === 'TransformerSpec' ? translatorIn(folder, has) : null;
  if (translator) {
    const { files: names, ...about } = translator;
    return { card: { ...base, ...about, engine: 'm2m100', stages: ['nmt'] }, files: files(names) };
  }
  throw unknown(folder, `a CTranslate2 model of a kind that no engine here runs (${model.spec})`);
}

function detectPiper(onnx: string): Detected {
  const outline = existsSync(onnx) ? readOnnx(onnx) : { onnx: false, whole: false };
  if (!outline.onnx) throw unknown(onnx);
  if (!outline.whole) throw new EarshotError('modelBroken', { path: onnx }, 'the file ends before its last field');
  const settings = `${onnx}.json`;
  if (!existsSync(settings))
    throw new EarshotError('modelBroken', { path: settings }, 'a Piper voice needs the .onnx.json beside its .onnx');
  const voice = readVoice(settings);
  if (!voice) throw new EarshotError('modelBroken', { path: settings }, 'not the settings of a Piper voice');
  const { size } = statSync(onnx);
  return {
    card: {
      name: basename(onnx, '.onnx'),
      family: 'piper',
      engine: 'piper',
      stages: ['tts'],
      languages: voice.languages,
      licence: '',
      homepage: '',
      memory: { cpu: size * 4 + 250 * 1024 ** 2 },
      precision: { cpu: 'float32' },
      size: size / 1024 ** 3,
      parameters: { file: safeName(onnx), sampleRate: voice.sampleRate },
    },
    files: [
      { name: safeName(onnx), path: onnx },
      { name: `${safeName(onnx)}.json`, path: settings },
    ],
  };
}

/** Languages ("pt", "pt-BR") and sample rate (Hz) from a voice's settings, or null. */
function readVoice(path: string): { languages: string[]; sampleRate: number } | null {
  try {
    const voice = JSON.parse(readSmallText(path, MOST_SETTINGS)) as {
      phoneme_id_map?: unknown;
      audio?: { sample_rate?: unknown };
      espeak?: { voice?: unknown };
      language?: { code?: unknown };
    };
    if (typeof voice.phoneme_id_map !== 'object' || typeof voice.audio?.sample_rate !== 'number') return null;
    const code = `${(voice.language?.code ?? voice.espeak?.voice ?? '') as string}`.replace('_', '-');
    const [base] = code.toLowerCase().split('-');
    const languages =
      base && /^[a-z]{2,3}$/.test(base)
        ? [base, ...(code.includes('-') && /^[a-z]{2,3}-[A-Za-z0-9]{2,8}$/.test(code) ? [code] : [])]
        : [];
    return { languages, sampleRate: voice.audio.sample_rate };
  } catch {
    return null;
  }
}

/** A file's name with only the characters that a card allows. */
const safeName = (path: string): string =>
  basename(path)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '') || 'model';

/** An id from a name: lower case, with only what ids allow. */
export const idOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|(?<!-)-+$/g, '')
    .slice(0, 200) || 'model';
