/** Where tests inside the extension host run, and with what: one description for both hosts. */
export interface TestConfig {
  /**
   * code-server needs no download from Microsoft; electron downloads desktop VS Code through @vscode/test-electron
   * (needs a display).
   */
  host: 'code-server' | 'electron';
  version: string;
  settings: Record<string, unknown>;
  timeoutMs: number;
}

export const TEST_CONFIG: TestConfig = {
  host: process.env.EARSHOT_TEST_HOST === 'electron' ? 'electron' : 'code-server',
  version: '1.139.1',
  settings: { 'editor.autoClosingBrackets': 'never', 'files.hotExit': 'off' },
  timeoutMs: 240_000,
};

export type Picked = { host: 'code-server' } | { host: 'electron'; executable: string };

/** The desktop where it is wanted and can be had, else code-server; why is said. */
export async function pickHost(
  { host, version }: Pick<TestConfig, 'host' | 'version'>,
  download: (version: string) => Promise<string>,
  say: (line: string) => void,
): Promise<Picked> {
  if (host === 'code-server') return { host };
  try {
    return { host, executable: await download(version) };
  } catch (error) {
    say(
      `VS Code ${version} could not be downloaded (${error instanceof Error ? error.message : String(error)}): ` +
        'the tests run on code-server',
    );
    return { host: 'code-server' };
  }
}
