/**
 * THIRD_PARTY.md: everything that Earshot ships or fetches, with its version and license, from the lock files and the
 * registry of models. `npm run licenses` writes it; a test holds it up to date.
 */
import { globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { home } from '../daemon/auth/home.ts';
import { sitePackages } from '../daemon/runtimes/python.ts';

const ROOT = join(import.meta.dirname, '..');
export const PAGE = join(ROOT, 'THIRD_PARTY.md');
/** Folders with a lock file of packages that are installed when an engine is wanted. */
const PACKS = ['llama', 'llama-3.21', 'sherpa', 'dictionaries', 'postgres'];
const REQUIREMENTS = ['requirements.txt', 'requirements-cuda.txt', 'requirements-older-mac.txt'];
/** Imported by no module: fonts. Imported and not shipped: what packs and bundles. */
const ALSO = ['@vscode/codicons', '@fontsource/noto-sans'],
  TOOLS = new Set(['@vscode/vsce', 'esbuild', 'vscode']);

/** Packages that say it in their LICENSE alone. */
const UNNAMED: Readonly<Record<string, string>> = { 'png-js': 'MIT' };

export interface Package {
  name: string;
  version: string;
  licence: string;
}
interface Locked {
  version?: string;
  license?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
type Lock = { packages: Record<string, Locked> };

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const nameOf = (place: string): string => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
/** Where `name` is found from a place in the tree. */
function resolve(lock: Lock, from: string, name: string): string | null {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const place = `${at ? `${at}/` : ''}node_modules/${name}`;
    if (lock.packages[place]) return place;
    if (!at) return null;
    if (!at.includes('/node_modules/')) at = '';
    if (at === '') return lock.packages[`node_modules/${name}`] ? `node_modules/${name}` : null;
  }
}

/** These and all that they need. */
function closure(lock: Lock, roots: readonly string[]): Package[] {
  const places = new Set<string>();
  const visit = (place: string | null): void => {
    if (!place || places.has(place)) return;
    places.add(place);
    const { dependencies, optionalDependencies } = lock.packages[place]!;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) visit(resolve(lock, place, name));
  };
  for (const root of roots) visit(resolve(lock, '', root));
  return sorted(
    [...places].map(place => ({
      name: nameOf(place),
      version: lock.packages[place]!.version ?? '',
      licence: lock.packages[place]!.license ?? UNNAMED[nameOf(place)] ?? 'unknown',
    })),
  );
}
const sorted = (packages: readonly Package[]): Package[] =>
  [...new Map(packages.map(each => [`${each.name} ${each.version}`, each])).values()].sort((a, b) =>
    a.name === b.name ? a.version.localeCompare(b.version) : a.name < b.name ? -1 : 1,
  );

