/**
 * Inputs made by chance for everything that reads what strangers wrote, the same for one seed. Each reader answers or
 * refuses in our own words, keeps its thread for less than 100 ms, and holds on to nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { inspect } from 'node:util';
import { join } from 'node:path';
import { checkParams, isMethod } from '../../daemon/api/rpc/check.ts';
import { BoundedReader, FrameError } from '../../daemon/api/rpc/frames.ts';
import { HttpProblem } from '../../daemon/api/http/problem.ts';
import { receiveForm, receiveJson } from '../../daemon/api/http/upload.ts';
import { cutText } from '../../daemon/ingest/text.ts';
import { readCTranslate2 } from '../../daemon/models/ctranslate2.ts';
import { readGguf } from '../../daemon/models/gguf.ts';
import { readOnnx } from '../../daemon/models/onnx/outline.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { METHODS } from '../../schemas/rpc.ts';
import { decodeText } from '../../text/encoding.ts';
import { parseGlossary, withTerm } from '../../text/glossary.ts';
import { recordingLinks } from '../../text/links.ts';
import { escapeMarkdown } from '../../text/markdown.ts';
import { parseSpeakers, withSpeakers } from '../../text/speakers.ts';
import { check, formatted, inLines, sorted } from '../../text/subtitles/check.ts';
import { plain, readCues, writeCues } from '../../text/subtitles/convert.ts';
import { parseSubtitles, scenesOf, speakersOf } from '../../text/subtitles/parse.ts';
import { readSpeech } from '../../text/subtitles/units.ts';
import { ctranslate2, gguf, onnx } from '../fixtures/models.ts';
import { random } from '../random.ts';
import { cpuMsOf, MOST_MS } from './cpu.ts';

export interface Target {
  name: string;
  input(chance: Chance): Buffer;
  /** Throws only what is ours: EarshotError, FrameError, HttpProblem. */
  read(input: Buffer): unknown;
}

/** Draws of one seed. */
export class Chance {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = random(seed);
  }
  /** 0 … below - 1 */
  below(below: number): number {
    return Math.floor(this.#next() * below);
  }
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
  bytes(length: number): Buffer {
    return Buffer.from(Uint8Array.from({ length }, () => this.below(256)));
  }
}

const MOST_BYTES = 64 * 1024;

/** A text with parts repeated, taken out, exchanged and put in, up to 64 KiB. */
function altered(chance: Chance, text: string, signs: readonly string[]): Buffer {
  let now = text;
  for (let edits = chance.below(8); edits > 0; edits--) {
    const from = chance.below(now.length + 1),
      to = Math.min(now.length, from + chance.below(chance.of([2, 10, 80])));
    const part = chance.of([
      '',
      chance.of(signs),
      now.slice(from, to).repeat(chance.below(5)),
      Array.from({ length: chance.below(6) }, () => chance.of(signs)).join(''),
    ]);
    now = now.slice(0, from) + part + now.slice(to);
  }
  // What makes a reader slow is mostly one thing many times, with something before and after it.
  if (chance.below(2)) {
    const unit = chance.below(2)
      ? Array.from({ length: 1 + chance.below(4) }, () => chance.of(signs)).join('')
      : now.slice(chance.below(now.length), chance.below(now.length)) || ' ';
    const often = Math.floor((chance.of([200, 4000, MOST_BYTES]) - now.length) / Buffer.byteLength(unit)),
      at = chance.below(now.length + 1);
    now = now.slice(0, at) + unit.repeat(Math.max(0, often)) + now.slice(at);
  }
  const bytes = Buffer.from(now).subarray(0, MOST_BYTES);
  if (chance.below(4) === 0)
    for (let n = chance.below(20); n > 0; n--) bytes[chance.below(bytes.length)] = chance.below(256);
  return bytes;
}

/** Bytes of a header with some exchanged, cut, doubled or set to the most that there is. */
function alteredBytes(chance: Chance, whole: Buffer): Buffer {
  const bytes = Buffer.from(whole);
  for (let edits = chance.below(6); edits > 0; edits--) {
    const at = chance.below(bytes.length);
    if (chance.below(2)) bytes[at] = chance.of([0, 1, 0x7f, 0x80, 0xff, chance.below(256)]);
    else bytes.fill(chance.of([0, 0xff]), at, Math.min(bytes.length, at + chance.of([2, 4, 8])));
  }
  const parts = [bytes, bytes.subarray(0, chance.below(bytes.length)), Buffer.concat([bytes, chance.bytes(64)])];
  return chance.of([...parts, Buffer.concat(Array.from({ length: 1 + chance.below(400) }, () => bytes))]);
}

