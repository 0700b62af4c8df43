/**
 * The client side of live sound: pieces on their way through trouble, and what ffmpeg is told and tells about
 * microphones.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { EarshotError } from '../../schemas/errors.ts';
import { LiveFeed } from '../../client/live-feed.ts';
import { inputArguments, inputs, loudness, meter, parseInputs, record } from '../../client/microphone.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { growing } from '../../daemon/ingest/growing.ts';

/**
 * A daemon that takes sound as the real one does, with mishaps: before it took a piece, or after, with the answer lost.
 */
function session(mishaps: readonly ('none' | 'refused' | 'lost' | 'partly')[]) {
  let there = Buffer.alloc(0),
    call = 0,
    closed = false;
  return {
    get sound() {
      return there;
    },
    get closed() {
      return closed;
    },
    calls: {
      append: async ({ offset, data }: { offset: number; data: string }) => {
        const bytes = Buffer.from(data, 'base64'),
          mishap = mishaps[call++ % Math.max(1, mishaps.length)] ?? 'none';
        assert.ok(offset <= there.length, 'no gaps');
        if (mishap === 'refused') throw new EarshotError('sessionBehind', { seconds: 61 });
        const fresh = bytes.subarray(there.length - offset);
        there = Buffer.concat([there, mishap === 'partly' ? fresh.subarray(0, Math.ceil(fresh.length / 2)) : fresh]);
        if (mishap === 'lost' || mishap === 'partly') throw new EarshotError('daemonUnreachable');
        return { received: there.length, behindMs: 0 };
      },
      close: async () => {
        closed = true;
        return { job: {} as never };
      },
    },
  };
}

describe('sound on its way into a session', () => {
  it('every byte arrives once and in order, whatever is refused, lost or half taken', async () => {
    for (const mishaps of [
      [],
      ['none', 'refused'],
      ['lost', 'none'],
      ['partly', 'none', 'lost', 'none'],
      ['refused', 'partly', 'none'],
    ] as const) {
      const target = session(mishaps),
        feed = new LiveFeed('job', target.calls, { againMs: 1 }),
        pieces = Array.from({ length: 5 }, (_, i) => Buffer.alloc(i === 2 ? 2_500_000 : 10_000 + i, i + 1));
      for (const piece of pieces) {
        feed.push(piece);
        if (mishaps.length < 3) await Promise.resolve();
      }
      await feed.end();
      assert.ok(target.closed && target.sound.equals(Buffer.concat(pieces)), mishaps.join(' '));
    }
  });
  it('a source that can wait is held; a session that is over says so', async () => {
    const target = session([]),
      feed = new LiveFeed('job', target.calls);
    feed.push(Buffer.alloc(5_000_000));
    await feed.ready();
    assert.ok(target.sound.length >= 2_000_000);
    await feed.end();
    const over = new LiveFeed('job', {
      ...target.calls,
      append: async () => {
        throw new EarshotError('wrongState', { id: 'job', state: 'cancelled' });
      },
    });
    over.push(Buffer.alloc(10));
    await assert.rejects(over.failed, { failure: { code: 'wrongState', args: { id: 'job', state: 'cancelled' } } });
    await assert.rejects(over.end());
    const broken = session([]),
      cut = new LiveFeed('job', {
        ...broken.calls,
        append: async () => {
          throw new EarshotError('badAnswer', { engine: 'earshotd' });
        },
      });
    cut.push(Buffer.alloc(10));
    await assert.rejects(cut.end(), { failure: { code: 'badAnswer', args: { engine: 'earshotd' } } });
    assert.ok(broken.closed, 'what it has is all');
  });
  it('one that nobody waits for any more tries no further', async () => {
    let tries = 0;
    const tried = Promise.withResolvers<void>();
    const target = session([]);
    const feed = new LiveFeed(
      'job',
      {
        ...target.calls,
        append: async () => {
          if (++tries === 3) tried.resolve();
          throw new EarshotError('daemonUnreachable');
        },
      },
      { againMs: 1 },
    );
    feed.push(Buffer.alloc(5_000_000));
    const held = feed.ready();
    await tried.promise;
    feed.dispose();
    await held;
    const then = tries;
    await assert.rejects(feed.end(), failsWith('cancelled'));
    await sleep(20);
    assert.ok(tries <= then + 1, `${tries - then} more`);
    assert.equal(target.closed, false);
  });
  it('a microphone that nobody listens to ends instead of filling the memory', async () => {
    const feed = new LiveFeed('job', { ...session([]).calls, append: () => new Promise(() => {}) });
    for (let i = 0; i < 5; i++) feed.push(Buffer.alloc(16 * 1024 ** 2));
    await assert.rejects(feed.failed, (error: EarshotError) => error.failure.code === 'sessionBehind');
  });
});

