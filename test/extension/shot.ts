import { mkdtempSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHost } from './host/host.ts';
import { openView, openWorkbench } from './host/ui.ts';
import { makePackage } from '../../extension/package.ts';
const scratch = mkdtempSync(join(tmpdir(), 'earshot-vsix-test-'));
const vsix = await makePackage('linux-x64', scratch), workspace = join(scratch, 'ws'), state = join(scratch, 'state');
mkdirSync(workspace); (await import('node:fs')).writeFileSync(join(workspace, 'a.txt'), '');
const host = await openHost({ install: [vsix], workspace, env: { EARSHOT_STATE: state, EARSHOT_DATA: join(scratch, 'data') }, settings: { 'earshot.machine.offline': true, 'earshot.machine.idleExitSeconds': 1 } });
try {
  await openWorkbench(host);
  await openView(host.page, 'Earshot');
  await host.page.waitForTimeout(15000);
  await host.page.screenshot({ path: '/tmp/shot.png' });
  console.log(host.processes().map(p => p.command.slice(0, 150)));
  console.log(readdirSync(state, { recursive: true }));
  for (const f of readdirSync(join(state, 'logs'))) console.log(f, readFileSync(join(state, 'logs', f), 'utf8').slice(-2000));
} finally { console.log(await host.close()); }
