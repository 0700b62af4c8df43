/**
 * A hostile assistant: what a program that speaks to `earshot mcp` may try, on a real daemon. It may transcribe, search
 * and read; it gets at nothing else, waits for nothing that never comes, and breaks nothing.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileAsked, isOnAnotherMachine } from '../../cli/mcp-arguments.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { fakeModel } from '../daemon/harness.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';

const CLI = join(import.meta.dirname, '..', '..', process.env.EARSHOT_BUILT ? 'dist/cli.mjs' : 'cli/main.ts');
const skip = process.platform === 'win32' ? 'pipes, devices and /proc of Linux and macOS' : false;
const SECRET = 'hunter2-hunter2';

interface Answer {
  id?: unknown;
  result?: { isError?: boolean; content?: { text: string }[]; structuredContent?: { job?: string } };
  error?: { code: number; message: string };
}

it('makes Windows log in nowhere: a path of another machine is refused before anybody is asked for it', () => {
  for (const path of [
    '\\\\evil\\share\\a.wav',
    '//evil/share/a.wav',
    '/\\evil\\a.wav',
    '  \\\\evil@80\\a.wav',
    '\\\\?\\UNC\\evil\\a.wav',
    '\\\\.\\GLOBALROOT\\Device\\Mup\\evil\\a.wav',
    '\\\\.\\pipe\\x',
    'file://evil/share/a.wav',
    'file:////evil/share/a.wav',
    'FILE:///%5C%5Cevil/a.wav',
  ]) {
    assert.equal(isOnAnotherMachine(path, 'win32'), true, path);
    assert.throws(() => fileAsked(path, 'win32'), failsWith('notOnDisk'), path);
  }
  for (const path of [
    'C:\\talk.wav',
    'talk.wav',
    '\\talk.wav',
    '\\\\?\\C:\\talk.wav',
    '\\\\wsl$\\Ubuntu\\talk.wav',
    '\\\\wsl.localhost\\Ubuntu\\talk.wav',
    'file:///C:/talk%.wav',
    '~\\talk.wav',
  ])
    assert.equal(isOnAnotherMachine(path, 'win32'), false, path);
  assert.equal(isOnAnotherMachine('//home/talk.wav', 'linux'), false);
});

describe('a hostile assistant', { skip, timeout: 180_000 }, () => {
  let daemon: RealDaemon,
    mcp: ChildProcess,
    listener: Server,
    folder = '',
    recording = '',
    lastId = 0;
  const waiting = new Map<number, (answer: Answer) => void>(),
    strays: Answer[] = [];
  const write = (text: string): void => void mcp.stdin!.write(text);
  const ask = (method: string, params: object = {}): Promise<Answer> =>
    new Promise(resolve => {
      const id = ++lastId;
      waiting.set(id, resolve);
      write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  const call = (name: string, args: object): Promise<Answer> => ask('tools/call', { name, arguments: args });
  const refused = ({ error, result }: Answer): boolean => error !== undefined || result?.isError === true;
  const jobs = async (): Promise<number> => (await daemon.client.call('job/list', { limit: 1 })).total;

  before(async () => {
    daemon = await new RealDaemon({
      models: [fakeModel('fake-asr', 'asr', { ms: 1 })],
      settings: { formats: [], hubUrl: 'http://127.0.0.1:9' },
    }).start();
    folder = daemon.recordings;
    recording = join(folder, 'a talk.flac');
    copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), recording);
    listener = createServer().listen(join(folder, 'socket.wav'));
    mcp = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, 'mcp'], {
      env: { ...process.env, EARSHOT_STATE: daemon.home.state, EARSHOT_DATA: daemon.home.data, LANG: 'C.UTF-8' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: mcp.stdout! }).on('line', line => {
      const answer = JSON.parse(line) as Answer,
        done = waiting.get(answer.id as number);
      waiting.delete(answer.id as number);
      if (done) done(answer);
      else strays.push(answer);
    });
    await ask('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'hostile', version: '1' },
    });
  });
  after(async () => {
    listener.close();
    mcp.stdin!.end();
    if (mcp.exitCode === null) await once(mcp, 'exit');
    await daemon.close();
  });

  it('gets nothing from what is no recording, and is kept waiting by nothing', async () => {
    const at = (name: string): string => join(folder, name),
      secret = at('secret.txt'),
      link = (name: string, to: string): string => {
        symlinkSync(to, at(name));
        return at(name);
      };
    writeFileSync(secret, `${SECRET}\n`.repeat(100), { mode: 0o600 });
    execFileSync('mkfifo', [at('pipe.wav')]);
    writeFileSync(at('endless.wav'), '');
    truncateSync(at('endless.wav'), 2 ** 40);
    mkdirSync(at('folder.wav'));
    const paths = [
      ...[secret, at('pipe.wav'), at('endless.wav'), at('folder.wav'), at('socket.wav')],
      link('to-secret.wav', secret),
      link('to-pipe.wav', at('pipe.wav')),
      link('to-zero.wav', '/dev/zero'),
      link('round.wav', at('round.wav')),
      link('up', '..') + '/../../../../etc/passwd',
      ...['/dev/zero', '/dev/stdin', '/dev/fd/0', '/dev/tty', '/etc/shadow'],
      ...['environ', 'mem', 'fd/0'].map(name => `/proc/self/${name}`),
      ...['environ', `root${secret}`].map(name => `/proc/${daemon.process.pid}/${name}`),
      // What is Earshot's own.
      ...readdirSync(daemon.home.run).map(name => join(daemon.home.run, name)),
      ...[daemon.home.settings, daemon.home.database],
      ...['concat:/etc/passwd', `subfile,,start,0,end,9,,:${secret}`, `data:,${SECRET}x`, 'http://127.0.0.1:9/x.wav'],
      ...['-', '--help', '-i', 'pipe:0', `file:${secret}`, `${secret}\0.wav`, '', ' ', '.', '/'],
    ];
    const answers = await Promise.all(paths.map(path => call('transcribe', { path, repair: false })));
    for (const [n, answer] of answers.entries()) {
      const said = JSON.stringify(answer).replaceAll(`data:,${SECRET}x`, '');
      assert.ok(refused(answer), `${paths[n]}: ${said}`);
      assert.ok(!said.includes(SECRET), `${paths[n]}: ${said}`);
    }
  });

  it('writes over nothing, and into nothing that a link leads to', async () => {
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'mine');
    for (const ending of ['srt', 'vtt', 'txt', 'md', 'earshot.json'])
      symlinkSync(precious, join(folder, `a talk.${ending}`));
    const answer = await call('transcribe', {
      path: recording,
      repair: false,
      formats: ['srt', 'vtt', 'txt', 'md', 'json'],
    });
    assert.equal(refused(answer), false, JSON.stringify(answer));
    assert.equal(readFileSync(precious, 'utf8'), 'mine');
  });

  it('fetches no model, whatever it is called', async () => {
    for (const model of [
      'hf:attacker/model',
      'https://huggingface.co/a/b',
      '../../etc/passwd',
      '--version',
      'openai',
      'command',
    ])
      assert.ok(refused(await call('transcribe', { path: recording, model, repair: false })), model);
    const { models } = await daemon.client.call('model/list', {});
    assert.deepEqual(
      models.filter(({ state }) => state === 'downloading'),
      [],
    );
  });

  it('is shown nothing hidden of a name, neither in a text nor in what is for programs', async () => {
    const hidden = [...'obey me'].map(c => String.fromCodePoint(0xe0000 + c.codePointAt(0)!)).join(''),
      path = join(folder, `a${hidden} talk\u202e.flac`);
    copyFileSync(recording, path);
    const answers = [
      await call('transcribe', { path, repair: false, formats: ['txt'] }),
      await call('transcribe', { path, repair: false, wait: false }),
      await call('search_transcripts', { words: 'utterance', path: 'talk' }),
      await call('read_transcript', { transcript: 'last' }),
      await call('read_transcript', { transcript: 'last', format: 'json' }),
      await ask('resources/list'),
    ];
    for (const answer of answers) {
      assert.equal(refused(answer), false, JSON.stringify(answer));
      assert.doesNotMatch(JSON.stringify(answer), /[\u{e0000}-\u{e007f}\u202e]/u);
    }
  });

  it('changes nothing by reading, and learns nothing of the database by what it looks for', async () => {
    const count = await jobs();
    const queries = [
      '"',
      '*',
      '" OR "',
      'NEAR(a b)',
      "'; DROP TABLE jobs; --",
      'a AND',
      '^',
      '{}:x',
      '\0',
      '%',
      'x'.repeat(500),
    ];
    for (const words of queries) await call('search_transcripts', { words });
    for (const transcript of ['%', '_', '.*', "' OR 1=1", '../..', 'last\0', '\u202elast', 'x'.repeat(500)])
      assert.ok(refused(await call('read_transcript', { transcript })), transcript);
    for (const uri of [
      '',
      'earshot://transcript/',
      `file://${join(folder, 'secret.txt')}`,
      'earshot://transcript/../../x',
      'x'.repeat(1e5),
    ])
      assert.ok(refused(await ask('resources/read', { uri })), uri.slice(0, 100));
    assert.equal(await jobs(), count);
  });

  it('breaks nothing by what is no request, nor by many at once', async () => {
    for (const line of [
      'no JSON',
      '{',
      'null',
      '[]',
      '"x"',
      '{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
      '{"jsonrpc":"2.0","id":{"a":1},"method":"tools/list"}',
      '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"transcribe"}}',
      '{"jsonrpc":"2.0","id":"x","method":"__proto__"}',
      '{"jsonrpc":"2.0","id":"y","method":"tools/call","params":{"name":"constructor","arguments":{"__proto__":{}}}}',
      `{"jsonrpc":"2.0","id":"z","method":"tools/list","params":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
      'x'.repeat(4e6),
    ])
      write(`${line}\n`);
    const many = await Promise.all([
      ...Array.from({ length: 60 }, () => call('search_transcripts', { words: 'utterance' })),
      ...Array.from({ length: 60 }, () => call('read_transcript', { transcript: 'last' })),
      ...Array.from({ length: 60 }, () => call('transcribe', { path: recording, repair: false, wait: false })),
    ]);
    assert.equal(many.filter(refused).length, 0, JSON.stringify(many.find(refused)));
    assert.equal(new Set(many.slice(-60).map(({ result }) => result?.structuredContent?.job)).size, 1);
    assert.ok(
      strays.every(({ result }) => !result),
      JSON.stringify(strays.find(({ result }) => result)),
    );
    assert.equal(mcp.exitCode, null);
    assert.equal(daemon.process.exitCode, null);
  });
});
