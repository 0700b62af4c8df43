/**
 * Known weaknesses of what the lock files name: `npm audit` for every package-lock.json, PyPA's pip-audit for the
 * Python environments, itself locked and installed for this one run. Run by `npm run audit`. A source that gives no
 * answer is said, and is no failure; `--strict` makes it one. Ends with 1 where something at least as grave as
 * `--level` (high) is known. The lock pip-audit.txt is made of the one line `pip-audit`, as daemon/runtimes/README.md
 * says of Python.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findNpm } from '../daemon/runtimes/npm.ts';
import { environment } from '../daemon/workers/environment.ts';
import { run } from '../daemon/workers/spawn.ts';
import { buildPython } from '../daemon/runtimes/build-python.ts';
import { python, runPython } from '../daemon/runtimes/python.ts';
import { toFailure } from '../schemas/errors.ts';
import { LEVELS, npmAdvisories, pipAdvisories, requirementLists, type Answer, type Level } from './advisories.ts';
import { locked } from './licenses.ts';

const ROOT = join(import.meta.dirname, '..');
const LOCKS = [
  '.',
  ...['llama', 'llama-3.21', 'sherpa', 'dictionaries', 'postgres'].map(name => `daemon/runtimes/${name}`),
];
const {
  values: { strict, level },
} = parseArgs({ options: { strict: { type: 'boolean', default: false }, level: { type: 'string', default: 'high' } } });

async function npm(folder: string): Promise<Answer> {
  const found = findNpm(process.env);
  if (!found) throw new Error('npm was not found');
  const { program, args } = found;
  const { output } = await run(program, [...args, 'audit', '--json', '--package-lock-only', '--loglevel=error'], {
    cwd: join(ROOT, folder),
    env: environment('installer'),
    timeoutMs: 60_000,
  });
  return npmAdvisories(folder, output.toString('utf8'));
}

/** In a folder that goes with the run. */
async function pip(): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'earshot-audit-')),
    place = join(folder, 'python'),
    env = { ...process.env, TMPDIR: folder };
  try {
    await buildPython({
      directory: place,
      requirements: join(import.meta.dirname, 'pip-audit.txt'),
      settings: { pythonPath: null },
      step: () => {},
      signal: AbortSignal.timeout(300_000),
      env,
    });
    const answers: Answer[] = [];
    for (const [n, list] of requirementLists(
      ['requirements.txt', 'requirements-cuda.txt', 'requirements-older-mac.txt'].flatMap(locked),
    ).entries()) {
      const path = join(folder, `${n}.txt`);
      await writeFile(path, list);
      const { output, tail } = await runPython(
        python(place),
        [
          '-m',
          'pip_audit',
          '--requirement',
          path,
          '--no-deps',
          '--disable-pip',
          '--format',
          'json',
          '--progress-spinner',
          'off',
          '--cache-dir',
          join(folder, 'cache'),
        ],
        { cwd: folder, timeoutMs: 300_000 },
        env,
      );
      answers.push(pipAdvisories(output.toString('utf8'), tail));
    }
    return answers;
  } catch (error) {
    const { code, detail } = toFailure(error);
    return [pipAdvisories('', `not installed (${code}) ${detail?.trim().split('\n').at(-1) ?? ''}`)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const answers: Answer[] = [];
for (const folder of LOCKS) {
  const answer = await npm(folder);
  if (!answer.silent.length)
    console.log(
      `${folder}/package-lock.json: ` +
        `${answer.findings.length === 0 ? 'nothing known' : `${answer.findings.length} known`}`,
    );
  answers.push(answer);
}
const ofPython = await pip();
console.log(`Python's requirements: ${ofPython.reduce((sum, { asked }) => sum + asked, 0)} packages looked at`);
answers.push(...ofPython);

const findings = answers.flatMap(each => each.findings),
  silent = answers.flatMap(each => each.silent);
for (const { where, package: name, level: grade, what, fix } of findings.sort(
  (a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level),
))
  console.log(`${grade.toUpperCase()}  ${where}: ${name}\n  ${what}\n  fix: ${fix}`);
for (const line of silent) console.log(`NOT ASKED  ${line}`);
const grave = findings.filter(finding => LEVELS.indexOf(finding.level) >= LEVELS.indexOf(level as Level)).length;
console.log(
  `${findings.length} known, ${grave} of them ${level} or ` +
    `worse${silent.length ? `; ${silent.length} sources gave no advisories, so this says nothing of them` : ''}`,
);
process.exit(grave > 0 || (strict && silent.length > 0) ? 1 : 0);