const NASTY = [
  'constructor',
  '__proto__',
  'toString',
  '\0',
  '\ufeff',
  '\ud800',
  '\u202e',
  '😀',
  '字',
  '\t',
  ' ',
  '\r',
  '\n',
];
const SUBTITLE_SIGNS = [
  ...'--> 00:00:01,000 00:00:02.000 1 NOTE STYLE REGION WEBVTT <i> </i> < > {\\an8} { } \\ &amp; &'.split(' '),
  ...'line:0 [Events] ,'.split(' '),
  ...['<v Anna>', 'Anna: ', '- ', 'word ', '\n\n', 'Dialogue: ', 'Format: '],
  ...NASTY,
];
const SRT =
  '1\n00:00:01,000 --> 00:00:02,500\n- Good morning.\n<i>Anna:</i> Hello.\n\n2\n' +
  '00:00:03,000 --> 00:00:04,000\nAnna: Yes.\n';
const VTT =
  'WEBVTT\n\nNOTE a\n\nSTYLE\n::cue {}\n\n1\n00:00:01.000 --> 00:00:02.500 line:0\n' +
  '<v Anna>Good &amp; bad.</v>\n\n00:03.000 --> 00:04.000\nYes.\n';
const ASS =
  '[Script Info]\nTitle: a\n\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n' +
  'Dialogue: 0,0:00:01.00,0:00:02.00,D,Anna,{\\an8}{\\i1}Yes\\N{\\k20}no\n';
const GLOSSARY =
  '# names\nDashwood (Dash wood, Dashwoods) = 达什伍德\n- **Willoughby** (Willow bee)\n' +
  '| Term | Aliases |\n| --- | --- |\n| Elinor | Elenor |\n';
const GLOSSARY_SIGNS = [
  ...'( ) （ ） = , ; | |---| * ** _ __ ` <!-- --> [x] # " \\ ```'.split(' '),
  ...['- '],
  ...NASTY,
];
const MARKDOWN =
  '# Talk\n\n[talk](clips/talk.wav "title") and [there](<a b.mp3#t=1:02>) `[not](x.wav)`\n\n' +
  '```\n[not](y.wav)\n```\n![](z.ogg#t=5)\n';
const MARKDOWN_SIGNS = [...']( [ ] ( ) < > ` `` " \' \\ #t= ~~~ ``` a.wav file: %20 %'.split(' '), ...[' '], ...NASTY];

const textTarget = (
  name: string,
  texts: readonly string[],
  signs: readonly string[],
  read: (text: string) => unknown,
): Target => ({
  name,
  input: chance => altered(chance, chance.of(texts), signs),
  read: bytes => read(bytes.toString('utf8')),
});

