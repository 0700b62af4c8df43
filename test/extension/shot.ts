import { openWindow } from './harness.ts';
import { explorerRow, openView } from './host/ui.ts';
const w = await openWindow({ jobs: [] });
try {
  const { page } = w.host;
  await explorerRow(page, 'notes.md').dblclick();
  await page.locator('.editor-instance .view-line').first().waitFor();
  const from = (await explorerRow(page, 'lecture.mp4').boundingBox())!, to = (await page.locator('.editor-instance .view-lines').first().boundingBox())!;
  await page.mouse.move(from.x + 40, from.y + 10); await page.mouse.down(); await page.mouse.move(to.x + 20, to.y + 50, { steps: 8 });
  await page.keyboard.down('Shift'); await page.mouse.move(to.x + 24, to.y + 52, { steps: 4 }); await page.waitForTimeout(500); await page.mouse.up(); await page.keyboard.up('Shift');
  await page.waitForTimeout(4000);
  await page.screenshot({ path: '/tmp/shot.png' });
  console.log('drop', await w.host.inHost(vscode => vscode.window.activeTextEditor?.document.getText()), w.daemon.asked('job/submit').length);
  await explorerRow(page, 'lecture.mp4').click({ button: 'right' });
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+c');
  await page.waitForTimeout(500);
  await page.locator('.editor-instance .view-line').last().click();
  await page.keyboard.press('Control+End');
  console.log(await w.host.inHost(async vscode => { try { await Promise.race([vscode.commands.executeCommand('editor.action.pasteAs'), new Promise(r => setTimeout(r, 3000))]); } catch (e) { return String(e); } return 'ok'; }));
  await page.waitForTimeout(1500);
  await page.screenshot({ path: '/tmp/shot2.png' });
} finally { console.log(await w.close()); }
