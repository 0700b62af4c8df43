/** Runs a program for one utterance: an argument list, never a shell. */
import { spawn } from 'node:child_process';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';

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

/**
 * Replaces {name} within single arguments; the program itself is never made of what was said. Unknown names stay as
 * they are.
 */
export const fill = (argv: readonly string[], values: Readonly<Record<string, string>>): string[] =>
  argv.map((argument, n) =>
    n === 0
      ? argument
      : argument.replace(/\{([a-z]+)\}/g, (whole, name: string) =>
          Object.hasOwn(values, name) ? values[name]!.replaceAll('\0', '') : whole,
        ),
  );

export const uses = (argv: readonly string[], name: string): boolean =>
  argv.slice(1).some(argument => argument.includes(`{${name}}`));

/**
 * What it printed. A program that is not there is `engineMissing`; one that fails `engineFailed` with its last words.
 */
export async function call({ argv, input, terminal, folder }: Call, signal: AbortSignal): Promise<Buffer> {
  return terminal ? callInTerminal(argv, input, signal) : callPlain(argv, input, folder, signal);
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
  if (input !== null) await writeFile(inputPath, input);
  const stdin = input === null ? null : await open(inputPath, 'r'),
    stdout = await open(outputPath, 'w+', 0o600);
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(program, args, { stdio: [stdin?.fd ?? 'ignore', stdout.fd, 'pipe'], windowsHide: true });
      let words = '';
      const over = (act: () => void): void => {
        clearInterval(watch);
        signal.removeEventListener('abort', stop);
        act();
      };
      const stop = (): void => {
        child.kill('SIGKILL');
        over(() => reject(new EarshotError('cancelled')));
      };
      const watch = setInterval(
        () =>
          void stdout.stat().then(
            ({ size }) => {
              if (size <= MAX_OUTPUT_BYTES) return;
              child.kill('SIGKILL');
              over(() => reject(new EarshotError('badAnswer', {}, `${program} does not stop printing`)));
            },
            () => undefined,
          ),
        1000,
      );
      signal.addEventListener('abort', stop, { once: true });
      child.stderr!.on('data', (part: Buffer) => {
        process.stderr.write(part);
        words = (words + part.toString('utf8')).slice(-DETAIL_CHARS);
      });
      child.on('error', error => over(() => reject(missing(program, error))));
      child.on('close', (code, how) =>
        over(() =>
          code === 0
            ? resolve()
            : reject(
                new EarshotError(
                  'engineFailed',
                  { engine: 'command' },
                  `${program} ended with ${how ?? code}\n${words}`,
                ),
              ),
        ),
      );
    });
    const { size } = await stdout.stat(),
      printed = Buffer.alloc(size);
    await stdout.read(printed, 0, size, 0);
    return printed;
  } finally {
    await Promise.all([stdin?.close(), stdout.close()]);
    await Promise.all([inputPath, outputPath].map(path => rm(path, { force: true })));
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
    options: { name: string; cols: number; rows: number; env: NodeJS.ProcessEnv },
  ): Terminal;
}

async function callInTerminal(
  argv: readonly string[],
  input: Buffer | string | null,
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
      terminal = library.spawn(program, args, { name: 'dumb', cols: 4000, rows: 50, env: process.env });
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
