/**
 * Recording with ffmpeg, for the command line and the editor: which inputs there are, and their sound as mono 16-bit
 * PCM at 16 kHz. The recorder is the client's child: when the client goes, so does it, and nothing listens any more.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { EarshotError } from '../schemas/errors.ts';
import { exitOf } from './exit.ts';

/** `id` is what `device` takes. */
export interface Input {
  id: string;
  name: string;
}

const SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['avfoundation'],
  win32: ['dshow'],
};
/** Most desktops have a PulseAudio server (PipeWire is one); ALSA and OpenAL are there without. */
const OTHERS = ['pulse', 'alsa', 'openal'];
/**
 * Input formats of ffmpeg that a device may name: the systems' own, generated sound, and a file that is played at its
 * own pace.
 */
const NAMED = /^(pulse|alsa|openal|oss|jack|avfoundation|dshow|lavfi|file):(.+)$/s;

const systems = (platform: NodeJS.Platform): readonly string[] => SYSTEMS[platform] ?? OTHERS;

/**
 * ffmpeg's input options, in the order in which they are tried. `device`: one of `inputs`, or FORMAT:NAME; missing: the
 * system's default.
 */
export function inputArguments(device: string | undefined, platform: NodeJS.Platform): string[][] {
  const named = device === undefined ? null : NAMED.exec(device);
  const of = (format: string, name: string): string[] => {
    switch (format) {
      case 'avfoundation':
        return ['-f', format, '-i', `:${name.replace(/^:/, '')}`];
      case 'dshow':
        return ['-f', format, '-audio_buffer_size', '50', '-i', `audio=${name}`];
      case 'lavfi':
        return ['-re', '-f', format, '-i', name];
      case 'file':
        return ['-re', '-i', `file:${name}`];
      default:
        return ['-f', format, '-i', name];
    }
  };
  if (named) return [of(named[1]!, named[2]!)];
  return systems(platform)
    .filter(format => device !== undefined || format !== 'dshow')
    .map(format => of(format, device ?? (format === 'openal' ? '' : 'default')));
}

/** Of a device's name and what stands around it. */
const LONGEST_LINE = 500;

/** Inputs in what ffmpeg prints about them, in each system's own manner. */
export function parseInputs(format: string, text: string): Input[] {
  const found: Input[] = [];
  // DirectShow does not know what some virtual ones give: they come last, so that none is taken by itself.
  const unknown: Input[] = [];
  let audio = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.length > LONGEST_LINE) continue;
    if (format === 'pulse' || format === 'alsa') {
      const source = /^[* ] (\S+) \[(.*)\](?: \(.*\))?$/.exec(line);
      if (source) found.push({ id: `${format}:${source[1]!}`, name: source[2]! });
    } else if (format === 'avfoundation') {
      if (/AVFoundation (audio|video) devices/.test(line)) audio = line.includes('audio');
      const each = /\] \[(\d+)\] (.+)$/.exec(line);
      if (each && audio) found.push({ id: `avfoundation:${each[1]!}`, name: each[2]! });
    } else if (format === 'dshow') {
      // Older ones print a heading, newer ones the kind behind each name.
      if (/DirectShow (audio|video) devices/.test(line)) audio = line.includes('audio');
      const each = /\]\s+"(.+?)"(?: \((.+)\))?\s*$/.exec(line);
      if (!each || /Alternative name/.test(line)) continue;
      const input = { id: `dshow:${each[1]!}`, name: each[1]! };
      if (each[2] === undefined ? audio : each[2].includes('audio')) found.push(input);
      else if (each[2] === 'none') unknown.push(input);
    } else if (format === 'openal') {
      const each = /^\[.*\]\s{2,}(.+)$/.exec(line);
      if (each) found.push({ id: `openal:${each[1]!.trim()}`, name: each[1]!.trim() });
    }
  }
  return [...found, ...unknown];
}

const LISTING: Readonly<Record<string, readonly string[]>> = {
  pulse: ['-sources', 'pulse'],
  alsa: ['-sources', 'alsa'],
  openal: ['-list_devices', 'true', '-f', 'openal', '-i', 'dummy'],
  avfoundation: ['-f', 'avfoundation', '-list_devices', 'true', '-i', ''],
  dshow: ['-list_devices', 'true', '-f', 'dshow', '-i', 'dummy'],
};

