/** The walls of the house. `npm test` fails when one is broken. */
const ours = '^(schemas|client|text|cli|daemon|extension|webview)/';
const error = (name, comment, from, to, scope) => ({
  name,
  severity: 'error',
  comment,
  from,
  to,
  ...(scope && { scope }),
});

/** What each room at the top may know beside itself. */
const shared = (room, allowed, also = '') =>
  error(
    `${room}-knows-only-what-is-shared`,
    `${room} may import ${allowed.join(', ') || 'nothing of ours'}${also && ' (and the messages of its pages)'}.`,
    { path: `^${room}/` },
    { path: ours, pathNot: `^(${[room, ...allowed].join('|')})/${also}` },
  );

module.exports = {
  forbidden: [
    error(
      'no-cycles',
      'Modules that need each other are one module, or lack a third.',
      { path: ours },
      { circular: true },
    ),
    error(
      'no-folder-cycles',
      'Rooms that need each other are one room, or lack a contract.',
      {},
      { circular: true },
      'folder',
    ),
    shared('schemas', []),
    shared('text', ['schemas']),
    shared('client', ['schemas', 'text']),
    shared('cli', ['schemas', 'client', 'text']),
    shared('daemon', ['schemas', 'client', 'text']),
    shared('extension', ['schemas', 'client', 'text'], '|^webview/messages\\.ts$'),
    shared('webview', ['schemas', 'text']),
    error(
      'scheduler-is-pure',
      'No clock, no I/O: a snapshot in, a plan out.',
      { path: '^daemon/scheduler/' },
      { dependencyTypes: ['core'] },
    ),
    error('scheduler-uses-no-package', '', { path: '^daemon/scheduler/' }, { path: '(^|/)node_modules/' }),
    error('scheduler-knows-no-other-room', '', { path: '^daemon/scheduler/' }, { path: '^daemon/(?!scheduler/)' }),
    error(
      'contracts-know-no-room',
      'What rooms agree on depends on none of them.',
      { path: '^daemon/contracts/' },
      { path: '^daemon/(?!contracts/)' },
    ),
    error(
      'programs-start-in-one-place',
      'Only daemon/workers/spawn.ts starts programs: with a folder, an environment and an end of their own.',
      { path: '^daemon/', pathNot: '^daemon/workers/spawn\\.ts$' },
      { path: '^(node:)?child_process$' },
    ),
    error(
      'postgresql-in-one-place',
      'Only daemon/fleet/postgres.ts knows pg and pg-boss: it is loaded by members of a fleet alone.',
      { path: '^daemon/', pathNot: '^daemon/fleet/postgres\\.ts$' },
      { path: '(^|/)node_modules/(pg|pg-boss)(/|$)' },
    ),
    error('nothing-unresolved', '', { path: ours }, { couldNotResolve: true, pathNot: '^vscode$' }),
  ],
  options: {
    preserveSymlinks: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|out|fixtures)/' },
    tsPreCompilationDeps: true,
    metrics: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
};
