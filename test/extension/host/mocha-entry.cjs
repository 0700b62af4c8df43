// Runs inside the extension host: run() is what VS Code calls. Orders come in EARSHOT_MOCHA (see run-mocha.ts).
const { appendFileSync, writeFileSync } = require('node:fs');
const { format } = require('node:util');

exports.run = async () => {
  const { files, mocha: mochaPath, grep, output, results } = JSON.parse(process.env.EARSHOT_MOCHA);
  const say = (...args) => appendFileSync(output, format(...args) + '\n');
  // VS Code's own setter ignores assignment
  for (const method of ['log', 'info', 'warn', 'error']) Object.defineProperty(console, method, { value: say });
  const loaded = require(mochaPath),
    Mocha = loaded.default ?? loaded;
  Mocha.reporters.Base.consoleLog = say;
  const mocha = new Mocha({ ui: 'bdd', color: false, timeout: 20000, ...(grep ? { grep } : {}) });
  for (const f of files) mocha.addFile(f);
  const stats = { passed: 0, failed: 0, skipped: 0 };
  try {
    await mocha.loadFilesAsync();
    await new Promise(resolve =>
      mocha
        .run(resolve)
        .on('pass', () => stats.passed++)
        .on('fail', () => stats.failed++)
        .on('pending', () => stats.skipped++),
    );
  } catch (e) {
    say(e);
    stats.failed++;
  }
  writeFileSync(results, JSON.stringify(stats));
  if (stats.failed) throw Object.assign(new Error(), { stack: `${stats.failed} failed` });
};