/** What this machine can record from. @throws noFfmpeg */
export async function inputs(ffmpeg: string, platform: NodeJS.Platform = process.platform): Promise<Input[]> {
  const found = await Promise.all(
    systems(platform).map(async format =>
      parseInputs(
        format,
        await words(
          spawn(ffmpeg, ['-hide_banner', '-nostdin', ...LISTING[format]!], {
            stdio: ['ignore', 'pipe', 'pipe'],
            windowsHide: true,
          }),
          ffmpeg,
        ),
      ),
    ),
  );
  return found.flat();
}

/** Far more than any system's list of inputs. */
const MOST_CHARACTERS = 1024 ** 2;

/** What a short program says. */
async function words(child: ChildProcess, program: string): Promise<string> {
  let text = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.length > MOST_CHARACTERS) child.kill('SIGKILL');
    });
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  try {
    await ended(child, program);
    return text;
  } finally {
    clearTimeout(timer);
  }
}

/** How ffmpeg ended. Whatever it started is not waited for. @throws noFfmpeg */
const ended = (child: ChildProcess, path: string): Promise<number | string> =>
  exitOf(child).then(
    ({ code, signal }) => code ?? signal ?? 0,
    (error: Error) => {
      throw new EarshotError('noFfmpeg', { path }, error.message);
    },
  );

export interface Recording {
  /**
   * PCM as it is recorded. Ends after `stop`, or with the file that is played. @throws noMicrophone with ffmpeg's last
   * words, noFfmpeg
   */
  readonly sound: AsyncIterable<Buffer>;
  stop(): void;
}

/** ffmpeg hands over what it has when it is told to end, and takes no longer. */
const LAST_SOUND_MS = 2_000;

/** Begins at once, on the first input of the system that gives any sound. */
export function record(
  ffmpeg: string,
  device: string | undefined,
  platform: NodeJS.Platform = process.platform,
): Recording {
  let child: ChildProcess | null = null,
    stopped = false;
  async function* sound(): AsyncGenerator<Buffer> {
    let choices = inputArguments(device, platform);
    // DirectShow has no default: the first there is.
    if (!choices.length)
      choices = (await inputs(ffmpeg, platform)).slice(0, 1).flatMap(({ id }) => inputArguments(id, platform));
    let said = '';
    for (const input of choices) {
      if (stopped) return;
      const recorder = (child = spawn(
        ffmpeg,
        [
          '-nostdin',
          '-hide_banner',
          '-nostats',
          '-loglevel',
          'error',
          ...input,
          '-vn',
          '-ac',
          '1',
          '-ar',
          '16000',
          '-f',
          's16le',
          '-flush_packets',
          '1',
          'pipe:1',
        ],
        { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true },
      ));
      const end = ended(recorder, ffmpeg);
      end.catch(() => {});
      recorder.stderr!.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-2000);
      });
      let any = false;
      try {
        for await (const chunk of recorder.stdout as AsyncIterable<Buffer>) {
          any = true;
          yield chunk;
        }
        const exit = await end;
        if (stopped || (any && exit === 0)) return;
        if (any) break; // it was unplugged: no other takes its place unasked
      } finally {
        recorder.kill('SIGKILL');
      }
    }
    if (!stopped) throw new EarshotError('noMicrophone', device === undefined ? {} : { device }, said.trim());
  }
  return {
    sound: sound(),
    stop: () => {
      stopped = true;
      const recorder = child;
      if (!recorder || recorder.exitCode !== null || recorder.signalCode !== null) return;
      recorder.kill();
      // A device that does not answer holds ffmpeg back; whoever stops must not wait for it.
      const timer = setTimeout(() => recorder.kill('SIGKILL'), LAST_SOUND_MS);
      recorder.once('exit', () => clearTimeout(timer));
    },
  };
}

const QUIET_DB = -55,
  LOUD_DB = -12;
/** How loud a piece of PCM is: 0 is silence, 1 as loud as speech gets. */
export function loudness(pcm: Buffer): number {
  let sum = 0,
    count = 0;
  // Every fourth sample is enough.
  for (let at = 0; at + 1 < pcm.length; at += 8) {
    sum += (pcm.readInt16LE(at) / 32768) ** 2;
    count++;
  }
  const level = 10 * Math.log10(sum / Math.max(1, count) + 1e-10);
  return Math.max(0, Math.min(1, (level - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}

const BARS = '▁▂▃▄▅▆▇█';
/** Loudness as a column. */
export const meter = (level: number): string => BARS[Math.min(BARS.length - 1, Math.floor(level * BARS.length))]!;
