/**
 * Somebody who has an editor and nothing else: the packaged extension in a clean window, with no Python, no npm, no
 * ffmpeg, no model and an empty home. From a right click to text, without a terminal; stopped once in the middle.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makePackage } from '../../scripts/package.ts';
import { home as homeOf } from '../../daemon/auth/home.ts';
import { connect, type Client } from '../../client/client.ts';
import { onPath } from '../../daemon/system/find-program.ts';
import { buildBundles } from './bundles.ts';
import { ID, root } from './harness.ts';
import { openHost, type Host } from './host/host.ts';
import { hostUnavailable } from './host/install.ts';
import type { Frame } from './host/playwright.d.ts';
import { explorerMenu, openWorkbench, until, webview } from './host/ui.ts';

const MODEL = 'moonshine-tiny-en';
const weights = join(homeOf().models, MODEL);
/** What the user's package managers say of where packages come from; null: there is none to ask. */
const asked = (program: string, ...args: string[]): string | null => {
  const path = onPath(program);
  const { status, stdout } = path ? spawnSync(path, args, { encoding: 'utf8' }) : { status: 1, stdout: '' };
  return status === 0 && /^https?:/.test(stdout.trim()) ? stdout.trim() : null;
};
const registry = asked('npm', 'config', 'get', 'registry'),
  index = asked('pip', 'config', 'get', 'global.index-url') ?? asked('pip3', 'config', 'get', 'global.index-url');
const reached = async (url: string | null): Promise<boolean> =>
  url !== null &&
  (await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(60_000) }).then(
    () => true,
    () => false,
  ));
const unavailable =
  (await hostUnavailable()) ??
  (!existsSync(weights)
    ? `${MODEL} is not installed: earshot models install ${MODEL}`
    : (await reached(registry)) && (await reached(index ?? 'https://pypi.org/simple/'))
      ? null
      : 'the package registries cannot be reached');
if (unavailable) console.log(`Not run: ${unavailable}`);

