/** Runs a program for one utterance: an argument list, never a shell. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exitOf } from '../../../client/exit.ts';
import { openAnew, openFile, writeAnew } from '../../../client/files.ts';
import { EarshotError } from '../../../schemas/errors.ts';
import { onPath } from '../../system/find-program.ts';
import { environment } from '../../workers/environment.ts';
import { endTree, startProgram, type ChildProcess } from '../../workers/spawn.ts';

export interface Call {
  /** Program and arguments; placeholders are filled in already. */
  argv: readonly string[];
  /** What it reads on stdin; null: nothing. */
  input: Buffer | string | null;
  /** It wants a terminal. */
  terminal: boolean;
  /** For files that live as long as the call; one call at a time. */
  folder: string;
}

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024,
  DETAIL_CHARS = 2000;

/** What programs take for an option, for the name of a file to read, or on Windows for a switch. */
const LEADS = process.platform === 'win32' ? /^[-@/]/ : /^[-@]/;

/**
 * Replaces {name} within single arguments; the program itself is never made of what was said. Unknown names stay as
 * they are. An argument that begins with what was said begins with a blank where it would be an option.
 */
export const fill = (argv: readonly string[], values: Readonly<Record<string, string>>): string[] =>
  argv.map((argument, n) => {
    if (n === 0) return argument;
    const filled = argument.replace(/\{([a-z]+)\}/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? values[name]!.replaceAll('\0', '') : whole,
    );
    return LEADS.test(filled) && !LEADS.test(argument) ? ` ${filled}` : filled;
  });

export const uses = (argv: readonly string[], name: string): boolean =>
  argv.slice(1).some(argument => argument.includes(`{${name}}`));

/**
 * What it printed. A program that is not there is `engineMissing`; one that fails `engineFailed` with its last words.
 */
export async function call({ argv, input, terminal, folder }: Call, signal: AbortSignal): Promise<Buffer> {
  refuseScript(argv[0] ?? '');
  return terminal ? callInTerminal(argv, input, folder, signal) : callPlain(argv, input, folder, signal);
}

/**
 * Standard input and output are files: programs that open /dev/stdin or /dev/stdout by name cannot do so with the
 * sockets that Node makes.
 */
async function callPlain(
  argv: readonly string[],
  input: Buffer | string | null,
  folder: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const [program = '', ...args] = argv,
    inputPath = join(folder, 'stdin'),
    outputPath = join(folder, 'stdout');
  // Closed before they are removed.
  await using _gone = {
    [Symbol.asyncDispose]: async () => {
      await Promise.all([inputPath, outputPath].map(path => rm(path, { force: true })));
    },
  };
  if (input !== null) await writeAnew(inputPath, input, 0o600);
  await using stdin = input === null ? null : await openFile(inputPath);
  await using stdout = await openAnew(outputPath, 0o600);
  // In this worker's group, so that it ends when the worker is ended.
  const child = startProgram({ program, args, cwd: folder, env: environment('network'), group: 'shared' }, [
    stdin?.fd ?? 'ignore',
    stdout.fd,
    'pipe',
  ]);
  let words = '',
    endless = false;
  child.stderr!.on('data', (part: Buffer) => {
    process.stderr.write(part);
    words = (words + part.toString('utf8')).slice(-DETAIL_CHARS);
  });
  const stop = (): void => void endWithChildren(child);
  const watch = setInterval(
    () =>
      void stdout.stat().then(
        ({ size }) => {
          if (size <= MAX_OUTPUT_BYTES) return;
          endless = true;
          stop();
        },
        () => undefined,
      ),
    1000,
  );
  signal.addEventListener('abort', stop, { once: true });
  try {
    const { code, signal: killed } = await exitOf(child).catch((error: unknown) => {
      throw missing(program, error);
    });
    if (signal.aborted) throw new EarshotError('cancelled');
    if (endless) throw new EarshotError('badAnswer', {}, `${program} does not stop printing`);
    if (code !== 0)
      throw new EarshotError(
        'engineFailed',
        { engine: 'command' },
        `${program} ended with ${killed ?? code}\n${words}`,
      );
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', stop);
  }
  const { size } = await stdout.stat(),
    printed = Buffer.alloc(size);
  await stdout.read(printed, 0, size, 0);
  return printed;
}

/**
 * Windows runs .cmd and .bat files (npm makes one of every command) through a shell alone, which would obey its own
 * marks in what was said. @throws engineMissing
 */
export function refuseScript(
  program: string,
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): void {
  if (platform !== 'win32') return;
  const found = /[\\/]/.test(program) ? program : (onPath(program, env, platform) ?? program);
  if (/\.(cmd|bat)$/i.test(found))
    throw new EarshotError(
      'engineMissing',
      { engine: 'command' },
      `${found} needs a shell, and Earshot starts none: name the program that it calls, such as node with its script`,
    );
}

/** What it started must not go on for a run that nobody waits for. */
async function endWithChildren(child: ChildProcess): Promise<void> {
  const { processes } = await import('../../devices/processes.ts');
  const tree = child.pid === undefined ? [] : (processes().withChildren([child.pid]).get(child.pid) ?? []);
  endTree(child, 'shared');
  for (const pid of tree)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      /* it has ended */
    }
}

const missing = (program: string, error: unknown): EarshotError =>
  new EarshotError('engineMissing', { engine: program }, error instanceof Error ? error.message : String(error));

interface Terminal {
  onData(listen: (text: string) => void): void;
  onExit(listen: (end: { exitCode: number }) => void): void;
  write(text: string): void;
  kill(signal?: string): void;
}
interface TerminalLibrary {
  spawn(
    file: string,
    args: readonly string[],
    options: { name: string; cols: number; rows: number; cwd: string; env: NodeJS.ProcessEnv },
  ): Terminal;
}

async function callInTerminal(
  argv: readonly string[],
  input: Buffer | string | null,
  folder: string,
  signal: AbortSignal,
): Promise<Buffer> {
  let library: TerminalLibrary;
  try {
    const name = 'node-pty';
    library = ((await import(name)) as { default: TerminalLibrary }).default;
  } catch (error) {
    throw missing('node-pty', error);
  }
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    let terminal: Terminal,
      text = '';
    try {
      terminal = library.spawn(program, args, {
        name: 'dumb',
        cols: 4000,
        rows: 50,
        cwd: folder,
        env: environment('network'),
      });
    } catch (error) {
      reject(missing(program, error));
      return;
    }
    const stop = (): void => {
      terminal.kill('SIGKILL');
      reject(new EarshotError('cancelled'));
    };
    signal.addEventListener('abort', stop, { once: true });
    terminal.onData(part => {
      text = (text + part).slice(-MAX_OUTPUT_BYTES);
    });
    terminal.onExit(({ exitCode }) => {
      signal.removeEventListener('abort', stop);
      if (exitCode !== 0)
        reject(
          new EarshotError(
            'engineFailed',
            { engine: 'command' },
            `${program} ended with ${exitCode}\n${plain(text).slice(-DETAIL_CHARS)}`,
          ),
        );
      else resolve(Buffer.from(withoutEcho(plain(text), input === null ? '' : String(input))));
    });
    // Ctrl-D at the start of a line is the end of what is typed.
    if (input !== null) terminal.write(`${String(input)}\r\u0004`);
  });
}

/** Without colours, cursor movements and the terminal's line ends. */
const plain = (text: string): string =>
  text
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, '');
/** A terminal shows what is typed, and ^D. */
function withoutEcho(text: string, typed: string): string {
  const bare = text.replace(/\^D/g, '');
  return typed && bare.startsWith(typed) ? bare.slice(typed.length) : bare;
}
