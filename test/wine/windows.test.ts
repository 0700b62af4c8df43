/**
 * Earshot's build for Windows, as it is, under Wine: `npm run test:wine` runs all of this; `npm test` the short way,
 * where that has been run once. ffmpeg.exe and the voice detector are real; the recognizer is the fake one, until the
 * last tests, which bring real models.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAccess } from '../../client/handshake.ts';
import { unzip } from '../../daemon/runtimes/wheel.ts';
import type { Transcript } from '../../schemas/job.ts';
import { makePackage } from '../../scripts/package.ts';
import { missing, prepare, prepareModels, unprepared, Windows, type Ended } from './place.ts';

const isWhole = process.env.EARSHOT_WINE === 'whole',
  why = isWhole ? missing : unprepared,
  ROOT = join(import.meta.dirname, '..', '..'),
  SAMPLE = join(ROOT, 'samples', 'sense-and-sensibility.flac'),
  NAME = 'talk ü.flac',
  ASR = 'moonshine-tiny-en',
  LLM = 'qwen2.5-coder-0.5b-instruct',
  VOICE = 'piper-en-us-joe-medium';

describe('Windows under Wine', { skip: why ?? false }, () => {
  let windows: Windows;
  const here = (...parts: string[]): string => join(windows.folder, ...parts),
    there = (...parts: string[]): string => [windows.path, ...parts].join('\\');
  const well = async (running: Promise<Ended>): Promise<string> => {
    const { code, out } = await running;
    assert.equal(code, 0, out);
    return out;
  };
  const until = async (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> => {
    // However busy the machine is.
    const end = Date.now() + 600_000;
    while (!(await isSo())) {
      assert.ok(Date.now() < end, `waited for: ${what}`);
      await sleep(100);
    }
  };

  before(async () => {
    if (isWhole) await prepare(text => console.log(`  ${text}`));
    windows = new Windows();
    copyFileSync(SAMPLE, here(NAME));
  });
  after(() => windows.close());

  test('the doctor says what is missing, and the one command that brings it', async () => {
    const { out } = await windows.earshot('doctor');
    assert.match(out, /winget install -e --id Python\.Python\.3\.\d+/);
    assert.match(out, /ffmpeg +\d+\.\d.* at C:\\earshot\\runtimes\\ffmpeg-[0-9a-f]+\\imageio_ffmpeg\\binaries\\/);
    assert.match(out, /Node\.js +\d+\./);
  });

  test('a recording becomes files beside it: daemon, pipe, ffmpeg.exe, voice detector, worker', async () => {
    await well(windows.earshot('transcribe', there(NAME), '-f', 'txt,srt'));
    const text = readFileSync(here('talk ü.txt'), 'utf8'),
      cues = readFileSync(here('talk ü.srt'), 'utf8').match(/-->/g) ?? [];
    assert.ok(text.trim().length > 50 && cues.length > 3, `${text}\n${cues.length}`);
    assert.match(await well(windows.earshot('queue', '--json')), /"completed"/);
  });

  test('named in other letters it is the same recording, and no second job', async () => {
    await well(windows.earshot('transcribe', there(NAME.toUpperCase().replace('Ü', 'ü')), '-f', 'txt,srt'));
    assert.equal((await well(windows.earshot('queue', '--json'))).match(/"state": ?"completed"/g)?.length, 1);
  });

  describe('the rest', { skip: isWhole ? false : 'only in `npm run test:wine`' }, () => {
    test('what was said is found, by words', async () => {
      const word = /[A-Za-z]{6,}/.exec(readFileSync(here('talk ü.txt'), 'utf8'))![0];
      await until('the index', async () => (await windows.earshot('find', word)).out.includes(NAME));
    });

    test('a daemon that is killed takes its workers along, and the next one goes on', async () => {
      const status = JSON.parse(await well(windows.earshot('daemon', 'status', '--json'))) as { pid: number };
      assert.equal(windows.program('taskkill', '/F', '/PID', String(status.pid)), 0);
      const after = JSON.parse(await well(windows.earshot('queue', '--json'))) as unknown;
      assert.match(JSON.stringify(after), /"completed"/);
      const next = JSON.parse(await well(windows.earshot('daemon', 'status', '--json'))) as { pid: number };
      assert.notEqual(next.pid, status.pid);
    });

    test('a watched folder', async () => {
      mkdirSync(here('watched'));
      await well(windows.earshot('watch', 'add', there('watched'), '-f', 'txt', '--settle', '0.5'));
      copyFileSync(SAMPLE, here('watched', 'new.flac'));
      await until('the transcript', () => existsSync(here('watched', 'new.txt')));
      await well(windows.earshot('watch', 'remove', there('watched')));
    });

    test('over HTTP', async () => {
      await well(windows.earshot('settings', 'set', 'http', '{"port":0}'));
      const { url, token } = JSON.parse(await well(windows.earshot('daemon', 'http', '--json'))) as {
        url: string;
        token: string;
      };
      // Wine's sockets are this machine's.
      const answer = await fetch(new URL('models', `${url}/`), { headers: { authorization: `Bearer ${token}` } });
      assert.match(await answer.text(), /fake-asr/);
    });

    test('a program ends with all that it started', async () => {
      assert.match(
        await well(windows.node([windows.module('test/wine/there/tree.ts'), windows.path])),
        /both are gone/,
      );
    });

    test('a file that a player has open is waited for', async () => {
      copyFileSync(SAMPLE, here('played.flac'));
      const [ffmpeg = ''] = globSync(here('..', 'earshot', 'runtimes', 'ffmpeg-*', '**', 'ffmpeg*.exe'));
      const path = `C:\\${ffmpeg.slice(ffmpeg.indexOf('drive_c/') + 8).replaceAll('/', '\\')}`;
      const out = await well(
        windows.node([windows.module('test/wine/there/in-use.ts'), windows.path, path, there('played.flac')]),
      );
      assert.match(out, /moved in the end/);
    });

    const isServing = async (): Promise<boolean> =>
      /"pid": ?\d/.test((await windows.earshot('daemon', 'status', '--json')).out);

    test('it stops when it is asked to, and takes its pipe along', async () => {
      await well(windows.earshot('daemon', 'stop'));
      assert.equal(await isServing(), false);
    });

    let pipe = '';
    test('the package for win32-x64: its daemon serves, and goes when the extension is removed', async () => {
      const vsix = await makePackage('win32-x64', here());
      await unzip(vsix, here('installed'), new AbortController().signal);
      const bundle = (name: string): string => there('installed', 'extension', 'dist', name);
      const daemon = windows.node([bundle('earshotd.mjs')]);
      await until('the daemon', isServing);
      pipe = readAccess(readFileSync(here('state', 'run', 'token'), 'utf8'), '').socket;
      assert.match(pipe, /^\\\\\.\\pipe\\earshot-/);
      copyFileSync(SAMPLE, here('packaged.flac'));
      await well(windows.earshot('transcribe', there('packaged.flac'), '-f', 'txt'));
      assert.ok(readFileSync(here('packaged.txt'), 'utf8').length > 50);
      await well(windows.node([bundle('uninstall.cjs')]));
      const { code, out } = await daemon;
      assert.equal(code, 0, out);
      // Nothing holds a file of it any more.
      rmSync(here('installed'), { recursive: true });
      assert.equal(await isServing(), false);
    });

    test('removed, it leaves its data, and nothing in Windows itself', async () => {
      for (const kept of [['state', 'earshot.db'], ['state', 'settings.json'], ['packaged.txt']])
        assert.ok(existsSync(here(...kept)), kept.join('/'));
      assert.ok(!existsSync(here('state', 'run', 'token')));
      const ask = `require('node:net').connect(${JSON.stringify(pipe)}).on('error', error => console.log(error.code))`;
      assert.match(await well(windows.node(['-e', ask])), /^ENOENT/);
      for (const key of ['HKCU', 'HKLM\\Software']) {
        assert.equal(windows.program('reg.exe', 'export', key, there('registry.reg'), '/y'), 0);
        const registry = readFileSync(here('registry.reg'), 'utf16le');
        assert.match(registry, /\[HKEY_/);
        assert.doesNotMatch(registry, /earshot/i, key);
      }
      const starts = ['windows/{,system32/}tasks/**', '{users/*/AppData/Roaming,ProgramData}/**/Startup/**'];
      assert.deepEqual(
        starts.flatMap(glob => globSync(glob, { cwd: here('..') })).filter(path => /earshot/i.test(path)),
        [],
      );
    });

    describe('real models', () => {
      let unavailable: string | null;
      before(async () => {
        unavailable = await prepareModels([ASR, LLM, VOICE], text => console.log(`  ${text}`));
        if (unavailable) return;
        windows.settings({ defaultModels: {} });
        for (const name of ['plain.flac', 'whole.flac', 'killed.flac']) copyFileSync(SAMPLE, here(name));
      });
      const text = (...parts: string[]): string =>
        readFileSync(here(...parts), 'utf8')
          .replaceAll(/\s+/g, ' ')
          .trim();

      test('speech becomes its text, without Python', async t => {
        if (unavailable) return t.skip(unavailable);
        await well(windows.earshot('transcribe', there('plain.flac'), '-m', ASR, '--no-repair', '-f', 'txt'));
        assert.match(text('plain.txt'), /^And Mr\.? John Dashwood had then leisure to consider how much/);
        assert.match(text('plain.txt'), /he might have been made still more respectable than he was/);
      });

      test('text is repaired by llama.cpp, and spoken by a Piper voice', async t => {
        if (unavailable) return t.skip(unavailable);
        const args = ['-m', ASR, '-m', `repair=${LLM}`, '-s', VOICE, '-l', 'en', '-f', 'json'];
        await well(windows.earshot('transcribe', there('whole.flac'), ...args));
        const { models, utterances } = JSON.parse(readFileSync(here('whole.earshot.json'), 'utf8')) as Transcript;
        assert.deepEqual(models, { asr: ASR, repair: LLM, tts: VOICE });
        assert.ok(utterances.length > 2 && utterances.every(each => each.repair?.text));
        const [sound = Buffer.alloc(0)] = globSync(here('whole*.wav')).map(path => readFileSync(path));
        assert.ok(sound.length > 500_000 && new Set(sound.subarray(44)).size > 100, 'it is silent');
      });

      test('killed in the middle of a recording, it goes on, and the text is the same', async t => {
        if (unavailable) return t.skip(unavailable);
        await well(windows.earshot('queue', '--json'));
        const kill = windows.module('test/wine/there/kill.ts');
        const said = await well(windows.node([kill, there('killed.flac'), there('killed'), ASR]));
        assert.match(said, /killed in the middle/);
        assert.ok(!existsSync(here('killed', 'killed.txt')), 'it was over before it was killed');
        await well(windows.earshot('queue', '--json'));
        await until('the transcript', () => existsSync(here('killed', 'killed.txt')));
        assert.equal(text('killed', 'killed.txt'), text('plain.txt'));
      });
    });
  });
});
