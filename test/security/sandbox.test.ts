/**
 * Attacks from inside the sandbox: a table of system calls, for every version of Landlock that a kernel may have. Newer
 * kernels act as if they knew no more than the older ones.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { sandboxSupport } from '../../daemon/workers/sandbox/linux.ts';
import { mediaPermissions, type Permissions } from '../../daemon/workers/sandbox/permissions.ts';
import { inSandbox } from '../../daemon/workers/sandbox/sandbox.ts';
import type { Target } from './attacker.ts';

const found = sandboxSupport(),
  skip = 'reason' in found ? `nothing takes rights away here: ${found.reason}` : false,
  versions = 'abi' in found ? Array.from({ length: Math.min(found.abi, 6) }, (_, n) => n + 1) : [];
const EPERM = -1,
  ESRCH = -3,
  EACCES = -13,
  ENOSYS = -38;

describe('a process in the sandbox', { skip, concurrency: true, timeout: 180_000 }, () => {
  let home: string, target: Target, other: ChildProcess, permissions: Permissions;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'earshot-attacked-'));
    const place = join(home, 'place');
    mkdirSync(place);
    for (const name of ['secret', 'talk.wav']) writeFileSync(join(home, name), name, { mode: 0o600 });
    other = spawn('/bin/sleep', ['60']);
    target = { secret: join(home, 'secret'), recording: join(home, 'talk.wav'), place, pid: other.pid! };
    permissions = mediaPermissions({ files: [target.recording], ffmpeg: '/bin/true', place });
  });
  after(() => {
    other.kill();
    rmSync(home, { recursive: true });
  });
  const facts = (): unknown[] => [
    ...[target.secret, target.recording].map(path => {
      const { mode, mtimeMs, ctimeMs, size, uid } = statSync(path);
      return [mode, mtimeMs, ctimeMs, size, uid];
    }),
    readdirSync(target.place).filter(name => name !== 'note'),
    getPriority(other.pid),
    readFileSync(`/proc/${other.pid}/limits`, 'utf8'),
  ];
  const run = async (args: readonly string[], given: Permissions): Promise<string> => {
    const { program, args: all } = inSandbox(
      { program: process.execPath, args: ['--disable-warning=ExperimentalWarning', ...args] },
      given,
    );
    return (await promisify(execFile)(program, all)).stdout;
  };
  const attack = async (given: Permissions): Promise<Record<string, number>> =>
    JSON.parse(await run([join(import.meta.dirname, 'attacker.ts'), JSON.stringify(target)], given)) as Record<
      string,
      number
    >;
  /** What went through: neither refused, nor unknown where older ways are refused too. */
  const through = (answers: Record<string, number>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(answers).filter(([, answer]) => ![EPERM, ESRCH, EACCES, ENOSYS].includes(answer)),
    );

  for (const landlock of versions)
    it(`reaches nothing that it was not given, with version ${landlock} of Landlock`, async () => {
      const were = facts(),
        answers = await attack({ ...permissions, landlock });
      assert.ok(Object.keys(answers).length > 80);
      assert.deepEqual(through(answers), {});
      for (const name of ['clone3', 'openat2', 'io_uring_setup', 'a call that is yet to come'])
        assert.equal(answers[name], ENOSYS, name);
      assert.deepEqual(facts(), were);
      assert.equal(other.exitCode ?? other.signalCode, null);
    });

  it('reaches only the network where it needs the network, and only its own driver where it needs a GPU', async () => {
    const [network, gpu] = await Promise.all([
      attack({ ...permissions, network: true }),
      attack({ ...permissions, gpu: true }),
    ]);
    assert.deepEqual(Object.keys(through(network)), ['socket: TCP', 'socket: UDP', 'connect', 'bind']);
    // CUDA shares its memory on a socket that it binds; there is no way from it to anybody else's.
    assert.deepEqual(Object.keys(through(gpu)), ['socket: this machine', 'bind', 'listen']);
  });

  it('sees itself and the machine, but no other process, nor who is connected to whom', async () => {
    const code = `import fs from 'node:fs'; const said = {};
      for (const path of process.argv.slice(1))
        try { fs.readFileSync(path); said[path] = 'read'; } catch (error) { said[path] = error.code; }
      console.log(JSON.stringify(said));`;
    const own = ['/proc/self/status', '/proc/self/maps', '/proc/cpuinfo', '/proc/meminfo'],
      others = [
        ...['cmdline', 'comm', 'stat', 'status', 'cgroup', 'environ', 'maps'].map(name => `/proc/${other.pid}/${name}`),
        ...['/proc/net/tcp', '/proc/net/unix', `/proc/${process.pid}/cmdline`],
      ];
    const said = JSON.parse(await run(['--input-type=module', '-e', code, ...own, ...others], permissions)) as Record<
      string,
      string
    >;
    for (const path of own) assert.equal(said[path], 'read', path);
    for (const path of others) assert.equal(said[path], 'EACCES', path);
  });

  it('can do what programs do: threads, children, files of its own, signals to itself', async () => {
    const code = `import fs from 'node:fs'; import { spawnSync } from 'node:child_process';
      import { Worker } from 'node:worker_threads'; import { once } from 'node:events';
      const note = process.argv[1];
      await once(new Worker('0', { eval: true }), 'exit');
      fs.writeFileSync(note, 'abc'); fs.truncateSync(note, 1); fs.renameSync(note, note + '2'); fs.rmSync(note + '2');
      process.kill(process.pid, 0);
      console.log(spawnSync('/bin/echo', ['child'], { encoding: 'utf8' }).stdout, process.memoryUsage().rss > 0);`;
    for (const landlock of [versions[0]!, versions.at(-1)!])
      assert.match(
        await run(['--input-type=module', '-e', code, join(target.place, 'note')], { ...permissions, landlock }),
        /^child\n true$/m,
      );
  });
});
