/**
 * How programs are started: what they are told, where they stand, and that they end. Attacked through those who use it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitOf } from '../../client/exit.ts';
import { processes } from '../../daemon/devices/processes.ts';
import { command } from '../../daemon/engines/command/engine.ts';
import { fake } from '../../daemon/engines/fake/engine.ts';
import { environment } from '../../daemon/workers/environment.ts';
import { run, startProgram, SYSTEM_FOLDER, type RunOptions } from '../../daemon/workers/spawn.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { TestWorker } from '../engines/worker-harness.ts';

const posix = process.platform === 'win32' && 'a shell of POSIX';
const folder = mkdtempSync(join(tmpdir(), 'earshot-spawn-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const how = (more: Partial<RunOptions> = {}): RunOptions => ({
  cwd: SYSTEM_FOLDER,
  env: environment('local'),
  ...more,
});
/** Until a process has ended; the test's own time limit is the end of patience. */
const gone = async (pid: number): Promise<void> => {
  while (processes().alive(pid)) await sleep(10);
};
const SECRETS = {
  DATABASE_URL: 'postgres://u:p@h/d',
  MYSQL_PWD: 'p',
  HTTPS_PROXY: 'http://u:p@proxy',
  PGPASSFILE: 'x',
};

describe('a folder that somebody else made', () => {
  /** A checkout with what Python looks for where it stands, and with programs of the names that we start. */
  const checkout = (): { place: string; ran: () => string } => {
    const place = mkdtempSync(join(folder, 'cloned-')),
      marker = join(place, 'ran');
    for (const name of ['venv', 'pip', 'ensurepip', 'sitecustomize', 'encodings', 'site'])
      writeFileSync(join(place, `${name}.py`), `open(${JSON.stringify(marker)}, 'a').write('${name} ')\n`);
    writeFileSync(join(place, '.npmrc'), 'script-shell=./evil\n');
    for (const name of ['npm', 'python3', 'ffmpeg', 'nvidia-smi'])
      writeFileSync(join(place, name), `#!/bin/sh\necho ${name} >> ${JSON.stringify(marker)}\n`, { mode: 0o755 });
    return { place, ran: () => (existsSync(marker) ? readFileSync(marker, 'utf8') : '') };
  };

  test('runs nothing of its own in a daemon that is started from it', { skip: posix, timeout: 120_000 }, async () => {
    const { place, ran } = checkout(),
      state = join(folder, 'state');
    const env = { ...process.env, EARSHOT_STATE: state, EARSHOT_DATA: join(folder, 'data'), LANG: 'C' };
    const earshot = async (...args: string[]): Promise<string> => {
      const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
      const child = spawn(process.execPath, [main, ...args], { cwd: place, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      child.stdout.on('data', chunk => (said += chunk));
      child.stderr.on('data', chunk => (said += chunk));
      await once(child, 'close');
      return said;
    };
    try {
      const report = await earshot('doctor');
      assert.match(report, /python/i, 'the doctor looked');
      const pid = Number(readFileSync(join(state, 'run', 'lock.pid'), 'utf8'));
      if (process.platform === 'linux')
        assert.equal(
          (await run('/bin/readlink', [`/proc/${pid}/cwd`], how())).output.toString().trim(),
          realpathSync(join(state, 'run')),
          'the daemon stands in a folder of its own',
        );
    } finally {
      await earshot('daemon', 'stop');
    }
    assert.equal(ran(), '');
  });
});

describe('secrets in the environment', () => {
  test('do not reach workers, nor what workers start', { skip: posix }, async () => {
    Object.assign(process.env, SECRETS);
    try {
      await using worker = new TestWorker({
        engine: command,
        stage: 'nmt',
        parameters: { argv: JSON.stringify(['/usr/bin/env']), terminal: false },
      });
      await worker.loaded;
      const [output] = await worker.run<'nmt'>([{ text: 'x', from: 'en', to: 'es', before: [], glossary: [] }]);
      assert.match(output!.text, /PATH=/);
      assert.match(output!.text, /HTTPS_PROXY/, "a program of the user's own reaches servers through it");
      for (const name of ['DATABASE_URL', 'MYSQL_PWD', 'PGPASSFILE'])
        assert.doesNotMatch(output!.text, new RegExp(name));

      const { permissions: _users, ...confined } = fake;
      await using local = new TestWorker({ engine: confined, stage: 'nmt' });
      await local.loaded;
      if (process.platform === 'linux') {
        const environ = readFileSync(`/proc/${local.worker.pid}/environ`, 'utf8');
        assert.match(environ, /CUDA_VISIBLE_DEVICES=/);
        for (const name of Object.keys(SECRETS)) assert.doesNotMatch(environ, new RegExp(name));
      }
    } finally {
      for (const name of Object.keys(SECRETS)) delete process.env[name];
    }
  });

  test('nor does what says how other programs compute', { skip: posix }, async () => {
    const computing = {
      CT2_USE_MKL: '0',
      CT2_FORCE_CPU_ISA: 'GENERIC',
      MKL_NUM_THREADS: '1',
      OMP_NUM_THREADS: '64',
      KMP_AFFINITY: 'compact',
      OPENBLAS_CORETYPE: 'Prescott',
    };
    assert.deepEqual(Object.keys(environment('installer', {}, computing)), []);
    const before = Object.keys(computing).map(name => [name, process.env[name]] as const);
    Object.assign(process.env, computing);
    try {
      const { permissions: _users, ...confined } = fake;
      await using local = new TestWorker({ engine: confined, stage: 'nmt' });
      await local.loaded;
      if (process.platform === 'linux') {
        const environ = readFileSync(`/proc/${local.worker.pid}/environ`, 'utf8');
        for (const name of Object.keys(computing)) assert.doesNotMatch(environ, new RegExp(name));
      }
    } finally {
      for (const [name, value] of before)
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
    }
  });

  test('are known by not being listed', () => {
    const given = {
      PATH: '/bin',
      Path: 'C:\\',
      HOME: '/home/u',
      LC_ALL: 'C',
      CUDA_HOME: '/cuda',
      SystemRoot: 'C:\\Windows',
      EARSHOT_DATA: '/data',
      https_proxy: 'http://u:p@h',
      PIP_INDEX_URL: 'https://u:p@h',
      npm_config_registry: 'https://h',
      ...SECRETS,
      EARSHOT_API_KEY: 'x',
      NVIDIA_API_KEY: 'x',
      OPENAI_API_KEY: 'x',
      NODE_OPTIONS: '--require ./evil.js',
      SSH_AUTH_SOCK: '/tmp/agent',
      DBUS_SESSION_BUS_ADDRESS: 'unix:',
      PYTHONPATH: '.',
    };
    const names = (audience: 'local' | 'network' | 'installer'): string[] =>
      Object.keys(environment(audience, {}, given));
    const local = ['PATH', 'Path', 'HOME', 'LC_ALL', 'CUDA_HOME', 'SystemRoot', 'EARSHOT_DATA'];
    assert.deepEqual(names('local'), local);
    assert.deepEqual(names('network'), [...local, 'https_proxy', 'HTTPS_PROXY']);
    assert.deepEqual(names('installer'), [
      ...local,
      'https_proxy',
      'PIP_INDEX_URL',
      'npm_config_registry',
      'HTTPS_PROXY',
    ]);
  });
});

describe('an end', { skip: posix, timeout: 180_000 }, () => {
  /** Leaves a grandchild in a session of its own, which nobody can find and which holds the pipes. */
  const escaped = (file: string): string =>
    `setsid sh -c 'echo $$ > "$0"; exec sleep 1000' '${file}' & while [ ! -s '${file}' ]; do :; done; cat ` +
    `'${file}'; echo words`;

  test('comes though a grandchild that nobody finds holds the pipes', async () => {
    const { status, output } = await run('/bin/sh', ['-c', escaped(join(folder, 'escaped'))], how());
    const [pid, words] = output.toString().split('\n');
    try {
      assert.deepEqual([status, words], [0, 'words']);
      assert.ok(processes().alive(Number(pid)), 'it really was there');
    } finally {
      process.kill(Number(pid), 'SIGKILL');
    }
  });

  test('takes what was left behind with it', async () => {
    const { output } = await run('/bin/sh', ['-c', 'sleep 1000 & echo $!'], how());
    await gone(Number(output));
  });

  test('does not cut what is read slowly', async () => {
    const child = startProgram({ program: '/bin/sh', args: ['-c', 'head -c 400000 /dev/zero'], ...how() });
    const exit = exitOf(child, 50);
    let bytes = 0;
    for await (const chunk of child.stdout!) {
      bytes += (chunk as Buffer).length;
      await sleep(120);
    }
    assert.deepEqual([bytes, (await exit).code], [400_000, 0]);
  });

  test('comes to the whole tree by a signal, and by a time limit', async () => {
    const controller = new AbortController();
    const pidFile = join(folder, 'pids');
    const script =
      `sleep 1000 & echo $! > ${JSON.stringify(pidFile)}; mv ${JSON.stringify(pidFile)} ` +
      `${JSON.stringify(`${pidFile}.whole`)}; wait`;
    const child = async (): Promise<number> => {
      while (!existsSync(`${pidFile}.whole`)) await sleep(10);
      const pid = Number(readFileSync(`${pidFile}.whole`, 'utf8'));
      rmSync(`${pidFile}.whole`);
      return pid;
    };
    const cancelled = run('/bin/sh', ['-c', script], how({ signal: controller.signal }));
    const first = await child();
    controller.abort();
    await assert.rejects(cancelled, failsWith('cancelled'));
    await gone(first);
    const late = run('/bin/sh', ['-c', script], how({ timeoutMs: 500 }));
    const second = await child();
    assert.equal((await late).status, null);
    await gone(second);
  });

  test('of a command comes with all that it started, when its run is cancelled', async () => {
    const pidFile = join(folder, 'command-pid');
    await using worker = new TestWorker({
      engine: command,
      stage: 'nmt',
      parameters: {
        argv: JSON.stringify(['/bin/sh', '-c', `sleep 1000 & echo $! > ${JSON.stringify(pidFile)}; wait`]),
        terminal: false,
      },
    });
    await worker.loaded;
    const id = worker.nextRun,
      running = worker.run<'nmt'>([{ text: 'x', from: 'en', to: 'es', before: [], glossary: [] }]);
    const ended = assert.rejects(running, failsWith('cancelled'));
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8').trim() === '') await sleep(10);
    worker.worker.cancel(id);
    await ended;
    await gone(Number(readFileSync(pidFile, 'utf8')));
  });

  test('of a command comes though something that it left behind holds its pipe', async () => {
    await using worker = new TestWorker({
      engine: command,
      stage: 'nmt',
      parameters: { argv: JSON.stringify(['/bin/sh', '-c', 'echo hola; sleep 20 >&2 &']), terminal: false },
    });
    await worker.loaded;
    const began = performance.now();
    const [output] = await worker.run<'nmt'>([{ text: 'x', from: 'en', to: 'es', before: [], glossary: [] }]);
    assert.equal(output!.text, 'hola');
    assert.ok(performance.now() - began < 19_000, 'it did not wait for it');
  });
});

test('a program needs a folder of its own', async () => {
  await assert.rejects(run(process.execPath, ['-v'], how({ cwd: '.' })), /folder of its own/);
  mkdirSync(join(folder, 'here'));
  const { output } = await run(
    process.execPath,
    ['-p', 'process.cwd()'],
    how({ cwd: join(folder, 'here'), timeoutMs: 20_000 }),
  );
  assert.equal(output.toString().trim(), join(folder, 'here'));
});
