/** Model files that mean harm: whatever they say about themselves, the daemon's thread has its answer at once. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ctranslate2, gguf, onnx, piperSettings } from '../fixtures/models.ts';

const temporary = mkdtempSync(join(tmpdir(), 'earshot-hostile-'));
after(() => rmSync(temporary, { recursive: true, force: true }));
const put = (path: string, content: Buffer | string): string => {
  const full = join(temporary, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
};
/** The file goes on with zeros for a terabyte that the disk need not hold. */
const sparse = (path: string, head: Buffer): string => {
  const full = put(path, head);
  truncateSync(full, 2 ** 40);
  return full;
};
const fifo = (path: string): string => {
  const full = join(temporary, path);
  mkdirSync(join(full, '..'), { recursive: true });
  execFileSync('mkfifo', [full]);
  return full;
};

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: bigint): Buffer => Buffer.from(BigUint64Array.of(value).buffer);
const HUGE = 2n ** 60n;
const STRING = 8,
  ARRAY = 9;
const ggufHead = (tensors: bigint, pairs: bigint, ...rest: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(pairs), ...rest]);
const KEY = Buffer.concat([u64(1n), Buffer.from('k')]);

/**
 * How `detect` ends in a process of its own: a detail, or "ok". It is killed when it takes longer than any real model
 * does: a pipe that is opened would keep this process here too.
 */
function outcome(path: string): { said: string; ms: number } {
  const detect = join(import.meta.dirname, '..', '..', 'daemon', 'models', 'detect.ts');
  const script = `
    import { detect } from ${JSON.stringify(detect)};
    const from = performance.now();
    let said = 'ok';
    try { detect(process.argv[1]); } catch (error) { said = error.failure?.code + ': ' + error.failure?.detail; }
    console.log(JSON.stringify({ said, ms: performance.now() - from }));`;
  const child = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--max-old-space-size=200', '--input-type=module', '-e', script, path],
    { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' },
  );
  assert.equal(child.signal, null, 'it never ends');
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as { said: string; ms: number };
}

const TOO_LARGE = /^modelBroken: its header is larger/,
  ENDS = /^modelBroken: the file ends before/,
  NOT_A_FILE = /^modelBroken: not a regular file/;
const nested = (depth: number): Buffer =>
  Buffer.concat([KEY, u32(ARRAY), ...Array.from({ length: depth }, () => [u32(ARRAY), u64(1n)]).flat()]);

const hostile: Record<string, [path: () => string, said: RegExp]> = {
  'GGUF, 2^60 pairs in a sparse terabyte': [() => sparse('pairs.gguf', ggufHead(0n, HUGE)), TOO_LARGE],
  'GGUF, 2^60 tensors in a sparse terabyte': [() => sparse('tensors.gguf', ggufHead(HUGE, 0n)), TOO_LARGE],
  'GGUF, 65,536 pairs that each hold an array of a billion empty strings': [
    () => sparse('strings.gguf', ggufHead(0n, 65_536n, KEY, u32(ARRAY), u32(STRING), u64(10n ** 9n))),
    TOO_LARGE,
  ],
  'GGUF, an array of 2^60 numbers': [
    () => sparse('numbers.gguf', ggufHead(0n, 1n, KEY, u32(ARRAY), u32(4), u64(HUGE))),
    ENDS,
  ],
  'GGUF, a key of 2^40 bytes': [() => sparse('key.gguf', ggufHead(0n, 1n, u64(2n ** 39n))), TOO_LARGE],
  'GGUF, arrays nested 100,000 deep': [() => put('nested.gguf', ggufHead(0n, 1n, nested(100_000))), TOO_LARGE],
  'GGUF, a tensor of four billion dimensions': [
    () => sparse('dimensions.gguf', ggufHead(1n, 0n, KEY, u32(2 ** 32 - 1))),
    TOO_LARGE,
  ],
  'CTranslate2, four billion empty variables in a sparse terabyte': [
    () => {
      const head = ctranslate2('WhisperSpec').subarray(0, 4 + 2 + 'WhisperSpec\0'.length);
      sparse('ct2/model.bin', Buffer.concat([head, u32(3), u32(2 ** 32 - 1)]));
      return join(temporary, 'ct2');
    },
    TOO_LARGE,
  ],
  'ONNX, twelve million fields': [
    () => put('fields.onnx', Buffer.concat([onnx(), Buffer.alloc(24_000_000, Buffer.from([0x40, 0x01]))])),
    TOO_LARGE,
  ],
  'a pipe': [() => fifo('pipe.gguf'), NOT_A_FILE],
  'a pipe as model.bin': [() => join(fifo('pipe-ct2/model.bin'), '..'), NOT_A_FILE],
  'a pipe beside a good model': [
    () => {
      put('pipe-beside/model.bin', ctranslate2('WhisperSpec'));
      for (const name of ['tokenizer.json', 'vocabulary.txt']) put(join('pipe-beside', name), '{}');
      return join(fifo('pipe-beside/config.json'), '..');
    },
    NOT_A_FILE,
  ],
  'a pipe as the settings of a voice': [
    () => {
      fifo('v/voice.onnx.json');
      return put('v/voice.onnx', onnx());
    },
    /^modelBroken: not the settings/,
  ],
  'a vocabulary without end': [
    () => {
      put('vocabulary/model.bin', ctranslate2('TransformerSpec'));
      sparse('vocabulary/shared_vocabulary.json', Buffer.from('['));
      return join(temporary, 'vocabulary');
    },
    /^modelBroken: longer than/,
  ],
  'a device': [() => '/dev/zero', NOT_A_FILE],
  'a link to a device': [
    () => {
      const link = join(temporary, 'zero.onnx');
      symlinkSync('/dev/zero', link);
      return link;
    },
    NOT_A_FILE,
  ],
};

describe('hostile model files', { skip: process.platform === 'win32' && 'no pipes in the file system' }, () => {
  for (const [what, [path, said]] of Object.entries(hostile))
    test(what, () => {
      const found = outcome(path());
      assert.match(found.said, said);
      // 0.1 s on a free machine; other processes may have the processor.
      assert.ok(found.ms < 3000, `${found.ms} ms`);
    });
});

describe('what is no harm', { skip: process.platform === 'win32' && 'links need permission' }, () => {
  test('a link to a model is that model', () => {
    const link = join(temporary, 'link.gguf');
    symlinkSync(put('real.gguf', gguf({ 'general.architecture': 'qwen2' })), link);
    assert.equal(outcome(link).said, 'ok');
  });
  test('a vocabulary of 300,000 tokens and as many merges is read in time', () => {
    const tokens = Array.from({ length: 300_000 }, (_, n) => `token${n}`);
    const path = put(
      'vocabulary.gguf',
      gguf({ 'tokenizer.ggml.tokens': tokens, 'tokenizer.ggml.merges': tokens, 'general.architecture': 'qwen2' }),
    );
    assert.equal(outcome(path).said, 'ok');
  });
  test('a voice of many fields is whole', () => {
    put('many/voice.onnx.json', piperSettings('en_US'));
    const metadata = Buffer.alloc(20_000, Buffer.from([0x72, 0x02, 0x0a, 0x00]));
    assert.equal(outcome(put('many/voice.onnx', Buffer.concat([onnx(), metadata]))).said, 'ok');
  });
});
