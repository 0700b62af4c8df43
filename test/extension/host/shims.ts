/**
 * Two native modules of the VS Code server need a compiler. Plain JavaScript does their work well enough for tests: a
 * logger that writes files (output channels are empty without it), and a watchdog that ends an extension host whose
 * server died.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SPDLOG = `
const fs = require('node:fs'), path = require('node:path');
const names = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];
class Logger {
  constructor(type, name, file) { this.file = file; this.level = 2; this.plain = false;
  fs.mkdirSync(path.dirname(file), { recursive: true }); }
  write(level, text) {
    if (level < this.level) return;
    const time = new Date().toISOString().replace('T', ' ').replace('Z', '');
    fs.appendFileSync(this.file, this.plain ? text : time + ' [' + names[level] + '] ' + text + '\\n');
  }
  getLevel() { return this.level; }
  setLevel(level) { this.level = level; }
  clearFormatters() { this.plain = true; }
  setPattern() {} flush() {} drop() {}
}
['trace', 'debug', 'info', 'warn', 'error', 'critical'].forEach((name, level) => {
Logger.prototype[name] = function (text) { this.write(level, text); }; });
exports.version = 0;
exports.Logger = Logger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.createRotatingLogger = async (name, file) => new Logger('rotating', name, file);
exports.createAsyncRotatingLogger = exports.createRotatingLogger;
`;

const WATCHDOG = `
exports.start = pid => { setInterval(() => { try { process.kill(pid, 0); } catch { process.exit(87);
} }, 3000).unref(); };
exports.exit = code => process.exit(code || 0);
`;

export function writeShims(modules: string): void {
  writeFileSync(join(modules, '@vscode/spdlog/index.js'), SPDLOG);
  writeFileSync(join(modules, '@vscode/native-watchdog/index.js'), WATCHDOG);
}
