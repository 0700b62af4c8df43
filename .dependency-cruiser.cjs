/** The walls of the house. `node test/run.mjs` fails when one is broken. */
const ours = '^(daemon|extension|webview|schemas)/';
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', comment: 'Modules that need each other are one module, or miss a third.', from: { path: ours }, to: { circular: true } },
    { name: 'schemas-import-nothing-of-ours', severity: 'error', from: { path: '^schemas/' }, to: { path: '^(daemon|extension|webview|test)/' } },
    { name: 'daemon-shares-only-schemas', severity: 'error', from: { path: '^daemon/' }, to: { path: '^(extension|webview|test)/' } },
    { name: 'extension-shares-only-schemas', severity: 'error', comment: 'The extension may also use the message contract with its pages.', from: { path: '^extension/' }, to: { path: '^(daemon|test)/|^webview/(?!messages\\.ts$)' } },
    { name: 'webview-shares-only-schemas', severity: 'error', from: { path: '^webview/' }, to: { path: '^(daemon|extension|test)/' } },
    { name: 'scheduler-is-pure', severity: 'error', comment: 'No clock, no I/O: a snapshot in, a plan out. Beside its own modules it knows schemas.', from: { path: '^daemon/scheduler/' }, to: { dependencyTypes: ['core'] } },
    { name: 'scheduler-uses-no-package', severity: 'error', from: { path: '^daemon/scheduler/' }, to: { path: '(^|/)node_modules/' } },
    { name: 'scheduler-knows-no-other-room', severity: 'error', from: { path: '^daemon/scheduler/' }, to: { path: '^daemon/(?!scheduler/)' } },
    { name: 'cli-goes-through-the-socket', severity: 'error', comment: 'The command line is a client like any other; it knows where things lie and nothing more of the daemon.', from: { path: '^daemon/cli/' }, to: { path: '^daemon/(?!cli/)' } },
    { name: 'daemon-does-not-need-the-cli', severity: 'error', from: { path: '^daemon/(?!cli/)' }, to: { path: '^daemon/cli/' } },
    { name: 'nothing-unresolved', severity: 'error', from: { path: ours }, to: { couldNotResolve: true, pathNot: '^vscode$' } },
  ],
  options: {
    preserveSymlinks: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|out|fixtures)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'], extensions: ['.ts', '.mjs', '.js', '.json', '.d.ts'] },
  },
};
