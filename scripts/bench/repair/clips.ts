/**
 * What repair is measured on: telephone prompts of five languages with their texts (Asterisk core sounds 1.6.1, out of
 * Debian's archive; CC BY-SA 3.0, the Russian ones CC BY 3.0), kept in the cache folder. None of them is in the
 * fixtures that prices and limits were set on.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Clip {
  id: string;
  language: string;
  path: string;
  truth: string;
}

export const LANGUAGES = ['en', 'es', 'fr', 'it', 'ru'] as const;
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'earshot-bench', 'prompts');

/** `count` clips of each language, spread evenly over all that there are, `skip` first ones left out. */
export function clips(count: number, skip = 0): Clip[] {
  if (!existsSync(join(CACHE, '.complete'))) fetchSounds();
  return LANGUAGES.flatMap(language => {
    const all = promptsOf(language),
      step = all.length / count;
    return Array.from(
      { length: Math.min(count, all.length) },
      (_, n) => all[Math.floor(n * step + skip) % all.length]!,
    );
  });
}

function fetchSounds(): void {
  mkdirSync(CACHE, { recursive: true });
  const packages = LANGUAGES.flatMap(language => [
    `asterisk-core-sounds-${language}`,
    `asterisk-core-sounds-${language}-wav`,
  ]);
  if (spawnSync('apt-get', ['download', ...packages], { cwd: CACHE, stdio: 'ignore' }).status !== 0)
    throw new Error('the prompts could not be fetched: this needs apt-get and Debian’s archive');
  for (const file of globSync('*.deb', { cwd: CACHE }))
    if (spawnSync('dpkg-deb', ['-x', join(CACHE, file), CACHE], { stdio: 'ignore' }).status !== 0)
      throw new Error(`${file} could not be unpacked`);
  writeFileSync(join(CACHE, '.complete'), '');
}

/** Prompts whose text is plainly what is said (no remarks, figures or dots), long enough to be a sentence. */
function promptsOf(language: string): Clip[] {
  const list = join(CACHE, `usr/share/doc/asterisk-core-sounds-${language}/core-sounds-${language}.txt.gz`);
  const files = new Map(
    globSync(`usr/share/asterisk/sounds/${language}*/**/*.wav`, { cwd: CACHE }).map(file => [
      file.replace(/^.*?sounds\/[^/]+\//, '').replace(/\.wav$/, ''),
      join(CACHE, file),
    ]),
  );
  return gunzipSync(readFileSync(list))
    .toString('utf8')
    .split('\n')
    .flatMap(line => {
      const [, name, truth] = /^([\w/-]+): +(.+?)\s*$/.exec(line) ?? [],
        path = name ? files.get(name) : undefined;
      return path && truth && !/[[\]<>(){}\d]|\.\.\./.test(truth) && truth.length >= 35
        ? [{ id: `${language}/${name!}`, language, path, truth }]
        : [];
    });
}
