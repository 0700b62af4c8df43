/**
 * The one way to call ffmpeg. What it reads is open already or comes through a pipe; the kinds of media that it may
 * take it for are listed, since a playlist under the name of a recording would have it read other files; and every
 * caller says what it may touch.
 */
import { environment } from './environment.ts';
import type { Permissions } from './sandbox/permissions.ts';
import { SYSTEM_FOLDER, type Program } from './spawn.ts';

declare const checked: unique symbol;
/** Something to read. Only this file makes one, so that no caller leaves out what must come before it. */
export interface Input {
  readonly options: readonly string[];
  readonly source: OpenFile | 'stdin';
  readonly [checked]: true;
}

export interface OpenFile {
  fd: number;
  /** Where it lies, for systems where descriptors have no names. */
  path: string;
  /** A link to what `passedFile` names: its ending tells what the content leaves open. */
  link?: string;
  /** Only these bytes of it, as if they were a file. */
  range?: { start: number; end: number };
}

/**
 * Containers and streams of sound and video, none of which leads to other files. Names that a version does not know are
 * passed over.
 */
export const MEDIA_FORMATS = (
  'aa,aac,ac3,ac4,act,aea,aiff,alaw,amr,amrnb,amrwb,apac,ape,apm,aptx,aptx_hd,asf,asf_o,ast,au,avi,avr,bonk,caf,' +
  'codec2,codec2raw,daud,dsf,dss,dts,dtshd,dv,eac3,flac,flv,g722,g723_1,g726,g726le,g728,g729,gsm,gxf,hca,iamf,iff,' +
  'ilbc,ircam,kux,lc3,live_flv,loas,lxf,matroska,mlp,mmf,mov,mp3,mpc,mpc8,mpeg,mpegts,mulaw,mxf,nistsphere,nsv,nut,' +
  'ogg,oma,osq,pva,pvf,qcp,qoa,rm,rso,s16be,s16le,s8,sbc,sds,shn,sln,smjpeg,sol,sox,spdif,swf,tak,truehd,tta,u16le,' +
  'u8,voc,w64,wav,webm,wsaud,wsd,wtv,wv,xa,xwma'
).split(',');

const input = (source: Input['source'], formats: readonly string[], options: readonly string[] = []): Input =>
  ({
    source,
    options: [
      ...options,
      '-protocol_whitelist',
      source === 'stdin' ? 'pipe' : source.range ? 'subfile,file' : 'file',
      '-format_whitelist',
      formats.join(','),
    ],
  }) as unknown as Input;

/**
 * A stranger's: any kind of media. `wholeFile`: of a WAV file, whatever length its header states. `allFrames`: those
 * too that ffmpeg would leave out, because the times of fragments go back.
 */
export const recordingInput = (file: OpenFile, { wholeFile = false, allFrames = false } = {}): Input =>
  input(file, MEDIA_FORMATS, [
    ...(wholeFile ? ['-ignore_length', '1'] : []),
    ...(allFrames ? ['-flags2', '+skip_manual'] : []),
  ]);
/** The same as it is made: little is looked at before the first sound. */
export const streamInput = (): Input =>
  input('stdin', MEDIA_FORMATS, ['-probesize', '65536', '-analyzeduration', '500000']);
/** A recording that comes through a pipe, as its header had to be repaired: it is looked at like any other. */
export const pipedInput = (): Input => input('stdin', MEDIA_FORMATS);
/** Mono 16-bit samples. */
export const samplesInput = (sampleRate: number): Input =>
  input('stdin', ['s16le'], ['-f', 's16le', '-ar', String(sampleRate), '-ac', '1']);
/** What we wrote ourselves. */
export const ownInput = (source: Input['source'], format: 'wav' | 'mp3' | 'mov' | 'srt' | 'webvtt'): Input =>
  input(source, [format], ['-f', format]);

/** How a program calls the nth file that it is passed; null: it cannot, and opens it by its path. */
export const passedFile = (n: number): string | null =>
  process.platform === 'linux' ? `/proc/self/fd/${3 + n}` : process.platform === 'win32' ? null : `/dev/fd/${3 + n}`;

export interface FfmpegCall {
  ffmpeg: string;
  inputs: readonly Input[];
  /** What follows the inputs: what becomes of them, and where it goes unless that is `output`. */
  args: readonly string[];
  /** An empty file of ours, open to write: by its name somebody else's could be written by now. */
  output?: OpenFile;
  /** What it may touch beside its inputs, which it may read; null: what its user may. */
  permissions: Permissions | null;
  /** All that it says, for those who read it; otherwise errors only. */
  says?: 'everything';
  group?: Program['group'];
}

/** For `startProgram`; its standard input is a pipe where an input is `stdin`. */
export function ffmpegProgram({ ffmpeg, inputs, args, output, permissions, says, group = 'own' }: FfmpegCall): Program {
  const files = [...inputs.flatMap(({ source }) => (source === 'stdin' ? [] : [source])), ...(output ? [output] : [])];
  const name = (source: Input['source']): string => {
    if (source === 'stdin') return 'pipe:0';
    const { range } = source,
      file = `file:${source.link ?? passedFile(files.indexOf(source)) ?? source.path}`;
    return range ? `subfile,,start,${range.start},end,${range.end},,:${file}` : file;
  };
  return {
    program: ffmpeg,
    args: [
      ...['-hide_banner', '-nostats', '-loglevel', says === 'everything' ? 'repeat+level+info' : 'error'],
      ...(inputs.some(({ source }) => source === 'stdin') ? [] : ['-nostdin']),
      ...inputs.flatMap(({ options, source }) => [...options, '-i', name(source)]),
      ...args,
      ...(output ? ['-y', name(output)] : []),
    ],
    files: files.map(({ fd }) => fd),
    cwd: SYSTEM_FOLDER,
    env: environment('local'),
    permissions,
    group,
  };
}
