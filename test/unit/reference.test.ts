/** What is read off the code (docs/reference, the editor's settings) is what the code says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Compile } from 'typebox/compile';
import { ERRORS } from '../../schemas/errors.ts';
import { METHODS } from '../../schemas/rpc.ts';
import { about, DEFAULTS, IN_EDITOR, inEditor, Settings } from '../../schemas/settings.ts';
import { program } from '../../cli/program.ts';
import { manifest, sentences } from '../../scripts/reference/settings.ts';
import { rpcPage } from '../../scripts/reference/rpc.ts';
import { cliPage } from '../../scripts/reference/cli.ts';

const root = join(import.meta.dirname, '../..');

it('pages, package.json and package.nls.json are up to date (npm run reference writes them)', () => {
  const check = spawnSync(process.execPath, ['scripts/reference.ts', '--check'], { cwd: root, encoding: 'utf8' });
  assert.equal(check.status, 0, check.stderr);
});

describe('one list of settings', () => {
  it('every setting has a default that its schema allows, and a description', () => {
    assert.ok(Compile(Settings).Check(DEFAULTS));
    for (const name of Object.keys(DEFAULTS) as (keyof Settings)[]) assert.match(about(name).description, /\w/, name);
  });

  it('what differs in the editor is put right', () => {
    const machine = (properties: object): string =>
      JSON.stringify({
        contributes: {
          configuration: [
            { id: 'machine', properties },
            {
              id: 'others',
              properties: {
                'earshot.outputFormats': { items: {} },
                'earshot.priority': {},
                'earshot.watchedFolders': { items: { properties: { formats: { items: {} }, priority: {} } } },
              },
            },
          ],
        },
      });
    const [section] = (
      JSON.parse(manifest(machine({ 'earshot.machine.serial': { default: true }, 'earshot.machine.gone': {} }))) as {
        contributes: { configuration: { properties: Record<string, Record<string, unknown>> }[] };
      }
    ).contributes.configuration;
    assert.deepEqual(
      Object.keys(section!.properties),
      IN_EDITOR.map(name => `earshot.machine.${inEditor(name).name}`),
    );
    assert.equal(section!.properties['earshot.machine.serial']!.default, DEFAULTS.serial);
    assert.equal(
      section!.properties['earshot.machine.memoryReserveMiB']!.default,
      DEFAULTS.memoryReserveBytes / 1024 ** 2,
    );
    assert.deepEqual(section!.properties['earshot.machine.idleExitSeconds']!.type, ['integer', 'null']);
    assert.match(sentences('{"setting.machine.serial": "Old."}'), new RegExp(about('serial').description));
  });
});

describe('what the pages say', () => {
  it('every method, and no link without its place', () => {
    const page = rpcPage();
    for (const name of Object.keys(METHODS)) assert.ok(page.includes(`### ${name}\n`), name);
    const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!.toLowerCase().replaceAll(/[^a-z0-9 -]/g, ''),
    );
    for (const [, target] of page.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(headings.includes(target!), target);
  });

  it('every code of a failure, with its arguments', () => {
    const page = rpcPage().split('### Failures\n')[1]!;
    for (const [code, args] of Object.entries(ERRORS)) {
      const row = page.split('\n').find(line => line.startsWith(`| \`${code}\` |`));
      assert.ok(row && Object.keys(args).every(name => row.includes(name)), code);
    }
  });

  it('every command and option', () => {
    const page = cliPage();
    for (const command of program.commands) {
      assert.ok(page.includes(`## earshot ${command.name()}\n`), command.name());
      for (const option of command.options) assert.ok(page.includes(`| \`${option.flags}\` |`), option.flags);
    }
  });
});
