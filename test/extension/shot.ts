import { openWindow, widenSideBar } from './harness.ts';
import { explorerMenu, openView, notifications } from './host/ui.ts';
import { busyJobs, cpu, twoGpus, instances } from './fake/fixtures.ts';
const w = await openWindow({ jobs: [], devices: [cpu(Date.now())] });
try {
  await w.panel('Queue'); await widenSideBar(w.host, 400);
  await openView(w.host.page, 'Explorer');
  await explorerMenu(w.host.page, 'talk.wav', 'Transcribe');
  await w.host.page.waitForTimeout(3000);
  await w.host.page.screenshot({ path: '/tmp/shot.png' });
  console.log(w.daemon.asked('job/submit'), await notifications(w.host.page));
} finally { console.log(await w.close()); }
