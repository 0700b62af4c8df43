/**
 * Known weaknesses of what the lock files name: npm's advisories for every package-lock.json, PyPI's for the Python environment. Run by `npm run audit`.
 * A registry that cannot be asked is said, and is no failure; `--strict` makes it one. Ends with 1 where something at least as grave as `--level` (high) is known.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findNpm } from '../../daemon/runtimes/npm.ts';
import { locked } from './licences.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const LOCKS = ['.', ...['llama', 'llama-3.21', 'sherpa', 'dictionaries'].map(name => `daemon/runtimes/${name}`)];
const LEVELS = ['info', 'low', 'moderate', 'high', 'critical'] as const;
type Level = (typeof LEVELS)[number];
const { values: { strict, level } } = parseArgs({ options: { strict: { type: 'boolean', default: false }, level: { type: 'string', default: 'high' } } });

interface Finding { where: string; package: string; level: Level; what: string; mend: string }
const findings: Finding[] = [], silent: string[] = [];

interface NpmReport { message?: string; error?: { summary?: string }; vulnerabilities?: Record<string, { severity: Level; via: ({ title?: string; url?: string } | string)[]; fixAvailable: unknown; range: string }> }

async function npm(folder: string): Promise<void> {
  const { program, args } = findNpm(process.env);
  const text = await new Promise<string>(resolve => { execFile(program, [...args, 'audit', '--json', '--package-lock-only', '--loglevel=error'], { cwd: join(ROOT, folder), maxBuffer: 64 * 1024 ** 2, timeout: 60_000 }, (_, stdout) => resolve(stdout)); });
  let report: NpmReport;
  try { report = JSON.parse(text) as NpmReport; } catch { report = { message: 'no answer' }; }
  if (!report.vulnerabilities) { silent.push(`npm for ${folder}: ${report.message ?? report.error?.summary ?? 'no answer'}`); return; }
  const found = Object.entries(report.vulnerabilities);
  console.log(`${folder}/package-lock.json: ${found.length === 0 ? 'nothing known' : `${found.length} known`}`);
  for (const [name, { severity, via, fixAvailable, range }] of found)
    findings.push({ where: folder, package: `${name} ${range}`, level: severity, what: via.map(each => (typeof each === 'string' ? `through ${each}` : `${each.title ?? ''} ${each.url ?? ''}`.trim())).join('; '), mend: fixAvailable ? 'npm has a newer one' : 'no newer one' });
}

interface PypiAnswer { vulnerabilities?: { id: string; summary?: string | null; details?: string; fixed_in?: string[]; withdrawn?: string | null }[] }

/** The same that pip-audit asks. */
async function python(): Promise<void> {
  const packages = [...new Map(['requirements.txt', 'requirements-cuda.txt'].flatMap(locked).map(each => [`${each.name} ${each.version}`, each])).values()];
  let asked = 0;
  for (const { name, version } of packages) {
    let answer: PypiAnswer;
    try {
      const response = await fetch(`https://pypi.org/pypi/${encodeURIComponent(name)}/${encodeURIComponent(version)}/json`, { signal: AbortSignal.timeout(15_000) });
      if (!response.ok && response.status !== 404) throw new Error(`HTTP ${response.status}`);
      answer = response.ok ? await response.json() as PypiAnswer : {};
      if (!answer.vulnerabilities) throw new Error(`HTTP ${response.status}, no word of weaknesses`);
    } catch (error) { silent.push(`PyPI: ${error instanceof Error ? `${error.message}${error.cause ? ` (${String((error.cause as Error).message)})` : ''}` : String(error)}; ${packages.length - asked} packages not looked at`); return; }
    asked++;
    for (const { id, summary, details, fixed_in: fixed = [], withdrawn } of answer.vulnerabilities) if (!withdrawn)
      // PyPI tells no severity: whoever reads it decides, so it counts.
      findings.push({ where: 'Python', package: `${name} ${version}`, level: 'high', what: `${id} ${(summary ?? details ?? '').split('\n')[0]!.slice(0, 200)}`, mend: fixed.length ? `in ${fixed.join(', ')}` : 'no newer one' });
  }
  console.log(`Python's requirements: ${asked} packages looked at`);
}

for (const folder of LOCKS) await npm(folder);
await python();
for (const { where, package: name, level: grade, what, mend } of findings.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))) console.log(`${grade.toUpperCase()}  ${where}: ${name}\n  ${what}\n  mended: ${mend}`);
for (const line of silent) console.log(`NOT ASKED  ${line}`);
const grave = findings.filter(finding => LEVELS.indexOf(finding.level) >= LEVELS.indexOf(level as Level)).length;
console.log(silent.length ? `${findings.length} known, ${grave} of them ${level} or worse; ${silent.length} sources gave no advisories, so this says nothing of them` : `${findings.length} known, ${grave} of them ${level} or worse`);
process.exit(grave > 0 || (strict && silent.length > 0) ? 1 : 0);