const scratch = mkdtempSync(join(tmpdir(), 'earshot-fuzzing-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
const headerTarget = (name: string, whole: Buffer, read: (path: string) => unknown): Target => ({
  name,
  input: chance => alteredBytes(chance, whole),
  read: bytes => {
    const path = join(scratch, 'model');
    writeFileSync(path, bytes);
    return read(path);
  },
});

/** Each of the readers on its own: 64 KiB keep a thread for less than 100 ms. */
export const TARGETS: readonly Target[] = [
  ...(['srt', 'vtt'] as const).flatMap(kind => [
    textTarget(`subtitles ${kind}: read`, [SRT, VTT], SUBTITLE_SIGNS, text => {
      const subtitles = parseSubtitles(text, kind);
      return [speakersOf(subtitles), scenesOf(subtitles)];
    }),
    textTarget(`subtitles ${kind}: check`, [SRT, VTT], SUBTITLE_SIGNS, text => check(parseSubtitles(text, kind))),
    textTarget(`subtitles ${kind}: format`, [SRT, VTT], SUBTITLE_SIGNS, text => formatted(text, kind)),
    textTarget(`subtitles ${kind}: sort`, [SRT, VTT], SUBTITLE_SIGNS, text => sorted(text, kind)),
  ]),
  ...(['srt', 'vtt', 'ass'] as const).flatMap(format => [
    textTarget(`subtitles ${format}: speech`, [SRT, VTT, ASS], SUBTITLE_SIGNS, text => readSpeech(text, format)),
    ...(['srt', 'vtt', 'ass', 'txt', 'md'] as const).map(to =>
      textTarget(`subtitles ${format} to ${to}`, [SRT, VTT, ASS], SUBTITLE_SIGNS, text =>
        writeCues(readCues(text, format), to, 'title'),
      ),
    ),
    textTarget(`subtitles ${format}: words`, [SRT, VTT, ASS], SUBTITLE_SIGNS, text =>
      readCues(text, format).map(plain),
    ),
  ]),
  textTarget('subtitles: lines', [SRT], SUBTITLE_SIGNS, text => inLines(text)),
  ...(['a.md', 'a.csv', 'a.json', 'a.txt'] as const).map(path =>
    textTarget(
      `glossary ${path}`,
      [GLOSSARY, 'term,aliases\n"a ""b""",c;d\n', '[{"term":"a"},"b"]'],
      GLOSSARY_SIGNS,
      text => {
        parseGlossary(text, path);
        return withTerm(text, path, 'new');
      },
    ),
  ),
  textTarget('voices', ['{"speakers":{"Anna":"AAAA"}}'], ['"', '{', '}', ':', ...NASTY], text =>
    withSpeakers(text, parseSpeakers(text)),
  ),
  textTarget('Markdown: links', [MARKDOWN], MARKDOWN_SIGNS, recordingLinks),
  textTarget('Markdown: escaped', [MARKDOWN], MARKDOWN_SIGNS, escapeMarkdown),
  textTarget('a text to speak', ['Good morning. How are you?\n\nFine.'], ['. ', '\n', '。', '!', ...NASTY], text =>
    cutText(text, 'en'),
  ),
  {
    name: 'a text in any encoding',
    input: chance => altered(chance, chance.of([SRT, GLOSSARY]), SUBTITLE_SIGNS),
    read: bytes => decodeText(bytes),
  },
  headerTarget('GGUF', gguf({ 'general.architecture': 'qwen2', 'tokenizer.ggml.tokens': ['a', 'b'] }), readGguf),
  headerTarget('ONNX', onnx(), readOnnx),
  headerTarget('CTranslate2', ctranslate2('WhisperSpec'), readCTranslate2),
  {
    name: 'RPC: frames',
    input: chance => {
      const body = (): string =>
        chance.of(['{"jsonrpc":"2.0","id":1,"method":"job/list"}', '[', '{}', 'null', '"a"', '{"a":'.repeat(2000)]);
      const parts = Array.from({ length: 1 + chance.below(30) }, () => {
        const text = body(),
          length = chance.of([Buffer.byteLength(text), Buffer.byteLength(text), chance.below(100), 99_999_999, -1]);
        return chance.of([
          `Content-Length: ${length}\r\n\r\n${text}`,
          `content-length:${length}\r\nX: y\r\n\r\n${text}`,
          text,
          '\r\n\r\n',
          'X'.repeat(5000),
        ]);
      });
      return alteredBytes(chance, Buffer.from(parts.join(''))).subarray(0, MOST_BYTES);
    },
    read: bytes => {
      const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      const reader = new BoundedReader(socket as Socket);
      const listening = reader.listen(() => {});
      let broke: unknown = null;
      const failing = reader.onError(error => {
        if (!(error instanceof FrameError) && !(error instanceof SyntaxError)) broke = error;
      });
      for (let at = 0; at < bytes.length; at += 1000) socket.emit('data', bytes.subarray(at, at + 1000));
      failing.dispose();
      listening.dispose();
      reader.dispose();
      socket.destroy();
      if (broke) throw broke;
    },
  },
  {
    name: 'RPC: parameters',
    input: chance => {
      const method = chance.of([...Object.keys(METHODS), ...NASTY, 'job/x']);
      let left = 500;
      const value = (depth: number): unknown => {
        if (--left < 0) return 0;
        switch (chance.below(depth > 4 ? 5 : 7)) {
          case 0:
            return chance.of([0, -1, 1e308, 2 ** 53, 0.5]);
          case 1:
            return chance.of([...NASTY, '../x', 'a'.repeat(chance.below(5000)), '01ARZ3NDEKTSV4RRFFQ69G5FAV']);
          case 2:
            return chance.of([null, true, false]);
          case 5:
            return Array.from({ length: chance.below(chance.of([3, 300])) }, () => value(depth + 1));
          default:
            return Object.fromEntries(
              Array.from({ length: chance.below(6) }, () => [
                chance.of(['id', 'ids', 'path', 'paths', 'options', 'values', 'limit', 'language', 'models', ...NASTY]),
                depth > 4 ? 1 : value(depth + 1),
              ]),
            );
        }
      };
      return Buffer.from(JSON.stringify([method, value(0)]));
    },
    read: bytes => {
      const [method, params] = JSON.parse(bytes.toString('utf8')) as [string, unknown];
      return isMethod(method) ? checkParams(method, params) : null;
    },
  },
];

let server: Promise<Server> | null = null;
const uploads = join(scratch, 'uploads');
/** Answers what came of a form or of JSON: 200, or the status of the refusal; 599 where it is not one of ours. */
const listening = (): Promise<Server> =>
  (server ??= (async () => {
    const made = createServer((asked, answer) => {
      const received = asked.url === '/json' ? receiveJson(asked, 1024 ** 2) : receiveForm(asked, uploads, 1024 ** 2);
      received
        .then(
          () => 200,
          (error: unknown) => (error instanceof HttpProblem ? error.status : error instanceof EarshotError ? 400 : 599),
        )
        .then(status => {
          rmSync(uploads, { recursive: true, force: true });
          if (!answer.destroyed) answer.writeHead(status, { connection: 'close' }).end();
        })
        .catch(() => answer.destroy());
    }).listen(0, '127.0.0.1');
    made.unref();
    await once(made, 'listening');
    return made;
  })());

/** No form takes a second; one that is not answered after this never is. */
const UNANSWERED_MS = 20_000;

/** One form, cut and altered anywhere, to the receiver that the daemon has. Null: it is answered in our words. */
export async function form(seed: number): Promise<string | null> {
  const chance = new Chance(seed),
    { port } = (await listening()).address() as AddressInfo;
  const boundary = chance.of(['b', 'x'.repeat(70), '"']),
    part = (name: string, more: string, body: string): string =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${body}\r\n`;
  const whole =
    Array.from({ length: chance.below(6) }, () =>
      part(
        chance.of(['model', 'language', 'file', '__proto__', 'constructor', '']),
        chance.of(['', '; filename="a.wav"', '; filename="../../x"', "; filename*=UTF-8''%2e%2e"]),
        chance.of(['en', '', 'a'.repeat(chance.below(20_000))]),
      ),
    ).join('') + `--${boundary}--\r\n`;
  const bytes = chance.of([Buffer.from(whole), alteredBytes(chance, Buffer.from(whole)).subarray(0, MOST_BYTES)]),
    cut = chance.below(3) === 0 ? chance.below(bytes.length) : bytes.length;
  const answered = await new Promise<number | null>(resolve => {
    const waiting = setTimeout(() => resolve(null), UNANSWERED_MS);
    const settle = (status: number): void => {
      clearTimeout(waiting);
      resolve(status);
    };
    const asked = request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: chance.of(['/form', '/form', '/form', '/json']),
      headers: {
        'content-type': chance.of([
          `multipart/form-data; boundary=${boundary}`,
          `multipart/form-data; boundary=${boundary}`,
          'multipart/form-data',
          'text/plain',
        ]),
        ...(chance.below(2) ? { 'content-length': bytes.length } : {}),
      },
    });
    asked
      .on('response', answer => {
        answer.resume();
        settle(answer.statusCode ?? 0);
      })
      .on('error', () => settle(0));
    asked.write(bytes.subarray(0, cut));
    if (cut < bytes.length && chance.below(2)) asked.destroy();
    else asked.end();
    // Of one that promised more than it sends there is no answer.
    if (cut < bytes.length) setTimeout(() => asked.destroy(), 50);
  });
  if (answered === null) return `a form of seed ${seed} was never answered`;
  return answered === 599 ? `a form of seed ${seed} broke its receiver` : null;
}

/** What a reader does with the input of a seed; null: as it should. */
export function tried(target: Target, seed: number): string | null {
  const input = target.input(new Chance(seed)),
    begins = JSON.stringify(input.toString('utf8').slice(0, 300)),
    shown = `${target.name}, seed ${seed}: ${begins}… of ${input.length} bytes`;
  let broke: unknown = null;
  const ms = cpuMsOf(() => {
    try {
      target.read(input);
    } catch (error) {
      if (!(error instanceof EarshotError)) broke = error;
    }
  }, MOST_MS);
  if (broke !== null) return `${shown}\nbroke: ${inspect(broke)}`;
  return ms >= MOST_MS ? `${shown}\nkept its thread for ${Math.round(ms)} ms` : null;
}

/**
 * Calls back for every file that was left open and closed only because nobody could reach it any more. What was left
 * since is seen after `held`.
 */
export function onLeftOpen(found: (warning: string) => void): void {
  process.on('warning', ({ message }) => {
    if (message.includes('garbage collection')) found(message);
  });
}

export const handles = (): number => process.getActiveResourcesInfo().length;

/** Bytes that this process holds once nothing is left to be collected; it runs with --expose-gc. */
export function held(): number {
  for (let n = 0; n < 3; n++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
