/** Where tests inside the extension host run, and with what: one description for both hosts. */
export interface TestConfig {
  /** code-server needs no download from Microsoft; electron downloads desktop VS Code through @vscode/test-electron (needs a display). */
  host: 'code-server' | 'electron';
  version: string;
  settings: Record<string, unknown>;
  timeoutMs: number;
}

export const TEST_CONFIG: TestConfig = {
  host: process.env.EARSHOT_TEST_HOST === 'electron' ? 'electron' : 'code-server',
  version: '1.139.1',
  settings: { 'editor.autoClosingBrackets': 'never', 'files.hotExit': 'off' },
  timeoutMs: 120_000,
};
