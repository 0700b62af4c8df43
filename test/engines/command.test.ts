/** The command engine: programs of this machine as engines, and what they may do wrong. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command } from '../../daemon/engines/command/engine.ts';
import { fill, refuseScript } from '../../daemon/engines/command/program.ts';
import { onPath } from '../../daemon/system/find-program.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { Stage } from '../../schemas/words.ts';
import { missing } from './place.ts';
import { TestWorker } from './worker-harness.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const node = process.execPath;
const open = (stage: Stage, argv: readonly string[], terminal = false): TestWorker =>
  new TestWorker({ engine: command, stage, parameters: { argv: JSON.stringify(argv), terminal } });
const script = (source: string, ...more: string[]): string[] => [node, '-e', source, '--', ...more];
const text = (words: string, from = 'en', to = 'es'): StepInputs['nmt'] => ({
  text: words,
  from,
  to,
  before: [],
  glossary: [],
});
const stdin = 'let s="";process.stdin.on("data",d=>s+=d).on("end",()=>';

describe('command', () => {
  it('translates by arguments: one argument each, whatever the text says', async () => {
    await using worker = open(
      'nmt',
      script('console.log(JSON.stringify(process.argv.slice(1)))', '{text}', 'from={from}', '{to}', '{unknown}'),
    );
    await worker.loaded;
    const nasty = '$(touch x); `id` "quoted" \'and\' & | > {to} -rf';
    assert.deepEqual(JSON.parse((await worker.run<'nmt'>([text(nasty)]))[0]!.text), [
      nasty,
      'from=en',
      'es',
      '{unknown}',
    ]);
  });
  it('translates through stdin when no argument takes the text', async () => {
    await using worker = open('nmt', script(`${stdin}console.log(s.toUpperCase()))`));
    await worker.loaded;
    assert.deepEqual(await worker.run<'nmt'>([text('good day'), text('  '), text('bye')]), [
      { text: 'GOOD DAY', language: 'es' },
      { text: '', language: 'es' },
      { text: 'BYE', language: 'es' },
    ]);
  });
  it('recognises a WAV file or a WAV on stdin', async () => {
    for (const argv of [
      script(
        'const b=require("fs").readFileSync(process.argv[1]);console.log("bytes",b.length,process.argv[2])',
        '{input}',
        '{from}',
      ),
      script(
        'const ' +
          'p=[];process.stdin.on("data",d=>p.push(d)).on("end",()=>console.log("bytes",Buffer.concat(p).length,' +
          'process.argv[1]))',
        '{from}',
      ),
    ]) {
      await using worker = open('asr', argv);
      await worker.loaded;
      const path = join(worker.folder, 'sound.pcm');
      writeFileSync(path, Buffer.alloc(64_000));
      const audio = { path, startSample: 0, endSample: 16_000 };
      const [given] = await worker.run<'asr'>([{ audio, language: 'en', prompt: '', hotwords: [] }]);
      assert.equal(given!.text, 'bytes 32044 en');
      assert.deepEqual(
        given!.words.map(word => word.text),
        ['bytes', '32044', 'en'],
      );
      assert.equal(given!.words.at(-1)!.endMs, 1000);
      const [unknown] = await worker.run<'asr'>([{ audio, language: null, prompt: '', hotwords: [] }]);
      assert.deepEqual([unknown!.language, unknown!.languageProbability], ['und', 0]);
    }
  });
  it('repairs under the guard', async () => {
    await using worker = open(
      'repair',
      script(`${stdin}console.log(s.includes("wild")?"something else entirely":s.replace("sistem","system")))`),
    );
    await worker.loaded;
    const heard = (words: string): StepInputs['repair'] => ({
      text: words,
      words: [],
      language: 'en',
      before: '',
      glossary: [],
    });
    assert.equal(
      (await worker.run<'repair'>([heard('the operating sistem starts')]))[0]!.text,
      'the operating system starts',
    );
    assert.equal((await worker.run<'repair'>([heard('a wild goose is chased')]))[0]!.text, 'a wild goose is chased');
  });
  it('speaks into a file or to stdout', async () => {
    const wav =
      'const h=Buffer.alloc(1644);h.write("RIFF",0);h.writeUInt32LE(1636,4);h.write("WAVEfmt ' +
      '",8);h.writeUInt32LE(16,16);h.writeUInt16LE(1,20);h.writeUInt16LE(1,22);h.writeUInt32LE(8000,24);' +
      'h.writeUInt32LE(16000,28);h.writeUInt16LE(2,32);h.writeUInt16LE(16,34);h.write("data",36);' +
      'h.writeUInt32LE(1600,40);';
    for (const argv of [
      script(`${wav}require("fs").writeFileSync(process.argv[1],h)`, '{output}', '{text}'),
      script(`${wav}process.stdout.write(h)`, '{text}'),
    ]) {
      await using worker = open('tts', argv);
      await worker.loaded;
      const path = join(worker.folder, 'out.wav'),
        [output] = await worker.run<'tts'>([{ text: 'hello', language: 'en', path }]);
      assert.deepEqual(output, { path, sampleRate: 8000, durationMs: 100 });
      assert.equal(readFileSync(path).length, 1644);
    }
  });
  it('tells a program that is missing from one that fails, is silent or breaks off', async () => {
    await using absent = open('nmt', ['/no/such/program', '{text}']);
    await absent.loaded;
    await assert.rejects(absent.run<'nmt'>([text('a')]), failsWith('engineMissing'));
    await using failing = open('nmt', script('console.error("no dictionary");process.exit(4)'));
    await failing.loaded;
    await assert.rejects(
      failing.run<'nmt'>([text('a')]),
      (error: EarshotError) =>
        error.failure.code === 'engineFailed' && /ended with 4\nno dictionary/.test(error.failure.detail ?? ''),
    );
    await using silent = open('nmt', script(''));
    await silent.loaded;
    await assert.rejects(silent.run<'nmt'>([text('a')]), failsWith('badAnswer'));
    await using mute = open('tts', script('', '{output}'));
    await mute.loaded;
    await assert.rejects(
      mute.run<'tts'>([{ text: 'a', language: 'en', path: join(mute.folder, 'x.wav') }]),
      (error: EarshotError) => error.failure.code === 'badAnswer' || error.failure.code === 'engineFailed',
    );
    await using wrong = new TestWorker({ engine: command, stage: 'nmt', parameters: { argv: 'rm -rf' } });
    await assert.rejects(wrong.loaded, failsWith('badRequest'));
  });
  it('ends the program of a run that is cancelled', async () => {
    await using worker = open(
      'nmt',
      script('require("fs").writeFileSync(process.argv[1],String(process.pid));setInterval(()=>{},1000)', '{text}'),
    );
    await worker.loaded;
    const note = join(worker.folder, 'pid'),
      id = worker.nextRun,
      run = worker.run<'nmt'>([text(note)]);
    run.catch(() => undefined);
    while (!existsSync(note) || readFileSync(note, 'utf8') === '') await worker.heartbeat();
    const pid = Number(readFileSync(note, 'utf8'));
    worker.worker.cancel(id);
    await assert.rejects(run, failsWith('cancelled'));
    assert.throws(() => {
      for (;;) process.kill(pid, 0);
    }, 'it ends');
  });

  it(
    'translates with apertium',
    {
      skip: missing({
        apertium: onPath('apertium'),
        'its pair eng-spa': existsSync('/usr/share/apertium/modes/eng-spa.mode'),
      }),
    },
    async () => {
      await using worker = open('nmt', ['apertium', '-u', 'eng-spa']);
      await worker.loaded;
      const [output] = await worker.run<'nmt'>([text('The red house is big.')]);
      assert.match(output!.text, /^La casa roja es grande\.?$/);
    },
  );

  const pty = ((): boolean => {
    try {
      createRequire(import.meta.url).resolve('node-pty');
      return true;
    } catch {
      return false;
    }
  })();
  it('gives a program its terminal', { skip: missing({ 'node-pty (optional)': pty }) }, async () => {
    await using worker = open(
      'nmt',
      script('console.log(process.stdout.isTTY?"\\u001b[1mterminal\\u001b[0m":"pipe",process.argv[1])', '{text}'),
      true,
    );
    await worker.loaded;
    assert.equal((await worker.run<'nmt'>([text('hello')]))[0]!.text, 'terminal hello');
    await using typed = open(
      'nmt',
      script('process.stdin.setEncoding("utf8").once("data",d=>{console.log("got",d.trim());process.exit(0)})'),
      true,
    );
    await typed.loaded;
    assert.equal((await typed.run<'nmt'>([text('good day')]))[0]!.text, 'got good day');
  });

  it('a script that only a shell runs is refused, on Windows', t => {
    const scripts = mkdtempSync(join(tmpdir(), 'earshot-scripts-'));
    t.after(() => rmSync(scripts, { recursive: true }));
    writeFileSync(join(scripts, 'tool.cmd'), '@echo off');
    const env = { Path: scripts };
    for (const program of ['C:\\tools\\tool.CMD', 'run.bat', 'tool'])
      assert.throws(() => refuseScript(program, 'win32', env), failsWith('engineMissing'));
    for (const program of ['C:\\tools\\tool.exe', 'node', 'nothing']) refuseScript(program, 'win32', env);
    refuseScript('/usr/bin/tool.cmd', 'linux', env);
  });

  it('fills placeholders in arguments only', () => {
    // What was said is no option and names no file, however it begins; what the user wrote stays.
    assert.deepEqual(fill(['prog', '{text}', '-t{text}', '--text={text}'], { text: '--output=/etc/x' }), [
      'prog',
      ' --output=/etc/x',
      '-t--output=/etc/x',
      '--text=--output=/etc/x',
    ]);
    assert.deepEqual(fill(['prog', '-d', '{text}'], { text: '@/etc/passwd' }), ['prog', '-d', ' @/etc/passwd']);
    assert.deepEqual(fill(['{text}', '-t{text}', '{to}:{from}'], { text: 'a\0b {to}', to: 'es', from: 'en' }), [
      '{text}',
      '-tab {to}',
      'es:en',
    ]);
  });
});
