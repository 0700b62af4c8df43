/**
 * PyTorch checkpoints (a zip with one pickle and a file a tensor) read without PyTorch. Of the pickle only data is
 * made: whatever else it names becomes an object without content, and nothing in it is ever run.
 */
import { promisify } from 'node:util';
import { buffer } from 'node:stream/consumers';
import yauzl, { type Entry, type ZipFile } from 'yauzl';

export interface Tensor {
  shape: number[];
  values: Float32Array;
}

/** Tensors of floats by their names, in the file's order. */
export type Weights = ReadonlyMap<string, Tensor>;

const openZip = promisify<string, yauzl.Options, ZipFile>(yauzl.open);

/** @throws where it is no checkpoint, or not of floats */
export async function readCheckpoint(path: string): Promise<Weights> {
  const files = await unzipped(path),
    pickle = [...files.keys()].find(name => name.endsWith('/data.pkl'));
  if (pickle === undefined) throw new Error('no checkpoint of PyTorch');
  const storages = pickle.slice(0, -'data.pkl'.length),
    root = unpickle(files.get(pickle)!, key => files.get(`${storages}data/${key}`)),
    state = root instanceof Map ? (root.get('state_dict') ?? root) : null;
  if (!(state instanceof Map)) throw new Error('a checkpoint without weights');
  const weights = new Map<string, Tensor>();
  for (const [name, value] of state) if (typeof name === 'string' && isTensor(value)) weights.set(name, value);
  return weights;
}

async function unzipped(path: string): Promise<Map<string, Buffer>> {
  const zip = await openZip(path, { lazyEntries: true, autoClose: false }),
    open = promisify<Entry, NodeJS.ReadableStream>(zip.openReadStream.bind(zip)),
    files = new Map<string, Buffer>();
  try {
    await new Promise<void>((resolve, reject) => {
      zip.once('error', reject).once('end', resolve);
      zip.on('entry', (entry: Entry) => {
        open(entry)
          .then(buffer)
          .then(bytes => {
            files.set(entry.fileName, bytes);
            zip.readEntry();
          }, reject);
      });
      zip.readEntry();
    });
    return files;
  } finally {
    zip.close();
  }
}

/** What a pickle names but we do not make. */
class Named {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
const MARK = Symbol('mark');
/** A storage: its numbers. */
type Storage = Float32Array | null;

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'values' in value && value.values instanceof Float32Array;

function floatsOf(bytes: Buffer | undefined): Float32Array {
  if (!bytes || bytes.length % 4) throw new Error('a tensor without its numbers');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** A tensor of a storage; null where it holds something other than floats. */
function rebuilt([storage, offset, shape, stride]: unknown[]): Tensor | null {
  if (!(storage instanceof Float32Array)) return null;
  const sizes = shape as number[],
    count = sizes.reduce((product, size) => product * size, 1);
  // As they are saved, they lie in order.
  let expected = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    if (sizes[axis] !== 1 && (stride as number[])[axis] !== expected) throw new Error('a tensor that lies in no order');
    expected *= sizes[axis]!;
  }
  const from = offset as number,
    values = storage.subarray(from, from + count);
  if (values.length !== count) throw new Error('a tensor beyond its numbers');
  return { shape: sizes, values };
}

function made(what: unknown, args: unknown[]): unknown {
  const name = what instanceof Named ? what.name : '';
  if (name === 'torch._utils _rebuild_tensor_v2') return rebuilt(args);
  if (name === 'torch._utils _rebuild_parameter') return args[0];
  return name === 'collections OrderedDict' ? new Map() : new Named(name);
}

/** The object in a pickle (protocol 2), by the codes that PyTorch writes. @throws at any other */
export function unpickle(pickle: Buffer, storageOf: (key: string) => Buffer | undefined): unknown {
  const stack: unknown[] = [],
    memo = new Map<number, unknown>();
  let at = 0;
  const byte = (): number => pickle.readUInt8(at++),
    uint32 = (): number => pickle.readUInt32LE((at += 4) - 4),
    line = (): string => {
      const end = pickle.indexOf(10, at),
        text = pickle.toString('utf8', at, end);
      at = end + 1;
      return text;
    };
  const marked = (): unknown[] => {
    const from = stack.lastIndexOf(MARK),
      items = stack.splice(from);
    return items.slice(1);
  };
  const put = (items: unknown[]): void => {
    const into = stack.at(-1);
    if (into instanceof Map) for (let i = 0; i + 1 < items.length; i += 2) into.set(items[i], items[i + 1]);
    else if (Array.isArray(into)) into.push(...items);
  };
  for (;;) {
    const code = String.fromCharCode(byte());
    switch (code) {
      case '\x80': // PROTO
        byte();
        break;
      case '.': // STOP
        return stack.pop();
      case '(': // MARK
        stack.push(MARK);
        break;
      case '}': // EMPTY_DICT
        stack.push(new Map());
        break;
      case ']': // EMPTY_LIST
      case ')': // EMPTY_TUPLE
        stack.push([]);
        break;
      case 't': // TUPLE
        stack.push(marked());
        break;
      case '\x85': // TUPLE1
      case '\x86': // TUPLE2
      case '\x87': // TUPLE3
        stack.push(stack.splice(-(code.charCodeAt(0) - 0x84)));
        break;
      case 'X': // BINUNICODE
        stack.push(pickle.toString('utf8', at + 4, (at += 4 + pickle.readUInt32LE(at))));
        break;
      case 'K': // BININT1
        stack.push(byte());
        break;
      case 'M': // BININT2
        stack.push(pickle.readUInt16LE((at += 2) - 2));
        break;
      case 'J': // BININT
        stack.push(pickle.readInt32LE((at += 4) - 4));
        break;
      case 'G': // BINFLOAT
        stack.push(pickle.readDoubleBE((at += 8) - 8));
        break;
      case 'N': // NONE
        stack.push(null);
        break;
      case '\x88': // NEWTRUE
      case '\x89': // NEWFALSE
        stack.push(code === '\x88');
        break;
      case 'c': // GLOBAL
        stack.push(new Named(`${line()} ${line()}`));
        break;
      case 'q': // BINPUT
        memo.set(byte(), stack.at(-1));
        break;
      case 'r': // LONG_BINPUT
        memo.set(uint32(), stack.at(-1));
        break;
      case 'h': // BINGET
        stack.push(memo.get(byte()));
        break;
      case 'j': // LONG_BINGET
        stack.push(memo.get(uint32()));
        break;
      case 'Q': {
        // BINPERSID
        const [, type, key] = stack.pop() as [string, Named, string],
          storage: Storage = type.name === 'torch FloatStorage' ? floatsOf(storageOf(key)) : null;
        stack.push(storage);
        break;
      }
      case 'R': // REDUCE
      case '\x81': {
        // NEWOBJ
        const [what, args] = stack.splice(-2);
        stack.push(made(what, args as unknown[]));
        break;
      }
      case 'b': // BUILD: a state for what was made
        stack.pop();
        break;
      case 's': // SETITEM
        put(stack.splice(-2));
        break;
      case 'a': // APPEND
        put(stack.splice(-1));
        break;
      case 'u': // SETITEMS
      case 'e': // APPENDS
        put(marked());
        break;
      default:
        throw new Error(`a pickle with the code ${code.charCodeAt(0).toString(16)}`);
    }
  }
}
