/** Runs a program for one utterance: an argument list, never a shell. */
import { spawn } from 'node:child_process';
import { EarshotError } from '../../../schemas/errors.ts';

export interface Call {
  /** Program and arguments; placeholders are filled in already. */
  argv: readonly string[];
  /** What it reads on stdin; null: nothing. */
  input: Buffer | string | null;
  /** It wants a terminal. */
  terminal: boolean;
}

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024, DETAIL_CHARS = 2000;

/** Replaces {name} within single arguments; the program itself is never made of what was said. Unknown names stay as they are. */
export const fill = (argv: readonly string[], values: Readonly<Record<string, string>>): string[] =>
  argv.map((argument, n) => (n === 0 ? argument : argument.replace(/\{([a-z]+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]!.replaceAll('\0', '') : whole))));

export const uses = (argv: readonly string[], name: string): boolean => argv.slice(1).some(argument => argument.includes(`{${name}}`));

/** What it printed. A program that is not there is `engineMissing`; one that fails `engineFailed` with its last words. */
export async function call({ argv, input, terminal }: Call, signal: AbortSignal): Promise<Buffer> {
  return terminal ? callInTerminal(argv, input, signal) : callPlain(argv, input, signal);
}

function callPlain(argv: readonly string[], input: Buffer | string | null, signal: AbortSignal): Promise<Buffer> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'], windowsHide: true });
    const parts: Buffer[] = [];
    let bytes = 0, words = '', settled = false;
    const over = (act: () => void): void => { if (!settled) { settled = true; signal.removeEventListener('abort', stop); act(); } };
    const stop = (): void => { child.kill('SIGKILL'); over(() => reject(new EarshotError('cancelled'))); };
    signal.addEventListener('abort', stop, { once: true });
    child.stdout!.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MAX_OUTPUT_BYTES) { parts.push(part); return; }
      child.kill('SIGKILL');
      over(() => reject(new EarshotError('badAnswer', {}, `${program} does not stop printing`)));
    });
    child.stderr!.on('data', (part: Buffer) => { process.stderr.write(part); words = (words + part.toString('utf8')).slice(-DETAIL_CHARS); });
    // A program may end without reading all of it.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    child.on('error', error => over(() => reject(missing(program, error))));
    child.on('close', (code, how) => over(() => (code === 0 ? resolve(Buffer.concat(parts)) : reject(new EarshotError('engineFailed', { engine: 'command' }, `${program} ended with ${how ?? code}\n${words}`)))));
  });
}

const missing = (program: string, error: unknown): EarshotError => new EarshotError('engineMissing', { engine: program }, error instanceof Error ? error.message : String(error));

interface Terminal { onData(listen: (text: string) => void): void; onExit(listen: (end: { exitCode: number }) => void): void; write(text: string): void; kill(signal?: string): void }
interface TerminalLibrary { spawn(file: string, args: readonly string[], options: { name: string; cols: number; rows: number; env: NodeJS.ProcessEnv }): Terminal }

async function callInTerminal(argv: readonly string[], input: Buffer | string | null, signal: AbortSignal): Promise<Buffer> {
  let library: TerminalLibrary;
  try {
    const name = 'node-pty';
    library = (await import(name) as { default: TerminalLibrary }).default;
  } catch (error) { throw missing('node-pty', error); }
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    let terminal: Terminal, text = '';
    try { terminal = library.spawn(program, args, { name: 'dumb', cols: 4000, rows: 50, env: process.env }); } catch (error) { reject(missing(program, error)); return; }
    const stop = (): void => { terminal.kill('SIGKILL'); reject(new EarshotError('cancelled')); };
    signal.addEventListener('abort', stop, { once: true });
    terminal.onData(part => { text = (text + part).slice(-MAX_OUTPUT_BYTES); });
    terminal.onExit(({ exitCode }) => {
      signal.removeEventListener('abort', stop);
      if (exitCode !== 0) reject(new EarshotError('engineFailed', { engine: 'command' }, `${program} ended with ${exitCode}\n${plain(text).slice(-DETAIL_CHARS)}`));
      else resolve(Buffer.from(withoutEcho(plain(text), input === null ? '' : String(input))));
    });
    // Ctrl-D at the start of a line is the end of what is typed.
    if (input !== null) terminal.write(`${String(input)}\r\u0004`);
  });
}

/** Without colours, cursor movements and the terminal's line ends. */
const plain = (text: string): string => text.replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, '').replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f]/g, '');
/** A terminal shows what is typed, and ^D. */
function withoutEcho(text: string, typed: string): string {
  const bare = text.replace(/\^D/g, '');
  return typed && bare.startsWith(typed) ? bare.slice(typed.length) : bare;
}
