/** What is said about a folder that is under version control: where it begins, and what it leaves out. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readSmall } from './small-file.ts';
import { openAnew, moveOwn } from './files.ts';

const MOST_BYTES = 1024 ** 2;

/** The repository that a path lies in; null: none. */
export function repositoryOf(path: string): string | null {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (dirname(folder) === folder) return null;
  }
}

const linesOf = async (repository: string): Promise<string[]> => {
  try {
    return (await readSmall(join(repository, '.gitignore'), MOST_BYTES)).toString('utf8').split(/\r?\n/);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/**
 * Whether the repository's own list has this very line. Others may leave the file out too: then one more does no harm.
 */
export const isIgnored = (repository: string, line: string): Promise<boolean> =>
  linesOf(repository).then(
    lines => lines.some(each => each.trim() === line),
    () => false,
  );

/** Adds a line to what the repository leaves out; all others stay. @throws what reading and writing throw */
export async function ignore(repository: string, line: string): Promise<void> {
  const lines = await linesOf(repository);
  if (lines.some(each => each.trim() === line)) return;
  while (lines.at(-1) === '') lines.pop();
  const path = join(repository, '.gitignore'),
    part = `${path}.part`;
  {
    await using file = await openAnew(part, 0o644);
    await file.writeFile(`${[...lines, line].join('\n')}\n`);
  }
  await moveOwn(part, path);
}