/** In the bundles, beside them, or in the packages that the daemon runs from. */
export function shipped(): Package[] {
  const lock = JSON.parse(read('package-lock.json')) as Lock,
    { dependencies, optionalDependencies } = JSON.parse(read('package.json')) as {
      dependencies: object;
      optionalDependencies: object;
    };
  const roots = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...ALSO]);
  for (const file of globSync('{cli,client,daemon,extension,schemas,text,webview}/**/*.ts', {
    cwd: ROOT,
    exclude: path => path.includes('node_modules'),
  }))
    for (const [, name] of read(file).matchAll(/(?:from|import\(?)\s*'((?:@[\w-]+\/)?[a-z][\w.-]*)[^']*'/g))
      if (!name!.startsWith('node:') && !TOOLS.has(name!)) roots.add(name!);
  return closure(
    lock,
    [...roots].filter(name => lock.packages[`node_modules/${name}`]),
  );
}

function pack(name: string): Package[] {
  const lock = JSON.parse(read(`daemon/runtimes/${name}/package-lock.json`)) as Lock;
  return sorted(
    Object.entries(lock.packages)
      .filter(([place]) => place)
      .map(([place, { version, license }]) => ({
        name: nameOf(place),
        version: version ?? '',
        licence: license ?? 'unknown',
      })),
  );
}

export const locked = (requirements: string): { name: string; version: string }[] =>
  [...read(`daemon/runtimes/python/${requirements}`).matchAll(/^([A-Za-z0-9._-]+)==([^\s;\\]+)/gm)].map(
    ([, name, version]) => ({ name: name!.toLowerCase(), version: version! }),
  );

/** Python's packages have names that differ only in this. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-');

/** Of packages that only other Pythons or systems need, by their pages on PyPI. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'annotated-doc': 'MIT',
  certifi: 'MPL-2.0',
  colorama: 'BSD-3-Clause',
  coloredlogs: 'MIT',
  exceptiongroup: 'MIT',
  httpcore: 'BSD-3-Clause',
  httpx: 'BSD-3-Clause',
  'httpx2-jsfetch': 'BSD-3-Clause',
  humanfriendly: 'MIT',
  'markdown-it-py': 'MIT',
  mdurl: 'MIT',
  mpmath: 'BSD-3-Clause',
  pygments: 'BSD-2-Clause',
  pyreadline3: 'BSD-3-Clause',
  rich: 'MIT',
  shellingham: 'ISC',
  sympy: 'BSD-3-Clause',
  tomli: 'MIT',
  typer: 'MIT',
};

/** What an installed Python package says of itself; what is not installed here keeps what the page says already. */
function pythonLicenses(page: string): (name: string) => string {
  const known = new Map(Object.entries(ELSEWHERE)),
    before = [...page.matchAll(/^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$/gm)];
  for (const [, name, licence] of before)
    if (!licence!.startsWith('see ')) known.set(plain(name!.trim()), licence!.trim());
  const runtimes = home().runtimes;
  for (const folder of ((): string[] => {
    try {
      return readdirSync(runtimes).filter(each => each.startsWith('python-'));
    } catch {
      return [];
    }
  })()) {
    const packages = sitePackages(join(runtimes, folder));
    for (const info of packages ? readdirSync(packages).filter(each => each.endsWith('.dist-info')) : []) {
      const text = ((): string => {
          try {
            return readFileSync(join(packages!, info, 'METADATA'), 'utf8');
          } catch {
            return '';
          }
        })(),
        head = text.split('\n\n')[0]!;
      const classifier = [...head.matchAll(/^Classifier: License :: (?:OSI Approved :: )?(.+)$/gm)]
        .map(([, each]) => each!)
        .join(', ');
      const said =
          /^License-Expression: (.+)$/m.exec(head)?.[1] ?? (classifier || /^License: (.{1,80})$/m.exec(head)?.[1]),
        name = /^Name: (.+)$/m.exec(head)?.[1];
      if (name && said) known.set(plain(name), said.trim());
    }
  }
  return name => known.get(plain(name)) ?? 'see its page on PyPI';
}

const table = (packages: readonly Package[]): string =>
  [
    '| package | version | license |',
    '| --- | --- | --- |',
    ...packages.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`),
  ].join('\n');

export function page(before: string): string {
  const licenseOf = pythonLicenses(before),
    { models } = JSON.parse(read('daemon/models/registry.json')) as {
      models: { id: string; licence: string; homepage: string }[];
    };
  const python = sorted(REQUIREMENTS.flatMap(locked).map(each => ({ ...each, licence: licenseOf(each.name) })));
  return `# Third parties

What Earshot ships or fetches, with licenses. Made by \`npm run licenses\` from the lock files; a test holds it up to
date. Each package carries the text of its license.

## Shipped

In the extension and the command line, or in what they run on. All of these licenses allow use, change and distribution
with their notice kept.

${table(shipped())}

## Fetched with an engine

Installed beside Earshot when an engine is first wanted, in processes of their own, never linked into it.

${PACKS.map(name => `### ${name}\n\n${table(pack(name))}`).join('\n\n')}

### Python

Locked with hashes; which versions apply depends on the Python.

${table(python)}

The package imageio-ffmpeg carries a build of ffmpeg (GPL-3.0-or-later), which is run as a program.

## Models

Fetched when they are wanted, by SHA-256.

| model | license | from |
| --- | --- | --- |
${models.map(({ id, licence, homepage }) => `| ${id} | ${licence} | ${homepage} |`).join('\n')}
`;
}

export const written = (): string => {
  try {
    return readFileSync(PAGE, 'utf8');
  } catch {
    return '';
  }
};
if (import.meta.main) {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help)
    console.log(`Usage: npm run licenses

Writes THIRD_PARTY.md from the lock files and the registry of models. Licenses of Python packages are read from the
environments that are installed here; of those that are not, the page keeps what it says.

  -h, --help   print this and write nothing`);
  else writeFileSync(PAGE, page(written()));
}
