/** Rights taken away: what a confined process cannot reach, and that real engines and ffmpeg work all the same. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inSandbox } from '../../daemon/workers/sandbox/sandbox.ts';
import { ONE_THREAD, sandboxSupport } from '../../daemon/workers/sandbox/linux.ts';
import {
  installation,
  mediaPermissions,
  buildPermissions,
  voicePermissions,
  workerPermissions,
  startedBy,
  type Permissions,
} from '../../daemon/workers/sandbox/permissions.ts';
import { examine } from '../../daemon/doctor.ts';
import { engines } from '../../daemon/engines/engines.ts';
import type { FromChild } from '../../daemon/ingest/channel.ts';
import { startIngest } from '../../daemon/ingest/ingest.ts';
import { factsOf } from '../../daemon/ingest/recording.ts';
import { onMessage, send } from '../../daemon/ingest/channel.ts';
import { startChild } from '../../daemon/ingest/process.ts';
import { endTree } from '../../daemon/workers/spawn.ts';
import { processes } from '../../daemon/devices/processes.ts';
import { toFailure } from '../../schemas/errors.ts';
import { checkMessage, sentence } from '../../text/messages/messages.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';
import { compare } from './words.ts';
import { dictionaries, ffmpeg, make, missing, modelFolder, python, sherpa } from './place.ts';

const treeOf = (pid: number): number[] => [...processes().withChildren([pid]).get(pid)!];

const found = sandboxSupport(),
  skip = 'reason' in found ? `nothing takes rights away here: ${found.reason}` : false;
if (skip) console.log(`skipped: ${skip}`);

describe('a confined process', { skip }, () => {
  let home: string, allowed: string, permissions: Permissions;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'earshot-confined-'));
    allowed = join(home, 'allowed');
    mkdirSync(join(home, '.ssh'));
    mkdirSync(allowed);
    writeFileSync(join(home, '.ssh', 'id_ed25519'), 'the key');
    writeFileSync(join(home, 'talk.wav'), 'sound');
    symlinkSync(join(home, '.ssh', 'id_ed25519'), join(allowed, 'link'));
    permissions = mediaPermissions({ files: [join(home, 'talk.wav')], ffmpeg: '/bin/true', place: allowed });
  });
  after(() => rmSync(home, { recursive: true }));
  /** Runs JavaScript in it. */
  const within = (
    code: string,
    with_: Permissions = permissions,
    args: string[] = [],
  ): { status: number | null; out: string; err: string } => {
    const { program, args: all } = inSandbox(
        { program: process.execPath, args: ['--input-type=module', '-e', code, ...args] },
        with_,
      ),
      { status, stdout, stderr } = spawnSync(program, all, { encoding: 'utf8' });
    return { status, out: stdout.trim(), err: stderr };
  };
  const tryTo = (action: string): string =>
    within(
      `import fs from 'node:fs'; import net from 'node:net'; import dgram from 'node:dgram'; import { ` +
        `spawnSync, execFileSync } from 'node:child_process'; try { ${action}; console.log('done'); } catch ` +
        '(error) { console.log(error.code ?? error.message); }',
    )
      .out.split('\n')
      .at(-1)!;

  it('reads what it was given, writes where it may, and nothing else', () => {
    assert.equal(tryTo(`fs.readFileSync(${JSON.stringify(join(home, 'talk.wav'))})`), 'done');
    assert.equal(
      tryTo(
        `fs.writeFileSync(${JSON.stringify(join(allowed, 'made'))}, 'x'); ` +
          `fs.rmSync(${JSON.stringify(join(allowed, 'made'))})`,
      ),
      'done',
    );
    for (const action of [
      `fs.readFileSync(${JSON.stringify(join(home, '.ssh', 'id_ed25519'))})`,
      `fs.readdirSync(${JSON.stringify(home)})`,
      `fs.readFileSync(${JSON.stringify(join(allowed, 'link'))})`,
      `fs.readFileSync(${JSON.stringify(join(allowed, '..', '.ssh', 'id_ed25519'))})`,
      `fs.writeFileSync(${JSON.stringify(join(home, 'talk.wav'))}, 'x')`,
      `fs.rmSync(${JSON.stringify(join(home, 'talk.wav'))})`,
      `fs.linkSync(${JSON.stringify(join(home, 'talk.wav'))}, ${JSON.stringify(join(allowed, 'other'))})`,
      `fs.readFileSync('/proc/${process.pid}/environ')`,
      `fs.readFileSync('/proc/${process.pid}/root${join(home, '.ssh', 'id_ed25519')}')`,
    ])
      assert.match(tryTo(action), /EACCES|EPERM|EXDEV/, action);
    assert.equal(readFileSync(join(home, 'talk.wav'), 'utf8'), 'sound');
  });

  it('opens no connection, to whomever, and signals nobody outside', async () => {
    const server = createServer(),
      path = join(allowed, 'socket');
    server.listen(path);
    await once(server, 'listening');
    try {
      const connect = (where: string): string =>
        tryTo(
          `await new Promise((resolve, reject) => net.connect(${where}).once('connect', resolve).once('error', ` +
            'reject))',
        );
      assert.match(connect('{ host: "127.0.0.1", port: 9 }'), /EACCES|EPERM/);
      assert.match(connect('{ host: "::1", port: 9 }'), /EACCES|EPERM/);
      assert.match(connect(`{ path: ${JSON.stringify(path)} }`), /EACCES|EPERM/);
      assert.match(
        tryTo(
          `const socket = dgram.createSocket('udp4'); await new Promise((resolve, reject) => ` +
            `socket.once('error', reject).bind(0, resolve))`,
        ),
        /EACCES|EPERM/,
      );
    } finally {
      server.close();
    }
    assert.match(tryTo(`process.kill(${process.pid}, 0)`), /EPERM|ESRCH/);
  });

  it('costs a start of Node more', () => {
    const median = (run: () => void): number => {
      const times = Array.from({ length: 5 }, () => {
        const at = performance.now();
        run();
        return performance.now() - at;
      });
      return times.sort((a, b) => a - b)[2]!;
    };
    const sandboxed = inSandbox({ program: '/bin/true', args: [] }, permissions),
      bare = median(() => spawnSync('/bin/true')),
      with_ = median(() => assert.equal(spawnSync(sandboxed.program, sandboxed.args).status, 0));
    console.log(`start of a program: ${bare.toFixed(1)} ms, with few rights ${with_.toFixed(1)} ms`);
  });

  it('hands its limits on to all that it starts', () => {
    assert.match(
      within(
        `import { spawnSync } from 'node:child_process'; console.log(spawnSync('/bin/cat', ` +
          `[${JSON.stringify(join(home, '.ssh', 'id_ed25519'))}], { encoding: 'utf8' }).stderr)`,
      ).out,
      /denied/i,
    );
  });

  it('does not start at all where the kernel refuses', () => {
    const broken = { ...permissions, read: 7 } as unknown as Permissions;
    assert.notEqual(within('console.log("ran")', broken).status, 0);
    assert.equal(within('console.log("ran")', broken).out, '');
  });

  it('an engine that needs the network has it, and still not the files', () => {
    const openai = engines.find(engine => engine.id === 'openai')!,
      context = { card: {} as never, runtime: () => '', device: { kind: 'cpu' as const }, threads: 1 };
    const given = workerPermissions({
      engine: openai,
      context,
      program: process.execPath,
      env: process.env,
      directories: [],
      audio: allowed,
      cache: '',
    })!;
    const { out } = within(
      `import net from 'node:net'; import fs from 'node:fs'; net.connect(9, '127.0.0.1').once('error', error ` +
        '=> { console.log(error.code); try { ' +
        `fs.readFileSync(${JSON.stringify(join(home, '.ssh', 'id_ed25519'))}); } catch (error) { ` +
        'console.log(error.code); } });',
      given,
    );
    assert.equal(out, 'ECONNREFUSED\nEACCES');
    assert.equal(
      workerPermissions({
        engine: engines.find(engine => engine.id === 'command')!,
        context,
        program: '/bin/true',
        env: {},
        directories: [],
        audio: allowed,
        cache: '',
      }),
      null,
    );
  });

  it('knows what belongs to a program, and never takes a home folder for an installation', () => {
    const beside = (program: string): string[] => installation(program, '/home/u').filter(path => path !== program);
    const prefix = (path: string): string[] => ['bin', 'lib', 'lib64', 'libexec'].map(name => `${path}/${name}`);
    assert.deepEqual(beside('/home/u/bin/ffmpeg'), prefix('/home/u'));
    assert.deepEqual(
      beside('/home/u/.local/bin/ffmpeg'),
      prefix('/home/u/.local'),
      'not ~/.local itself, where keys and our own state lie',
    );
    assert.deepEqual(beside('/home/u/.pyenv/versions/3.12/bin/python'), prefix('/home/u/.pyenv/versions/3.12'));
    assert.deepEqual(beside('/home/u/tools/ffmpeg-7/ffmpeg'), ['/home/u/tools/ffmpeg-7']);
    for (const alone of ['/home/u/ffmpeg', '/home/u/Downloads/ffmpeg', '/home/ffmpeg', '/ffmpeg'])
      assert.deepEqual(beside(alone), [], alone);
  });

  it(
    'runs what a wrapper names in full; one that leads elsewhere is reported, by the job and by doctor',
    { skip: missing({ ffmpeg, sherpa }) },
    async () => {
      const tools = join(home, 'tools'),
        builds = join(home, 'my builds'),
        direct = join(tools, 'ffmpeg'),
        hidden = join(tools, 'hidden');
      for (const folder of [tools, builds]) mkdirSync(folder);
      copyFileSync(ffmpeg!, join(builds, 'ffmpeg-7'), constants.COPYFILE_FICLONE);
      writeFileSync(direct, `#!/bin/sh\nexec "${join(builds, 'ffmpeg-7')}" "$@"\n`, { mode: 0o755 });
      writeFileSync(hidden, `#!/bin/sh\nHERE='${home}'\nexec "$HERE/my builds/ffmpeg-7" "$@"\n`, { mode: 0o755 });
      assert.deepEqual(startedBy(direct), [direct, '/bin/sh', join(builds, 'ffmpeg-7')]);
      assert.deepEqual(startedBy(hidden), [hidden, '/bin/sh']);
      assert.deepEqual(startedBy(join(home, 'nothing')), [join(home, 'nothing')]);
      const ingest = (program: string) =>
        startIngest({
          recording: join(SAMPLES, 'asterisk-es.flac'),
          audioTrack: 0,
          pcmPath: join(allowed, 'pcm'),
          ffmpeg: program,
          sherpaDirectory: sherpa!,
          node: process.execPath,
          sandboxed: true,
          prewarmed: undefined,
          signal: new AbortController().signal,
          onStart: () => {},
          onProgress: () => {},
          onUtterances: () => {},
        });
      assert.ok((await ingest(direct)).durationMs > 10_000);
      const error = await ingest(hidden).then(() => null, toFailure);
      assert.deepEqual([error?.code, error?.args], ['noFfmpeg', { path: hidden, sandboxed: 1 }]);
      for (const locale of ['en', 'zh-cn'] as const) assert.match(sentence(error!, locale), /ffmpegPath.*sandbox off/);
      const doctor = async (ffmpegPath: string) =>
        (
          await examine({
            home: { data: home, run: join(home, 'nowhere') },
            settings: { ...DEFAULTS, offline: true, ffmpegPath },
            devices: [],
            problems: [],
            runtimes: { directory: () => home, ready: () => false },
            models: { list: () => [], ready: () => false, defaults: async () => ({ models: {}, substitutions: [] }) },
            freeBytes: async () => 1e12,
          })
        ).checks.find(check => check.id === 'sandbox')!;
      assert.equal((await doctor(direct)).status, 'ok');
      const check = await doctor(hidden);
      assert.deepEqual([check.status, check.args], ['problem', { path: hidden }]);
      assert.match(JSON.stringify(checkMessage(check, 'en')), /ffmpegPath/);
    },
  );

  it('that tells voices apart reads the sound, its library and its models, and writes nothing', () => {
    const library = join(home, 'sherpa'),
      model = join(home, 'encoder.onnx'),
      pcmPath = join(home, 'pcm');
    mkdirSync(join(library, 'node_modules'), { recursive: true });
    for (const path of [join(library, 'package.json'), join(library, 'node_modules', 'x.js'), model, pcmPath])
      writeFileSync(path, 'x');
    const given = voicePermissions({ pcmPath, sherpaDirectory: library, models: [model] }),
      allowedTo = (code: string): string =>
        within(
          `import fs from 'node:fs'; try { ${code}; console.log('done'); } ` +
            `catch (error) { console.log(error.code ?? error.message); }`,
          given,
        ).out;
    for (const path of [pcmPath, model, join(library, 'node_modules', 'x.js')]) {
      assert.equal(allowedTo(`fs.readFileSync(${JSON.stringify(path)})`), 'done', path);
      assert.match(allowedTo(`fs.writeFileSync(${JSON.stringify(path)}, 'y')`), /EACCES/, path);
    }
    assert.match(allowedTo(`fs.readFileSync(${JSON.stringify(join(home, '.ssh', 'id_ed25519'))})`), /EACCES/);
    assert.match(allowedTo(`fs.writeFileSync(${JSON.stringify(join(home, 'new'))}, 'y')`), /EACCES/);
    assert.equal(given.network, false);
  });

  it('that builds a model reads its weights and writes beside them alone', () => {
    const folder = join(home, 'building'),
      weights = join(folder, 'weights');
    mkdirSync(folder, { recursive: true });
    writeFileSync(weights, 'x');
    const given = buildPermissions(weights, folder),
      allowedTo = (code: string): string =>
        within(
          `import fs from 'node:fs'; try { ${code}; console.log('done'); } ` +
            `catch (error) { console.log(error.code ?? error.message); }`,
          given,
        ).out;
    assert.equal(
      allowedTo(
        `fs.writeFileSync(${JSON.stringify(join(folder, 'made'))}, fs.readFileSync(${JSON.stringify(weights)}))`,
      ),
      'done',
    );
    assert.match(allowedTo(`fs.readFileSync(${JSON.stringify(join(home, '.ssh', 'id_ed25519'))})`), /EACCES/);
    assert.match(allowedTo(`fs.writeFileSync(${JSON.stringify(join(home, 'new'))}, 'y')`), /EACCES/);
    assert.equal(given.network, false);
  });

  it('runs nothing that it wrote, makes no links and devices, and holds the limit on all its threads', async () => {
    const program = join(allowed, 'program');
    assert.equal(
      tryTo(`fs.writeFileSync(${JSON.stringify(program)}, fs.readFileSync('/bin/true'), { mode: 0o755 })`),
      'done',
    );
    assert.match(tryTo(`execFileSync(${JSON.stringify(program)})`), /EACCES|EPERM/);
    assert.match(tryTo(`fs.symlinkSync('/etc/passwd', ${JSON.stringify(join(allowed, 'other'))})`), /EACCES|EPERM/);
    // In a process that has threads by then, as the ingest's has.
    const code = `import {
      enterSandboxLate } from ${JSON.stringify(join(import.meta.dirname, '../../daemon/workers/sandbox/linux.ts'))};
      import { stat } from 'node:fs/promises';
      await stat('/'); await enterSandboxLate(${JSON.stringify(permissions)});
      console.log('ready'); process.stdin.resume();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...process.env, ...ONE_THREAD },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      const tasks = readdirSync(`/proc/${child.pid}/task`),
        status = (task: string): string => readFileSync(`/proc/${child.pid}/task/${task}/status`, 'utf8');
      assert.match(tasks.map(task => /Seccomp:\s+(\d)/.exec(status(task))![1]).join(''), /^2{4,}$/);
    } finally {
      child.kill();
    }
  });

  it('holds it on the thread that reads and writes, which was at work before, and will not begin where there may be more', () => {
    const secret = JSON.stringify(join(home, '.ssh', 'id_ed25519')),
      code = `import {
        enterSandboxLate } from ${JSON.stringify(join(import.meta.dirname, '../../daemon/workers/sandbox/linux.ts'))};
        import { readFile, stat, writeFile } from 'node:fs/promises';
      await stat('/'); await readFile(${secret}); const said = [];
      const attempt = work => work.then(() => said.push('done'), error => said.push(error.code ?? error.message));
      await attempt(enterSandboxLate(${JSON.stringify(permissions)})); await attempt(readFile(${secret}));
      await attempt(writeFile(${JSON.stringify(join(allowed, 'note'))}, 'x')); console.log(said.join(' '));`;
    const run = (other: NodeJS.ProcessEnv = {}): string =>
      spawnSync(process.execPath, ['--input-type=module', '-e', code], {
        encoding: 'utf8',
        env: { ...process.env, ...ONE_THREAD, ...other },
      }).stdout.trim();
    assert.equal(run(), 'done EACCES done');
    assert.match(run({ UV_THREADPOOL_SIZE: '4' }), /^its threads are not known/);
  });

  it(
    'an ingest that stood ready, and its ffmpeg, write nothing but the sound',
    { skip: missing({ ffmpeg, sherpa }) },
    async () => {
      const job = join(home, 'job'),
        recording = realpathSync(join(SAMPLES, 'asterisk-es.flac')),
        intruder = join(home, 'intruder'),
        pcmPath = join(job, 'pcm');
      mkdirSync(job);
      writeFileSync(
        intruder,
        `#!/bin/sh\necho x > '${join(job, 'made')}'\necho x > '${join(home, 'made')}'\nexec "${ffmpeg}" "$@"\n`,
        { mode: 0o755 },
      );
      const child = startChild(process.execPath);
      try {
        send(child, { type: 'prepare', sherpaDirectory: sherpa! });
        send(child, {
          recording,
          expected: await factsOf(recording),
          link: null,
          permissions: mediaPermissions({ files: [job], ffmpeg: intruder, runtime: sherpa! }),
          audioTrack: 0,
          pcmPath,
          ffmpeg: intruder,
          sherpaDirectory: sherpa!,
        });
        const said: FromChild[] = [];
        onMessage(child, message => said.push(message as FromChild));
        await once(child, 'close');
        assert.equal(said.at(-1)?.type, 'done', JSON.stringify(said.at(-1)));
        assert.deepEqual(readdirSync(job), ['pcm']);
        assert.ok(!existsSync(join(home, 'made')));
      } finally {
        endTree(child);
      }
    },
  );

  it('takes from what reads media what it never needs', { skip: ffmpeg ? false : 'no ffmpeg' }, () => {
    const limits = JSON.stringify(join(import.meta.dirname, '../../daemon/workers/sandbox/linux.ts'));
    const code = `import { limitReader } from ${limits}; import { spawnSync } from 'node:child_process';
      limitReader(); console.log(spawnSync('/bin/cat', ['/proc/self/limits'], { encoding: 'utf8' }).stdout);`;
    const said = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).stdout;
    assert.match(said, /Max file size +0 +0 /);
    assert.match(said, /Max data size +4294967296 +4294967296 /);
    // Hundreds of threads reserve far more than they use; that is no reason to stop.
    const many = `import { spawn } from 'node:child_process'; import { limitMemory } from ${limits};
      limitMemory();
      const child = spawn(${JSON.stringify(ffmpeg)}, ['-v', 'error', '-filter_threads', '64', '-threads', '64', '-f',
        'flac', '-i', 'pipe:0', '-f', 'null', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
      process.stdin.pipe(child.stdin); child.once('exit', code => process.exit(code));`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', many], {
      input: readFileSync(join(SAMPLES, 'sense-and-sensibility.flac')),
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stderr);
  });
});

