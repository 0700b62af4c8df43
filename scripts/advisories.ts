/** What npm and pip-audit say of known weaknesses, read from their reports. Pure. */

export const LEVELS = ['info', 'low', 'moderate', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

export interface Finding {
  where: string;
  package: string;
  level: Level;
  what: string;
  fix: string;
}
/** `silent`: why a source says nothing; that is no word of safety. `asked`: packages that were looked at. */
export interface Answer {
  findings: Finding[];
  asked: number;
  silent: string[];
}

interface NpmReport {
  message?: string;
  error?: { summary?: string };
  vulnerabilities?: Record<
    string,
    { severity: Level; via: ({ title?: string; url?: string } | string)[]; fixAvailable: unknown; range: string }
  >;
  metadata?: { dependencies?: { total?: number } };
}
interface PipReport {
  dependencies?: {
    name: string;
    version?: string;
    skip_reason?: string;
    vulns?: { id: string; fix_versions: string[]; aliases?: string[]; description?: string }[];
  }[];
}

const parsed = <T>(text: string): T | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? (value as T) : null;
  } catch {
    return null;
  }
};
const nothing = (why: string): Answer => ({ findings: [], asked: 0, silent: [why] });
const line = (text: string): string => text.split('\n')[0]!.trim().slice(0, 200);

/** The report of `npm audit --json` for the lock in `where`. */
export function npmAdvisories(where: string, text: string): Answer {
  const report = parsed<NpmReport>(text);
  if (!report?.vulnerabilities)
    return nothing(`npm for ${where}: ${line(report?.message ?? report?.error?.summary ?? 'no answer')}`);
  const findings = Object.entries(report.vulnerabilities).map(
    ([name, { severity, via, fixAvailable, range }]): Finding => ({
      where,
      package: `${name} ${range}`,
      level: severity,
      fix: fixAvailable ? 'npm has a newer one' : 'no newer one',
      what: via
        .map(each => (typeof each === 'string' ? `through ${each}` : `${each.title ?? ''} ${each.url ?? ''}`.trim()))
        .join('; '),
    }),
  );
  return { findings, asked: report.metadata?.dependencies?.total ?? findings.length, silent: [] };
}

/** The report of `pip-audit --format json`; `said`: what else it wrote, for when there is none. */
export function pipAdvisories(text: string, said: string): Answer {
  const report = parsed<PipReport>(text);
  if (!report?.dependencies) return nothing(`pip-audit: ${line(said.trim().split('\n').at(-1) || 'no answer')}`);
  const skipped = report.dependencies.filter(({ skip_reason: reason }) => reason !== undefined);
  return {
    asked: report.dependencies.length - skipped.length,
    // It states no severity: whoever reads it decides, so it counts.
    findings: report.dependencies.flatMap(({ name, version = '', vulns = [] }) =>
      vulns.map(({ id, fix_versions: fixed, aliases = [], description = '' }): Finding => ({
        where: 'Python',
        package: `${name} ${version}`,
        level: 'high',
        what: `${[id, ...aliases].join(', ')} ${line(description)}`.trim(),
        fix: fixed.length ? `in ${fixed.join(', ')}` : 'no newer one',
      })),
    ),
    silent: skipped.length
      ? [
          `pip-audit: ${skipped.length} of ${report.dependencies.length} packages ` +
            `(${line(skipped[0]!.skip_reason!)}${skipped.length > 1 ? ' …' : ''})`,
        ]
      : [],
  };
}

/**
 * Lists for pip-audit, which takes a package once a list: the locks name some in several versions, for several Pythons,
 * and each is asked about.
 */
export function requirementLists(packages: readonly { name: string; version: string }[]): string[] {
  const versions = new Map<string, Set<string>>();
  for (const { name, version } of packages) versions.set(name, (versions.get(name) ?? new Set()).add(version));
  const lists: string[] = [];
  for (const [name, each] of versions)
    [...each].forEach((version, n) => {
      lists[n] = `${lists[n] ?? ''}${name}==${version}\n`;
    });
  return lists;
}
