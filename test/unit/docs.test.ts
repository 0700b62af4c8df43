/** The documents hold together: links lead somewhere, paths exist, lines fit, the README stays short. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { wrapped } from '../../scripts/wrap.ts';

const root = join(import.meta.dirname, '../..');
const read = (page: string): string => readFileSync(join(root, page), 'utf8');
const pages = globSync(['*.md', '{docs,daemon,scripts,.github}/**/*.md'], { cwd: root }).map(page =>
  page.replaceAll('\\', '/'),
);
/** As GitHub makes it from a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchors = (page: string): string[] => [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchor(title!));

it('every link leads somewhere', () => {
  const broken: string[] = [];
  for (const page of pages)
    for (const [, target] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [file, place] = target!.split('#') as [string, string | undefined];
      const path = file ? join(dirname(page), file) : page;
      if (!existsSync(join(root, path))) broken.push(`${page}: ${target}`);
      else if (place && path.endsWith('.md') && !anchors(path).includes(place)) broken.push(`${page}: ${target}`);
    }
  assert.deepEqual(broken, []);
});

it('every path that is named exists', () => {
  const rooms = readdirSync(root, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []));
  const path = new RegExp(`^(${rooms.map(room => room.replaceAll('.', '\\.')).join('|')})(/[\\w.@-]+)*/?$`);
  const lost: string[] = [];
  for (const page of pages)
    for (const [, word] of read(page).matchAll(/`([^`\n]+)`/g))
      if (word!.includes('/') && path.test(word!) && !existsSync(join(root, word!))) lost.push(`${page}: ${word}`);
  assert.deepEqual(lost, []);
});

it('every script that is named exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const lost = pages.flatMap(page =>
    [...read(page).matchAll(/npm run ([\w:-]+)/g)].flatMap(([, name]) =>
      name! in scripts ? [] : [`${page}: ${name}`],
    ),
  );
  assert.deepEqual(lost, []);
});

it('every variable that is read from the environment is documented', () => {
  /** We set it ourselves, for a worker. */
  const own = new Set(['EARSHOT_SHERPA']);
  const variables = new Set(
    globSync('{cli,client,daemon,extension}/**/*.ts', { cwd: root }).flatMap(file =>
      [...read(file).matchAll(/\benv\.(EARSHOT_\w+)/g)].map(([, name]) => name!),
    ),
  );
  assert.ok(variables.has('EARSHOT_LOG_LEVEL'));
  const documented = read('docs/settings.md');
  assert.deepEqual(
    [...variables].filter(name => !own.has(name) && !documented.includes(`| \`${name}\` |`)),
    [],
  );
});

it('a script that writes pages says so when it is asked for help, and writes nothing', () => {
  const written = (): number[] =>
    ['THIRD_PARTY.md', 'docs/reference/rpc.md'].map(page => statSync(join(root, page)).mtimeMs);
  const before = written();
  for (const script of ['licenses', 'reference']) {
    const file = join(root, 'scripts', `${script}.ts`);
    assert.match(execFileSync(process.execPath, [file, '--help'], { encoding: 'utf8' }), /^Usage: npm run/);
    assert.notEqual(spawnSync(process.execPath, [file, '--hlep']).status, 0, 'a slip is no order to write');
  }
  assert.deepEqual(written(), before);
});

it('no line is wider than 120 columns, outside tables, code, pictures and addresses', () => {
  const wide: string[] = [];
  for (const page of pages) {
    if (page === 'THIRD_PARTY.md') continue;
    let isCode = false;
    for (const [i, line] of read(page).split('\n').entries()) {
      if (line.trimStart().startsWith('```')) isCode = !isCode;
      if (line.length > 120 && !isCode && !/^\||^!\[|https?:/.test(line)) wide.push(`${page}:${i + 1}`);
    }
  }
  assert.deepEqual(wide, []);
});

it('the README fits on a few screens, and its first one has the two commands', () => {
  const lines = read('README.md').split('\n');
  assert.ok(lines.length <= 150, `${lines.length} lines`);
  const first = lines.slice(0, 30).join('\n');
  assert.match(first, /^npm start/m);
  assert.match(first, /^npm test/m);
});

it('every package says why it is there', () => {
  const page = read('docs/dependencies.md'),
    kinds = ['dependencies', 'devDependencies', 'optionalDependencies'],
    manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const named = new Set([...page.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) => cell!.split(', ')));
  const silent = kinds
    .flatMap(kind => Object.keys(manifest[kind]!))
    .filter(name => !named.has(name.replace(/^@types\/.*/, '@types/*')));
  assert.deepEqual(silent, []);
});