const absent = missing({ ffmpeg, sherpa, python, dictionaries, 'whisper-base': modelFolder('whisper-base') });
describe('recognition with real engines', { skip: skip || absent, timeout: 240_000 }, () => {
  it('is the same with few rights, in every process that opens media or models', async () => {
    const daemon = await new RealDaemon({ settings: { formats: ['txt'], repairMode: 'fast' } }).start();
    try {
      const path = join(daemon.recordings, 'sense.flac');
      copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), path);
      const spanish = join(daemon.recordings, 'teclas.wav');
      make(['-i', join(SAMPLES, 'asterisk-es.flac'), '-ss', '23.3', '-t', '16.3', spanish]);
      const [job] = await daemon.submit([path], { language: 'en', repair: false }),
        [other] = await daemon.submit([spanish], { language: 'es', repair: true });
      const [ended, repaired] = await daemon.ended([job!, other!]);
      assert.equal(ended!.state, 'completed', JSON.stringify(ended!.failure));
      // The recognizer's own helper, which knows dictionaries, runs within the same limits.
      assert.deepEqual([repaired!.state, repaired!.models], ['completed', { asr: 'whisper-base' }]);
      assert.match(
        readFileSync(repaired!.outputs.find(output => output.kind === 'txt')!.path, 'utf8'),
        /dígitos en su/,
      );
      const { instances } = await daemon.client.call('device/list', {}),
        workers = instances.flatMap(instance => treeOf(instance.pid!));
      assert.ok(workers.length > 0);
      for (const pid of workers)
        assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /NoNewPrivs:\s+1[\s\S]*Seccomp:\s+2/);
      const said = readFileSync(ended!.outputs.find(output => output.kind === 'txt')!.path, 'utf8');
      assert.ok(
        compare(
          'Had he married a more amiable woman, he might have been made still more respectable than he was.',
          said.slice(said.indexOf('Had he'), said.indexOf('he was.') + 7),
        ).rate < 0.2,
        said,
      );
      const { checks } = await daemon.client.call('daemon/doctor', {});
      assert.equal(checks.find(check => check.id === 'sandbox')?.status, 'ok', JSON.stringify(checks));
    } finally {
      await daemon.close();
    }
  });
});