/** A hub with the weights that are here. Its first large answer stops half way, until somebody hangs up. */
class Hub {
  url = '';
  /** Connections that were cut from the other side before their answer was whole. */
  hungUp = 0;
  halted = false;
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url!, this.url).pathname,
      file = join(weights, path.split('/').at(-1)!);
    if (!/^\/[^/]+\/[^/]+\/resolve\//.test(path) || !existsSync(file))
      return void response.writeHead(path === '/' ? 200 : 404).end();
    const bytes = readFileSync(file),
      from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0),
      half = !this.halted && bytes.length > 1e7;
    response.writeHead(from ? 206 : 200, {
      etag: '"weights"',
      'content-length': bytes.length - from,
      ...(from ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    response.once('close', () => {
      if (!response.writableEnded) this.hungUp += 1;
    });
    if (half) {
      this.halted = true;
      response.write(bytes.subarray(from, bytes.length >> 1));
    } else response.end(bytes.subarray(from));
  }
}

describe('somebody who has only VS Code', { skip: unavailable ?? false, timeout: 300_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'earshot-new-')),
    workspace = join(scratch, 'recordings'),
    hub = new Hub();
  let host: Host,
    client: Client | null = null;
  const places = (): ReturnType<typeof homeOf> =>
    homeOf({
      XDG_DATA_HOME: join(host.home, '.local/share'),
      XDG_STATE_HOME: join(host.home, '.local/state'),
      HOME: host.home,
      XDG_RUNTIME_DIR: host.dataDir,
    });
  const shots = process.env.EARSHOT_SHOTS;
  const shot = async (name: string): Promise<void> => {
    if (shots) await host.page.screenshot({ path: join(shots, `${name}.png`) });
  };
  before(async () => {
    buildBundles();
    const vsix = await makePackage(`linux-${process.arch}`, scratch);
    mkdirSync(workspace);
    cpSync(join(root, 'samples/sense-and-sensibility.flac'), join(workspace, 'talk.flac'));
    // The programs of a system, without Python, npm, pip, uv and ffmpeg.
    const bin = join(scratch, 'bin');
    mkdirSync(bin);
    for (const name of ['sh', 'ps', 'uname', 'which', 'ls'])
      if (onPath(name)) symlinkSync(onPath(name)!, join(bin, name));
    await hub.start();
    host = await openHost({
      workspace,
      install: [vsix],
      env: { PATH: bin, npm_config_registry: registry!, ...(index ? { PIP_INDEX_URL: index } : {}) },
      settings: { 'earshot.machine.hubUrl': hub.url, 'earshot.language': 'en' },
    });
    await openWorkbench(host);
  });
  after(async () => {
    client?.dispose();
    // By the window itself: it would bring back what somebody else stops.
    await host?.inHost(vscode => vscode.commands.executeCommand('earshot.stopDaemon').then(() => null)).catch(() => {});
    if (host)
      await until('no daemon', () => !host.processes().some(({ command }) => /earshotd\.mjs/.test(command)), 90_000);
    const left = (await host?.close())?.strays ?? [];
    await hub.stop();
    rmSync(scratch, { recursive: true, force: true });
    assert.deepEqual(left, []);
  });

  /** The transcript, whether it is being made or is a file. */
  const transcript = (): Promise<Frame> => webview(host.page, { extensionId: ID });
  const sheet = () => host.page.locator('.quick-input-widget');
  const toast = (text: string | RegExp = 'Setting up Earshot') =>
    host.page.locator('.notification-toast', { hasText: text });
  const choose = async (): Promise<void> => {
    await explorerMenu(host.page, 'talk.flac', 'Transcribe');
    await sheet().locator('.quick-input-title', { hasText: 'Which speech model' }).waitFor({ timeout: 90_000 });
  };
  const daemon = async (): Promise<Client> =>
    (client ??= await connect({
      socket: places().socket,
      token: readFileSync(places().token, 'utf8'),
      client: 'test',
      version: '0.0.0',
    }));

  it('is asked before anything large comes: what, how large, how quick, how good, where', async () => {
    await choose();
    await shot('1-sheet');
    assert.match(
      (await sheet().locator('input[type=text]').first().getAttribute('placeholder')) ?? '',
      /Downloaded once, to ~\/.*models\. Recordings stay on this machine/,
    );
    const text = (await sheet().locator('.monaco-list-row').allTextContents()).join('\n');
    assert.match(text, /Small: Moonshine tiny \(English\)\s*44 MB, and about \d+ MB of programs/);
    assert.match(text, /an hour in about (a minute|\d+ minutes) · 13 of 100 English words wrong/);
    assert.match(text, /Recommended: /);
    assert.deepEqual(existsSync(places().models) ? readdirSync(places().models) : [], []);
    assert.equal((await (await daemon()).call('job/list', {})).jobs.length, 0);
  });

  it('may stop it in the middle: nothing runs on, nothing is left', async () => {
    await sheet().locator('.monaco-list-row', { hasText: 'Small: Moonshine' }).click();
    await toast(/Moonshine tiny \(English\): \d+ MB of 44 MB/).waitFor({ timeout: 90_000 });
    await (await transcript()).locator('.run', { hasText: 'Setting up…' }).waitFor({ timeout: 90_000 });
    await shot('2-setting-up');
    // A toast that has just grown moves away from the click: who sees that it goes on clicks again.
    const soon = { timeout: 5000 },
      cancel = toast().locator('.monaco-button, .action-label', { hasText: 'Cancel' }).first();
    await until(
      'the hub is left alone',
      async () => {
        if (hub.hungUp === 0)
          await toast()
            .hover(soon)
            .then(() => cancel.click(soon))
            .catch(() => undefined);
        return hub.hungUp > 0;
      },
      90_000,
    );
    const connected = await daemon();
    await until(
      'its end',
      async () => (await connected.call('job/list', {})).jobs.every(job => job.state === 'cancelled'),
      90_000,
    );
    await until(
      'nothing half done',
      () =>
        readdirSync(places().models).length === 0 &&
        !readdirSync(places().runtimes).some(name => name.startsWith('.building-')),
      90_000,
    );
    const { models } = await connected.call('model/list', {});
    assert.deepEqual(
      models.filter(model => model.state === 'downloading').map(({ card }) => card.id),
      [],
    );
    await toast().waitFor({ state: 'detached', timeout: 90_000 });
    await shot('3-cancelled');
  });

  it('finds a page about it that is for people who use it, without broken pictures', async () => {
    await host.inHost(vscode => vscode.commands.executeCommand('extension.open', 'earshot.earshot').then(() => null));
    const broken = await until(
      'the page',
      async () => {
        for (const frame of host.page.frames()) {
          const found = await frame
            .evaluate(() => ({
              isPage: frames.length === 0 && /Right-click a recording, read its text/.test(document.body.innerText),
              broken: [...document.images].filter(each => each.naturalWidth === 0).map(({ alt }) => alt),
            }))
            .catch(() => null);
          if (found?.isPage) return found.broken;
        }
        return undefined;
      },
      90_000,
    );
    assert.deepEqual(broken, []);
    await shot('5-page');
    await host.inHost(vscode => vscode.commands.executeCommand('workbench.action.closeActiveEditor').then(() => null));
  });

  it('is asked again, and reads the text', async () => {
    await choose();
    await sheet().locator('.monaco-list-row', { hasText: 'Small: Moonshine' }).click();
    // The words come while it runs, and the tab becomes the file.
    await until(
      'the text',
      async () => (await (await transcript()).locator('.utterance', { hasText: /Dashwood/ }).count()) > 0,
      180_000,
    );
    await host.page.locator('.tab.active', { hasText: '.earshot.json' }).waitFor({ timeout: 90_000 });
    const connected = await daemon();
    const [job] = await until(
      'its end',
      async () => {
        const { jobs } = await connected.call('job/list', {}),
          ended = jobs.filter(({ state }) => state === 'completed' || state === 'failed');
        return ended.length > 0 && ended;
      },
      90_000,
    );
    assert.deepEqual([job!.state, job!.failure, job!.models.asr], ['completed', null, MODEL]);
    await shot('4-text');
    await toast().waitFor({ state: 'detached', timeout: 90_000 });
    assert.equal((await connected.call('settings/get', {})).settings.defaultModels.asr, MODEL, 'the choice is kept');
  });
});
