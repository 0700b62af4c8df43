/** Runs bundled mocha tests inside a real extension host, on code-server or on a downloaded desktop VS Code. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pickHost, TEST_CONFIG } from './config.ts';
import { FOREIGN, openHost } from './host.ts';
import { fromHost, hostDir } from './install.ts';

export interface MochaRun {
  extension: string;
  workspace: string;
  files: string[];
  env: Record<string, string>;
  grep?: string;
  locale?: string;
  settings?: Record<string, unknown>;
}
/** `output` is mocha's own report. `strays`: processes that outlived the window. */
export interface MochaResult {
  passed: number;
  failed: number;
  skipped: number;
  output: string;
  strays: string[];
}

/** Rejects when the host crashes, hangs, or ends without results. */
export async function runMocha(run: MochaRun): Promise<MochaResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'earshot-mocha-'));
  const output = join(scratch, 'output'),
    results = join(scratch, 'results.json');
  writeFileSync(output, '');
  const orders = JSON.stringify({
    files: run.files,
    mocha: fromHost.resolve('mocha'),
    grep: run.grep,
    output,
    results,
  });
  const env = { ...run.env, EARSHOT_MOCHA: orders };
  try {
    const picked = await pickHost(TEST_CONFIG, downloadDesktop, console.log);
    const strays =
      picked.host === 'electron'
        ? await onElectron(run, env, scratch, picked.executable)
        : await onCodeServer(run, env, results);
    if (!existsSync(results)) throw new Error(`the tests did not finish\n${readFileSync(output, 'utf8')}`);
    return {
      ...(JSON.parse(readFileSync(results, 'utf8')) as { passed: number; failed: number; skipped: number }),
      output: readFileSync(output, 'utf8'),
      strays,
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${readFileSync(output, 'utf8')}`, { cause: error });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const ENTRY = join(dirname(fileURLToPath(import.meta.url)), 'mocha-entry.cjs');

async function onCodeServer(run: MochaRun, env: Record<string, string>, results: string): Promise<string[]> {
  const host = await openHost({
    extension: run.extension,
    workspace: run.workspace,
    tests: ENTRY,
    settings: { ...TEST_CONFIG.settings, ...run.settings },
    env,
    ...(run.locale ? { locale: run.locale } : {}),
  });
  const ended = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => ended.reject(new Error(`no result after ${TEST_CONFIG.timeoutMs} ms\n${host.serverLog()}`)),
    TEST_CONFIG.timeoutMs,
  );
  const crash = setInterval(() => {
    // an orderly end reaches codeAutomationExit first
    const exit = /Extension Host Process exited with code: \S+, signal: \S+/.exec(host.serverLog());
    if (exit && !existsSync(results)) ended.reject(new Error(exit[0]));
  }, 1000);
  try {
    await host.page.exposeFunction('codeAutomationLog', () => {});
    await host.page.exposeFunction('codeAutomationExit', () => ended.resolve());
    host.page.on('crash', () => ended.reject(new Error('the page crashed')));
    await host.page.goto(host.url);
    await ended.promise;
  } finally {
    clearTimeout(timer);
    clearInterval(crash);
  }
  return (await host.close()).strays.map(s => s.command);
}

const downloadDesktop = async (version: string): Promise<string> =>
  (await import('@vscode/test-electron')).downloadAndUnzipVSCode({ version, cachePath: join(hostDir, 'desktop') });

/** On Linux it needs a display (xvfb-run). */
async function onElectron(
  run: MochaRun,
  env: Record<string, string>,
  scratch: string,
  vscodeExecutablePath: string,
): Promise<string[]> {
  const { runTests } = await import('@vscode/test-electron');
  for (const name of Object.keys(process.env)) if (FOREIGN.test(name)) delete process.env[name];
  mkdirSync(join(scratch, 'data/User'), { recursive: true });
  writeFileSync(
    join(scratch, 'data/User/settings.json'),
    JSON.stringify({
      'telemetry.telemetryLevel': 'off',
      'security.workspace.trust.enabled': false,
      ...TEST_CONFIG.settings,
      ...run.settings,
    }),
  );
  await runTests({
    vscodeExecutablePath,
    extensionDevelopmentPath: run.extension,
    extensionTestsPath: ENTRY,
    extensionTestsEnv: env,
    launchArgs: [
      run.workspace,
      '--user-data-dir',
      join(scratch, 'data'),
      '--extensions-dir',
      join(scratch, 'ext'),
      '--disable-workspace-trust',
      ...(run.locale ? ['--locale', run.locale] : []),
    ],
  });
  return [];
}
