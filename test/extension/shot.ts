import { mkdtempSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeDaemon } from './fake/daemon.ts'; import { fakeHome } from './fake/place.ts';
import { busyJobs, instances, twoGpus } from './fake/fixtures.ts';
import { openHost } from './host/host.ts';
import { openView, openWorkbench, webview } from './host/ui.ts';
const scratch = mkdtempSync(join(tmpdir(), 'es-'));
const env = fakeHome(scratch);
mkdirSync(join(scratch, 'ws')); 
const { writeFileSync } = await import('node:fs'); writeFileSync(join(scratch, 'ws/a.md'), '# hi');
const now = Date.now();
const daemon = new FakeDaemon(env.EARSHOT_STATE, { jobs: busyJobs(now), devices: twoGpus(now), instances: instances(now) });
await daemon.start();
const host = await openHost({ extension: join(import.meta.dirname, '../..'), workspace: join(scratch, 'ws'), env, viewport: { width: 1280, height: 900 } });
host.page.on('console', m => { if (!/ERR|404/.test(m.text())) console.log(m.text().slice(0, 400)); });
try {
  await openWorkbench(host);
  await openView(host.page, 'Earshot');
  await host.page.waitForTimeout(4000); await host.page.screenshot({ path: '/tmp/shot0.png' });
  const f = await webview(host.page, { extensionId: 'earshot.earshot', title: 'Queue' });
  await host.page.mouse.move(348, 400); await host.page.mouse.down(); await host.page.mouse.move(440, 400, {steps: 4}); await host.page.mouse.up();
  await host.page.waitForTimeout(3000);
  await host.page.screenshot({ path: '/tmp/shot.png' });
  const g = await webview(host.page, { extensionId: 'earshot.earshot', title: 'Devices' });
  console.log(await g.evaluate(() => document.body.innerHTML.slice(0, 500)));
} finally { console.log(await host.close()); await daemon.stop(); }