describe('pages that scripts write are wrapped', () => {
  const long = Array.from({ length: 40 }, (_, i) => `word${i}`).join(' ');
  it('paragraphs and list items, each line below its first word', () => {
    const lines = wrapped(`# ${long}\n\n${long}\n\n- ${long}\n  1. ${long}\n`).split('\n');
    assert.equal(lines[0], `# ${long}`);
    assert.ok(lines.slice(1).every(line => line.length <= 120));
    assert.equal(lines.filter(line => line.startsWith('- word0')).length, 1);
    assert.ok(lines.some(line => /^ {2}word\d/.test(line)) && lines.some(line => /^ {5}word\d/.test(line)));
  });
  it('tables, code and what fits stay as they are; a second time changes nothing', () => {
    const page = `| ${long} |\n\n\`\`\`\n${long}\n\`\`\`\n\n- item\n\n  \`\`\`\n  ${long}\n  \`\`\`\n\nshort\nlines\n`;
    assert.equal(wrapped(page), page);
    const once = wrapped(`a ${long}\nb\n\n- c ${long}`);
    assert.equal(wrapped(once), once);
    assert.equal(once.replaceAll(/\s+/g, ' '), `a ${long} b - c ${long}`);
  });
});

/** Of tests and groups of them; what is put in when they run is `…`. */
function titlesOf(file: string): ReadonlySet<string> {
  const calls = /\b(?:it|test|describe|linear)\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g;
  return new Set(
    [...read(file).matchAll(calls)].map(([, single, double, template]) =>
      template === undefined ? (single ?? double)! : withGaps(template),
    ),
  );
}

/** A template with `…` for each part in braces, which may hold braces and parentheses itself. */
function withGaps(template: string): string {
  let text = '',
    depth = 0;
  for (let at = 0; at < template.length; at++) {
    if (depth === 0 && template.startsWith('${', at)) {
      text += '…';
      depth = 1;
      at++;
    } else if (depth > 0) depth += template[at] === '{' ? 1 : template[at] === '}' ? -1 : 0;
    else text += template[at];
  }
  return text;
}

it('every claim of SECURITY.md names a test that is there by its title, and where it holds', () => {
  assert.equal(withGaps('a ${{ b: 1 }.b} (${JSON.stringify(c)})'), 'a … (…)');
  const places = ['everywhere', 'Linux', 'Linux with Landlock', 'macOS', 'Windows'];
  const rows = read('SECURITY.md')
    .split('\n')
    .filter(line => /^\| (?!---)/.test(line) && !line.startsWith('| what could go wrong |'))
    .map(line =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map(cell => cell.trim()),
    );
  assert.ok(rows.length > 30, `only ${rows.length} claims`);
  // An attack that no claim names would not run with `npm run test:security`.
  for (const file of globSync('test/security/*.test.ts', { cwd: root }))
    assert.ok(read('SECURITY.md').includes(`\`${file.replaceAll('\\', '/')}\``), file);
  for (const [what = '', claim = '', tests = '', where = ''] of rows) {
    assert.ok(claim.length > 0, what);
    const named = [...tests.matchAll(/`(test\/[^`]+)`/g)].map(match => match[1]!);
    assert.ok(named.length > 0, `no test holds: ${what}`);
    for (const [, file, quoted] of tests.matchAll(/`(test\/[^`]+)`((?:[:,] “[^”]+”)*)/g)) {
      assert.ok(existsSync(join(root, file!)), `${file} of: ${what}`);
      const titles = [...quoted!.matchAll(/“([^”]+)”/g)].map(match => match[1]!);
      assert.ok(titles.length > 0, `no test of ${file} is named for: ${what}`);
      for (const title of titles) assert.ok(titlesOf(file!).has(title), `${file} has no test “${title}”, for: ${what}`);
    }
    for (const place of where.split(', ')) assert.ok(places.includes(place), `${place || 'nowhere'}: ${what}`);
  }
});
