/** The parts of worker handling that need no process: frames, logs, memory figures, words and rewritten texts. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { parseScript, ruleFor } from '../../daemon/engines/fake/script.ts';
import { recognize } from '../../daemon/engines/fake/text.ts';
import { acceptRewrite, differences } from '../../daemon/engines/rewritten.ts';
import { spreadWords, timeWords } from '../../daemon/engines/words.ts';
import { readLine } from '../../daemon/workers/frames.ts';
import { MAX_FRAME_BYTES } from '../../daemon/contracts/worker-protocol.ts';
import { LineSplitter } from '../../daemon/system/lines.ts';
import { pruneLogs, WorkerLog } from '../../daemon/workers/log.ts';
import { outOfMemoryKills } from '../../daemon/workers/worker.ts';
import { linuxProcesses } from '../../daemon/devices/processes.ts';

describe('lines', () => {
  it('come out whole however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 30 }).map(line => line.replaceAll('\n', ''))),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (lines, cuts) => {
          const stream = Buffer.from(lines.map(line => `${line}\n`).join('')),
            seen: string[] = [];
          const splitter = new LineSplitter(line => seen.push(line.toString('utf8')), MAX_FRAME_BYTES);
          for (let at = 0, n = 0; at < stream.length; n++) {
            const next = at + cuts[n % cuts.length]!;
            assert.ok(splitter.push(stream.subarray(at, next)));
            at = next;
          }
          assert.deepEqual(seen, lines);
        },
      ),
    );
  });
  it('past the limit are refused, finished or not', () => {
    for (const text of ['12345678901\n', '12345678901']) {
      const seen: string[] = [],
        splitter = new LineSplitter(line => seen.push(String(line)), 10);
      assert.equal(splitter.push(Buffer.from('ok\n')), true);
      assert.equal(splitter.push(Buffer.from(text)), false);
      assert.deepEqual(seen, ['ok']);
    }
  });
});

describe('frames', () => {
  const output = { text: 'a', language: 'en' };
  it('of the protocol are believed, with the output of their stage alone', () => {
    assert.deepEqual(readLine(JSON.stringify({ type: 'result', id: '1', index: 0, output }), 'nmt'), {
      kind: 'frame',
      frame: { type: 'result', id: '1', index: 0, output },
    });
    const wrong = readLine(JSON.stringify({ type: 'result', id: '1', index: 3, output }), 'asr');
    assert.deepEqual([wrong.kind, wrong.kind === 'wrong' && [wrong.run, wrong.index]], ['wrong', ['1', 3]]);
    assert.equal(readLine('{"type":"failed","code":"noSuchCode","detail":""}', 'asr').kind, 'wrong');
    assert.equal(readLine('{"type":"progress","id":"1","fraction":1.5}', 'asr').kind, 'wrong');
    assert.equal(readLine('{"type":"toString"}', 'asr').kind, 'wrong');
    assert.equal(readLine('{"type":"done"', 'asr').kind, 'wrong');
  });
  it('are nothing else, and nothing breaks the reader', () => {
    for (const line of ['loading…', 'null', '[]', '{}', '{"a":1}', ''])
      assert.equal(readLine(line, 'asr').kind, 'noise');
    fc.assert(
      fc.property(fc.json(), json => {
        for (const line of [json, `{"type":${json}`, `{"type":${json}}`]) readLine(line, 'tts');
      }),
    );
  });
});

describe('worker logs', () => {
  const inFolder = (use: (folder: string) => void): void => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-log-'));
    try {
      use(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  it('stay within two files of their size, and keep the last lines at hand', () =>
    inFolder(folder => {
      const path = join(folder, 'worker-a.log'),
        log = new WorkerLog(path, () => 0, 1000, Infinity);
      for (let n = 0; n < 200; n++) log.write(Buffer.from(`line ${n}\n`));
      log.write(Buffer.from('half a li'));
      assert.ok(statSync(path).size <= 1000 && statSync(`${path}.1`).size <= 1000);
      assert.match(log.tail(), /line 199\nhalf a li$/);
      assert.equal(log.tail().split('\n').length, 20);
      log.note('ended');
      log.close();
      assert.match(readFileSync(path, 'utf8'), /half a li\[1970-01-01T00:00:00.000Z\] ended\n$/);
    }));
  it('leave out what comes too fast, and say so', () =>
    inFolder(folder => {
      const path = join(folder, 'worker-a.log'),
        log = new WorkerLog(path, () => 0, 1e6, 100);
      for (let n = 0; n < 50; n++) log.write(Buffer.alloc(100, 'x'));
      log.write(Buffer.from('\nlast words\n'));
      log.close();
      assert.ok(statSync(path).size < 1000);
      assert.match(readFileSync(path, 'utf8'), /\[\d+ bytes left out\]/);
      assert.match(log.tail(), /last words$/);
    }));
  it('that cannot be written hurt nobody', () => {
    const log = new WorkerLog(join(import.meta.filename, 'worker.log'));
    log.write(Buffer.from('still heard\n'));
    log.note('x');
    log.close();
    assert.equal(log.tail(), 'still heard');
  });
  it('are pruned, the oldest first', () =>
    inFolder(folder => {
      for (let n = 0; n < 6; n++) {
        writeFileSync(join(folder, `worker-${n}.log`), '');
        utimesSync(join(folder, `worker-${n}.log`), n, n);
      }
      writeFileSync(join(folder, 'daemon.log'), '');
      pruneLogs(folder, 2);
      assert.deepEqual(readdirSync(folder).sort(), ['daemon.log', 'worker-4.log', 'worker-5.log']);
    }));
});

describe('memory', () => {
  const root = mkdtempSync(join(tmpdir(), 'earshot-proc-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  const put = (pid: number, parent: number, status: string, state = 'S', name = 'node'): void => {
    mkdirSync(join(root, String(pid)));
    writeFileSync(join(root, String(pid), 'stat'), `${pid} (${name}) ${state} ${parent} 0 0 0 0 0 0 0 0 0 7 5 0 0\n`);
    writeFileSync(join(root, String(pid), 'status'), `Name:\t${name}\n${status}`);
  };
  it('is read of each process of a family, whoever started whom; who is gone has none', () => {
    put(10, 1, 'VmHWM:\t  900 kB\nVmRSS:\t  500 kB\nRssAnon:\t 300 kB\nRssShmem:\t 20 kB\n');
    put(11, 10, 'VmHWM:\t  90 kB\nVmRSS:\t  50 kB\n', 'S', 'a) Z 1 (b');
    put(13, 11, 'VmRSS:\t  5 kB\n');
    put(14, 1, 'VmRSS:\t  7 kB\n', 'Z');
    const table = linuxProcesses(root);
    assert.deepEqual([...table.withChildren([10]).get(10)!].sort(), [10, 11, 13]);
    // Pages of files can be dropped: they count only where nothing better is told.
    assert.deepEqual(table.memory(10), { pid: 10, name: 'node', bytes: 320 * 1024, peakBytes: 900 * 1024 });
    assert.deepEqual(table.memory(11)!.bytes, 50 * 1024);
    assert.deepEqual(table.memory(13)!.peakBytes, 5 * 1024);
    assert.equal(table.memory(99), null);
    assert.deepEqual(
      [10, 14, 99].map(pid => table.alive(pid)),
      [true, false, false],
    );
    assert.equal(table.cpuMs!(10), 120);
  });
  it('that the kernel killed for is counted, where it says so', () => {
    assert.equal(
      outOfMemoryKills(() => 'pgfault 12\noom_kill 3\n'),
      3,
    );
    assert.equal(
      outOfMemoryKills(() => {
        throw new Error('no such file');
      }),
      null,
    );
  });
});

describe('words with times', () => {
  it('are spread by their length over the utterance', () => {
    assert.deepEqual(spreadWords(' one  three ', 1000, 2000, 0.5), [
      { text: 'one', startMs: 1000, endMs: 1400, probability: 0.5 },
      { text: 'three', startMs: 1400, endMs: 2000, probability: 0.5 },
    ]);
    assert.deepEqual(spreadWords('', 0, 1000, 1), []);
  });
  it('find their times however the server cut them', () => {
    const timed = [
      ['well', 0, 100],
      ['known', 100, 300],
      ['it', 300, 400],
      ['is', 400, 500],
      ['Éire', 900, 1100],
    ].map(([text, startMs, endMs]) => ({
      text: text as string,
      startMs: startMs as number,
      endMs: endMs as number,
      probability: 0.8,
    }));
    assert.deepEqual(timeWords("“Well-known,” it's — Éire!", timed, 0, 2000), [
      { text: '“Well-known,”', startMs: 0, endMs: 300, probability: 0.8 },
      { text: "it's", startMs: 300, endMs: 500, probability: 0.8 },
      { text: '—', startMs: 500, endMs: 900, probability: 1 },
      { text: 'Éire!', startMs: 900, endMs: 1100, probability: 0.8 },
    ]);
  });
  it('are in order and inside, whatever comes', () => {
    const word = fc.record({
      text: fc.string({ maxLength: 6 }),
      startMs: fc.integer({ min: -500, max: 9000 }),
      endMs: fc.integer({ min: -500, max: 9000 }),
      probability: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.array(word, { maxLength: 12 }), (text, timed) => {
        let before = 1000;
        for (const { startMs, endMs } of timeWords(text, timed, 1000, 5000)) {
          assert.ok(startMs >= before && endMs >= startMs && endMs <= 5000);
          before = endMs;
        }
      }),
    );
  });
});

describe('rewritten text', () => {
  it('differs where it differs, and the differences make it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c', 'd')),
        fc.array(fc.constantFrom('a', 'b', 'c', 'd')),
        (a, b) => {
          const out: string[] = [];
          let at = 0;
          for (const { from, to, before, after } of differences(a, b)) {
            assert.deepEqual(a.slice(from, to), before);
            out.push(...a.slice(at, from), ...after);
            at = to;
          }
          assert.deepEqual([...out, ...a.slice(at)], b);
        },
      ),
    );
  });
  it('is taken word by word, as far as it could have been heard so', () => {
    const input = { text: 'la dimora del sonido entre usted', words: [], language: 'es', before: '', glossary: [] };
    assert.deepEqual(acceptRewrite(input, 'la demora del sonido entre usted'), {
      text: 'la demora del sonido entre usted',
      changes: [{ from: 1, to: 2, before: 'dimora', after: 'demora', source: 'model' }],
    });
    const mixed = acceptRewrite(input, 'la demora del ferrocarril entre usted');
    assert.equal(mixed.text, 'la demora del sonido entre usted');
    assert.deepEqual(acceptRewrite(input, 'nothing like it'), { text: input.text, changes: [], refused: 'drift' });
    assert.deepEqual(acceptRewrite(input, input.text), { text: input.text, changes: [] });
    assert.equal(
      acceptRewrite({ ...input, glossary: [{ term: 'Dimora' }] }, 'la demora del sonido entre ustedes').text,
      'la dimora del sonido entre ustedes',
      'a term of the glossary stays',
    );
  });
});

describe('the fake', () => {
  it('reads its script, and nothing else', () => {
    assert.deepEqual(parseScript('crash@3 fail#5:outOfMemory oom@load'), [
      { mishap: 'crash', code: 'engineFailed', on: { run: 3 } },
      { mishap: 'fail', code: 'outOfMemory', on: { index: 5 } },
      { mishap: 'oom', code: 'engineFailed', on: 'load' },
    ]);
    for (const wrong of ['crash', 'sing@1', 'crash@x', 'fail@1:noCode']) assert.throws(() => parseScript(wrong));
    const rules = parseScript('crash@3 fail#5');
    assert.deepEqual(
      [ruleFor(rules, 3, [0])?.mishap, ruleFor(rules, 1, [4, 5])?.mishap, ruleFor(rules, 1, [4])],
      ['crash', 'fail', undefined],
    );
  });
  it('says the same for the same utterance, inside its time', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1e6), fc.integer({ min: 1, max: 480_000 }), (index, startSample, length) => {
        const input = {
            audio: { path: '', startSample, endSample: startSample + length },
            language: null,
            prompt: '',
            hotwords: [],
          },
          output = recognize(index, input, 'en');
        assert.deepEqual(recognize(index, input, 'en'), output);
        assert.equal(output.words.map(word => word.text).join(' '), output.text);
        assert.ok(output.words.at(-1)!.endMs <= Math.ceil((startSample + length) / 16));
      }),
    );
  });
});