describe('microphones', () => {
  it('the system decides which inputs are tried; a device names one', () => {
    assert.deepEqual(
      inputArguments(undefined, 'linux').map(each => each.join(' ')),
      ['-f pulse -i default', '-f alsa -i default', '-f openal -i '],
    );
    assert.deepEqual(inputArguments(undefined, 'darwin'), [['-f', 'avfoundation', '-i', ':default']]);
    assert.deepEqual(inputArguments(undefined, 'win32'), [], 'the first that is listed');
    assert.deepEqual(inputArguments('dshow:Microphone (USB)', 'win32')[0]!.at(-1), 'audio=Microphone (USB)');
    assert.deepEqual(inputArguments('avfoundation:1', 'darwin')[0]!.at(-1), ':1');
    assert.deepEqual(inputArguments('alsa:hw:1', 'linux'), [['-f', 'alsa', '-i', 'hw:1']]);
    assert.deepEqual(inputArguments('file:/a b.wav', 'linux'), [['-re', '-i', 'file:/a b.wav']]);
    assert.deepEqual(inputArguments('mic.monitor', 'linux')[0], ['-f', 'pulse', '-i', 'mic.monitor']);
  });
  it('what ffmpeg lists is understood on every system', () => {
    assert.deepEqual(
      parseInputs(
        'pulse',
        'Auto-detected sources for pulse:\n* alsa_input.pci-0000 [Built-in Audio] (audio)\n  usb.mono [USB ' +
          '[2]] (none)\n',
      ),
      [
        { id: 'pulse:alsa_input.pci-0000', name: 'Built-in Audio' },
        { id: 'pulse:usb.mono', name: 'USB [2]' },
      ],
    );
    assert.deepEqual(
      parseInputs('pulse', 'Auto-detected sources for pulse:\nCannot list sources: Generic error\n'),
      [],
    );
    assert.deepEqual(
      parseInputs(
        'avfoundation',
        '[AVFoundation indev @ 0x7f] AVFoundation video devices:\n[AVFoundation indev @ 0x7f] [0] FaceTime HD ' +
          'Camera\n[AVFoundation indev @ 0x7f] AVFoundation audio devices:\n[AVFoundation indev @ 0x7f] [0] ' +
          'MacBook Pro Microphone\n',
      ),
      [{ id: 'avfoundation:0', name: 'MacBook Pro Microphone' }],
    );
    const microphone = [{ id: 'dshow:麦克风 (USB)', name: '麦克风 (USB)' }];
    assert.deepEqual(
      parseInputs(
        'dshow',
        '[dshow @ 01] "Webcam" (video)\r\n[dshow @ 01]   Alternative name "@device_pnp"\r\n[dshow @ 01] "麦克风 ' +
          '(USB)" (audio)\r\n[dshow @ 01]   Alternative name "@device_cm"\r\n',
      ),
      microphone,
    );
    assert.deepEqual(
      parseInputs(
        'dshow',
        '[dshow @ 01] DirectShow video devices\n[dshow @ 01]  "Webcam"\n[dshow @ 01] DirectShow audio ' +
          'devices\n[dshow @ 01]  "麦克风 (USB)"\n[dshow @ 01]     Alternative name "@device_cm"\n',
      ),
      microphone,
    );
    // A virtual cable does not say what it is: it comes behind those that do.
    assert.deepEqual(parseInputs('dshow', '[dshow @ 01] "Cable" (none)\r\n[dshow @ 01] "麦克风 (USB)" (audio)\r\n'), [
      ...microphone,
      { id: 'dshow:Cable', name: 'Cable' },
    ]);
  });
  it('silence is low, speech is high', () => {
    const tone = (amplitude: number): Buffer =>
      Buffer.from(Int16Array.from({ length: 1600 }, (_, i) => amplitude * Math.sin(i / 5)).buffer);
    assert.equal(loudness(Buffer.alloc(3200)), 0);
    assert.ok(loudness(tone(300)) < loudness(tone(8000)));
    assert.equal(meter(loudness(tone(32_000))), '█');
    assert.equal(meter(0), '▁');
  });
});

describe('a recorder', { skip: process.platform === 'win32' ? 'the programs are shell scripts' : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-recorder-'));
  after(() => rmSync(folder, { recursive: true }));
  const program = (name: string, script: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  };

  it('that does not end when it is told to is ended', async () => {
    const stubborn = program('stubborn', "trap '' TERM\nprintf 12345678\nwhile :; do sleep 0.2; done");
    const recording = record(stubborn, 'alsa:x', 'linux'),
      heard: Buffer[] = [];
    for await (const chunk of recording.sound) {
      heard.push(chunk);
      recording.stop();
    }
    assert.equal(Buffer.concat(heard).toString(), '12345678');
  });
  it('that leaves something behind with its pipes lists inputs, and records to its end', async () => {
    const behind = `"${process.execPath}" -e "setTimeout(() => {}, 100000)" & echo $! >"${join(folder, 'pid')}"`,
      leaver = program('leaver', `${behind}\necho '* mic [A microphone]'`);
    const left = (): void => void process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL');
    assert.deepEqual((await inputs(leaver, 'linux'))[0], { id: 'pulse:mic', name: 'A microphone' });
    left();
    const heard: Buffer[] = [];
    for await (const chunk of record(leaver, 'alsa:x', 'linux').sound) heard.push(chunk);
    left();
    assert.equal(Buffer.concat(heard).toString(), '* mic [A microphone]\n');
  });
  it('that lists inputs without end is cut off, and what it said counts', async () => {
    const endless = program('endless', "echo '* mic [A microphone]'\nexec yes '  other'");
    const found = await inputs(endless, 'linux');
    assert.deepEqual(found[0], { id: 'pulse:mic', name: 'A microphone' });
  });
});

describe('a file that grows', () => {
  it('is read in order to its end, however it was told of', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-growing-')),
      path = join(folder, 'sound'),
      whole = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));
    writeFileSync(path, whole);
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 8 }), async sizes => {
          const file = growing(),
            read: Buffer[] = [];
          const reading = (async () => {
            for await (const chunk of file.read(path)) read.push(chunk);
          })();
          for (const size of sizes) {
            file.grown(size, false);
            await new Promise(resolve => setImmediate(resolve));
          }
          file.grown(5000, true);
          await reading;
          assert.ok(Buffer.concat(read).equals(whole));
        }),
        { numRuns: 30 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
