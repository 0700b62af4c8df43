/**
 * Real speech with what it says: prompts of the Asterisk sound set and sentences of LibriVox from Debian's packages,
 * where there is an apt; else only what lies in samples/. Kept in the cache folder, so that it is fetched once.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readPcm, wav } from '../../../test/zoo/signal.ts';
import { SAMPLES } from '../../../test/engines/place.ts';

export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'earshot-bench');
const PACKAGES = [
  'asterisk-core-sounds-en-wav',
  'asterisk-core-sounds-en',
  'asterisk-core-sounds-es-wav',
  'asterisk-core-sounds-es',
  'pocketsphinx-testdata',
];
const RATE = 16_000,
  PAUSE_SECONDS = 0.6;

export interface Recording {
  path: string;
  seconds: number;
  truth: string | null;
}
export interface Speech {
  /** Where it comes from, in words. */
  source: string;
  short: Recording[];
  long: Recording;
  longSpanish: Recording;
  /** Spanish, for the four stages. */
  chain: Recording[];
}

/** Fetches and cuts what is not there yet. `longSeconds`: of the long recording. */
export function speech(ffmpeg: string, form: { short: number; longSeconds: number; chain: number }): Speech {
  mkdirSync(CACHE, { recursive: true });
  const sounds = join(CACHE, 'sounds');
  const fetched = fetchSounds(PACKAGES, sounds);
  const english = [...librivox(sounds), ...prompts(sounds, 'en')],
    spanish = prompts(sounds, 'es');
  const fallback = [
    { path: join(SAMPLES, 'sense-and-sensibility.flac'), truth: null },
    { path: join(SAMPLES, 'asterisk-es.flac'), truth: null },
  ];
  const folder = (name: string): string => {
    const path = join(CACHE, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const decoded = (from: readonly { path: string; truth: string | null }[], to: string): Recording[] =>
    from.map(({ path, truth }, n) => {
      const target = join(to, `${String(n + 1).padStart(2, '0')} ${basename(path).replace(/\.\w+$/, '')}.wav`);
      if (!existsSync(target))
        execFileSync(ffmpeg, [
          '-nostdin',
          '-loglevel',
          'error',
          '-y',
          '-i',
          path,
          '-ac',
          '1',
          '-ar',
          String(RATE),
          '-c:a',
          'pcm_s16le',
          '-bitexact',
          target,
        ]);
      return { path: target, seconds: (readPcm(target).length - 22) / RATE, truth };
    });
  const all = decoded(english.length ? english : fallback, folder('english'));
  const lasts =
    (least: number, most: number) =>
    ({ seconds }: Recording): boolean =>
      seconds >= least && seconds <= most;
  const short = all.filter(lasts(2.5, 12)).slice(0, form.short);
  const inSpanish = decoded(spanish.length ? spanish : fallback.slice(1), folder('spanish'));
  return {
    source: fetched
      ? 'LibriVox sentences (pocketsphinx-testdata) and prompts of the Asterisk sound set ' +
        '(asterisk-core-sounds-*), read by people, at 8 and 16 kHz'
      : 'the two recordings of samples/ only: there is no apt here to fetch more',
    short: short.length ? short : all,
    long: joined(all, 'long', form.longSeconds),
    longSpanish: joined(inSpanish, 'long spanish', form.longSeconds),
    chain: inSpanish.filter(lasts(3, 100)).slice(0, form.chain),
  };
}

/** One recording of many, with pauses between them, in turns until it is long enough. */
function joined(from: readonly Recording[], name: string, longSeconds: number): Recording {
  const path = join(CACHE, `${name} ${longSeconds}.wav`),
    parts: Recording[] = [];
  for (let n = 0, seconds = 0; seconds < longSeconds; n++) {
    const part = from[n % from.length]!;
    parts.push(part);
    seconds += part.seconds + PAUSE_SECONDS;
  }
  const samples = parts.map(part => readPcm(part.path).subarray(22)),
    pause = PAUSE_SECONDS * RATE,
    total = samples.reduce((sum, each) => sum + each.length + pause, 0);
  if (!existsSync(path)) {
    const all = new Int16Array(total);
    let at = 0;
    for (const each of samples) {
      all.set(each, at);
      at += each.length + pause;
    }
    writeFileSync(path, wav(all));
  }
  const truths = parts.map(part => part.truth);
  return { path, seconds: total / RATE, truth: truths.every(truth => truth !== null) ? truths.join(' ') : null };
}

/** Debian's packages, unpacked in a folder once; false where there is no apt to fetch them. */
export function fetchSounds(names: readonly string[], to: string): boolean {
  const complete = join(to, '.complete');
  if (existsSync(complete)) return true;
  const packages = `${to} packages`;
  mkdirSync(packages, { recursive: true });
  if (spawnSync('apt-get', ['download', ...names], { cwd: packages, stdio: 'ignore' }).status !== 0) return false;
  for (const file of globSync('*.deb', { cwd: packages }))
    if (spawnSync('dpkg-deb', ['-x', join(packages, file), to], { stdio: 'ignore' }).status !== 0) return false;
  writeFileSync(complete, '');
  return true;
}

function librivox(sounds: string): { path: string; truth: string }[] {
  const folder = join(sounds, 'usr/share/pocketsphinx/test/data/librivox'),
    list = join(folder, 'transcription');
  return existsSync(list)
    ? readFileSync(list, 'utf8')
        .trim()
        .split('\n')
        .flatMap(line => {
          const [, truth, name] = /^<s> (.*?) *<\/s> \((.*)\)$/.exec(line) ?? [];
          return truth && name ? [{ path: join(folder, `${name}.wav`), truth }] : [];
        })
    : [];
}

/** Prompts whose text is plainly what is said (no remarks, figures or dots) and has so many characters at least. */
export function prompts(sounds: string, language: string, least = 40): { name: string; path: string; truth: string }[] {
  const list = join(sounds, `usr/share/doc/asterisk-core-sounds-${language}/core-sounds-${language}.txt.gz`);
  if (!existsSync(list)) return [];
  const files = new Map(
    globSync(`usr/share/asterisk/sounds/${language}*/**/*.wav`, { cwd: sounds }).map(file => [
      file.replace(/^.*?sounds\/[^/]+\//, '').replace(/\.wav$/, ''),
      join(sounds, file),
    ]),
  );
  return gunzipSync(readFileSync(list))
    .toString('utf8')
    .split('\n')
    .flatMap(line => {
      const [, name, truth] = /^([\w/-]+): +(.+?)\s*$/.exec(line) ?? [],
        path = name ? files.get(name) : undefined;
      return path && truth && !/[[\]<>(){}\d]|\.\.\./.test(truth) && truth.length >= least
        ? [{ name: name!, path, truth }]
        : [];
    });
}
