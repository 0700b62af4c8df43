/** The endpoint is made while the daemon is put together, and touches jobs only when it is applied. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createHttpServer, type HttpServerDeps } from '../../daemon/api/http/server.ts';
import { DEFAULTS } from '../../schemas/settings.ts';

test('may be made before the pipeline runs; what a crash left goes when it is first applied, once', async t => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'earshot-http-'))),
    uploads = join(folder, 'uploads');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(uploads);
  writeFileSync(join(uploads, 'talk.wav'), 'left by a crash');
  const cancelled: string[] = [];
  let running = false;
  const whileRunning = <T>(value: T): T => {
    assert.ok(running, 'used before the pipeline runs');
    return value;
  };
  const rows = [
    { id: 'upload', path: join(uploads, 'talk.wav') },
    { id: 'recording', path: join(folder, 'talk.wav') },
  ];
  const http = createHttpServer({
    uploads,
    tokenFile: join(folder, 'token'),
    settings: () => whileRunning(DEFAULTS),
    models: () => whileRunning([]),
    store: { activeJobs: () => whileRunning(rows as ReturnType<HttpServerDeps['store']['activeJobs']>) },
    queue: {
      submit: () => assert.fail('submits nothing by itself'),
      cancel: ids => {
        cancelled.push(...whileRunning(ids));
      },
    },
    present: () => whileRunning(null),
    transcript: () => assert.fail('nobody asked'),
    ffmpeg: () => assert.fail('nobody asked'),
    listen: () => whileRunning(() => {}),
    live: {
      open: () => assert.fail('nobody asked'),
      append: () => assert.fail('nobody asked'),
      close: () => assert.fail('nobody asked'),
    },
    clock: () => 0,
    log: pino({ level: 'silent' }),
  });
  assert.deepEqual([readdirSync(uploads), http.busy, http.place], [['talk.wav'], false, null]);
  running = true;
  await http.apply();
  assert.deepEqual([readdirSync(uploads), cancelled], [[], ['upload']]);
  writeFileSync(join(uploads, 'of-a-request'), '');
  await http.apply();
  assert.deepEqual([readdirSync(uploads), cancelled], [['of-a-request'], ['upload']]);
});
