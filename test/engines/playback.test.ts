/**
 * Copies of recordings that play in VS Code, made by the real ffmpeg. Each is held to the list of what desktop VS Code
 * decodes, by what ffmpeg says is in it: the browser of the tests plays more than that.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, describe, it } from 'node:test';
import { Playback } from '../../daemon/playback/playback.ts';
import { HEADINGS, playsAsIs, streamsOf, type Streams } from '../../daemon/playback/playable.ts';
import { LEAST_FREE_BYTES } from '../../daemon/system/disk.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { ffmpeg, make, missing, SAMPLES } from './place.ts';

const unavailable = missing({ ffmpeg });
const SOUND = ['-t', '3', '-i', join(SAMPLES, 'sense-and-sensibility.flac')],
  PICTURE = ['-f', 'lavfi', '-t', '3', '-i', 'testsrc=size=96x64:rate=10'];

const COVER = ['-map', '0', '-map', '1', '-c:a', 'libmp3lame', '-c:v', 'mjpeg', '-disposition:v', 'attached_pic'];

describe('what plays in VS Code', { skip: unavailable, timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-playback-')),
    copies = join(folder, 'copies');
  let now = Date.now();
  const open = (mostBytes?: number, free?: number): Playback =>
    new Playback({
      folder: copies,
      ffmpeg: () => ffmpeg!,
      sandboxed: () => true,
      clock: () => (now += 1000),
      ...(mostBytes === undefined ? {} : { mostBytes }),
      ...(free === undefined ? {} : { free: async () => free }),
    });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, ...args: string[]): string => {
    const path = join(folder, name);
    make([...args, path]);
    return path;
  };
  const inside = (path: string): Streams =>
    streamsOf(
      readFileSync(path).subarray(0, 16),
      execFileSync(ffmpeg!, ['-loglevel', 'error', '-i', path, ...HEADINGS], { encoding: 'latin1' }),
      secondsOf(path) * 1000,
    );
  /** All of it decoded and counted. */
  const secondsOf = (path: string): number =>
    execFileSync(ffmpeg!, ['-loglevel', 'error', '-i', path, '-ac', '1', '-ar', '8000', '-f', 's16le', '-']).length /
    16_000;
  const ready = async (playback: Playback, path: string): Promise<string> => {
    for (;;) {
      const found = await playback.playable(path);
      if (found.state === 'ready') return found.path;
      await sleep(20);
    }
  };
  const picture = (path: string): string =>
    execFileSync(ffmpeg!, ['-loglevel', 'error', '-i', path, '-map', '0:V', '-c', 'copy', '-f', 'md5', '-'], {
      encoding: 'utf8',
    });

  it('what is on the list plays as it is; of everything else a copy is made that is on it', async () => {
    const playback = open(),
      h264 = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p'];
    const as = {
      wav: file('a.wav', ...SOUND),
      mp3: file('a.mp3', ...SOUND, '-c:a', 'libmp3lame'),
      flac: file('a.flac', ...SOUND),
      mp4: file('a.mp4', ...PICTURE, ...SOUND, ...h264, '-c:a', 'libmp3lame'),
    };
    for (const path of Object.values(as)) assert.equal(await ready(playback, path), path);
    const film = file('film.mp4', ...PICTURE, ...SOUND, ...h264, '-c:a', 'aac');
    for (const path of [
      film,
      file('b.m4a', ...SOUND, '-c:a', 'aac'),
      file('b.opus', ...SOUND, '-c:a', 'libopus'),
      file('b.wma', ...SOUND, '-c:a', 'wmav2'),
      file('b.webm', ...PICTURE, ...SOUND, '-c:v', 'libvpx', '-c:a', 'libopus'),
      file('b.mov', ...PICTURE, ...SOUND, '-c:v', 'mjpeg', '-c:a', 'pcm_s16le'),
    ]) {
      assert.ok(!playsAsIs(inside(path), extname(path)), path);
      const copy = await ready(playback, path),
        found = inside(copy);
      assert.ok(copy.startsWith(copies) && playsAsIs(found, extname(copy)), `${path}: ${JSON.stringify(found)}`);
      assert.equal(found.video !== null, inside(path).video !== null, `${path}: its picture`);
      assert.ok(Math.abs(found.durationMs! - 3000) < 200, `${path}: ${found.durationMs} ms`);
      assert.equal(await ready(playback, path), copy, 'made once');
    }
    // What is in it counts, not what it is called, nor a cover.
    const covered = file('c.mp3', ...SOUND, ...PICTURE.slice(0, 2), '-i', 'color=s=16x16:d=0.1', ...COVER);
    assert.equal(await ready(playback, covered), covered);
    for (const [name, args] of [
      ['aac.mp3', ['-c:a', 'aac', '-f', 'adts']],
      ['mka.wav', ['-c:a', 'pcm_s16le', '-f', 'matroska']],
      ['mp4.m4a', ['-c:a', 'libmp3lame', '-f', 'mp4']],
    ] as const)
      assert.equal(extname(await ready(playback, file(name, ...SOUND, ...args))), '.mp3', name);
    assert.equal(picture(await ready(playback, film)), picture(film), 'H.264 is copied');
    await playback.close();
  });

  it('the copies stay within their size and the disk: what was played longest ago goes; one that is cancelled leaves nothing', async () => {
    rmSync(copies, { recursive: true, force: true });
    const paths = [1, 2, 3].map(n => file(`c${n}.m4a`, ...SOUND, '-af', `volume=0.${n}`, '-c:a', 'aac'));
    const one = await ready(open(), paths[0]!),
      { size } = statSync(one),
      playback = open(size * 2.5);
    const two = await ready(playback, paths[1]!);
    for (const [i, path] of [two, one].entries()) utimesSync(path, i + 1, i + 1);
    await ready(playback, paths[0]!); // played again: the other is older now
    utimesSync(two, 1, 1);
    const three = await ready(playback, paths[2]!);
    assert.deepEqual(readdirSync(copies).sort(), [one, three].map(path => path.slice(copies.length + 1)).sort());
    const long = file('long.mka', '-stream_loop', '60', ...SOUND.slice(2), '-c', 'copy');
    assert.equal((await playback.playable(long)).state, 'making');
    await playback.cancel(long);
    assert.equal(readdirSync(copies).length, 2);
    await assert.rejects(playback.playable(join(folder, 'nowhere.m4a')), failsWith('noSuchFile'));
    // A copy that would fill the disk.
    for (const room of [10_000, -1]) {
      const full = open(undefined, LEAST_FREE_BYTES + room);
      await assert.rejects(ready(full, long), failsWith('diskFull'));
      assert.equal(readdirSync(copies).length, 2);
    }
    await playback.close();
  });
});
