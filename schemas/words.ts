/** The nouns of Earshot that everything else is made of. See ARCHITECTURE.md, "Words". */
import { Type, type Static, type TSchema } from 'typebox';

/** The stages of a recording, and what is done with a finished transcript by a job of its own: a summary. */
export const Stage = Type.Enum(['asr', 'repair', 'nmt', 'tts', 'summary']);
export type Stage = Static<typeof Stage>;
/** The stages of a recording in the only order there is. */
export const STAGES = ['asr', 'repair', 'nmt', 'tts'] as const satisfies readonly Stage[];
/** All that a model can be asked for. Their places are their numbers in the store. */
export const KINDS_OF_WORK = [...STAGES, 'summary'] as const satisfies readonly Stage[];

export const JOB_STATES = ['pending', 'loading', 'processing', 'paused', 'completed', 'failed', 'cancelled'] as const;
export const JobState = Type.Enum([...JOB_STATES]);
export type JobState = Static<typeof JobState>;
/** States that a job does not leave by itself. */
export const isFinal = (state: JobState): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';

/** From most to least pressing; the rank is the index. */
export const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;
export const Priority = Type.Enum([...PRIORITIES]);
export type Priority = Static<typeof Priority>;

/** Formats of transcripts that are text. */
export const TEXT_FORMATS = ['txt', 'srt', 'vtt', 'json', 'md', 'ass', 'html', 'csv', 'ttml', 'fcpxml', 'edl'] as const;
export const TextFormat = Type.Enum([...TEXT_FORMATS]);
export type TextFormat = Static<typeof TextFormat>;
/** All of them: documents of word processors and pages to print are not text. */
export const FORMATS = [...TEXT_FORMATS, 'docx', 'pdf'] as const;
export const Format = Type.Enum([...FORMATS]);
export type Format = Static<typeof Format>;
export const isTextFormat = (format: Format): format is TextFormat =>
  (TEXT_FORMATS as readonly Format[]).includes(format);

export const DeviceKind = Type.Enum(['gpu', 'cpu']);
export type DeviceKind = Static<typeof DeviceKind>;

export const DeviceId = Type.String({
  minLength: 1,
  maxLength: 128,
  description: 'A GPU’s UUID as NVML gives it (`GPU-…`), or `cpu`.',
});

export const Id = Type.String({
  pattern: '^[0-9A-HJKMNP-TV-Z]{26}$',
  description: 'A ULID: 26 characters that sort by time of creation.',
});

export const Language = Type.String({
  pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$',
  maxLength: 35,
  description: 'BCP 47: `en`, `zh`, `pt-BR`.',
});

export const Time = Type.Integer({ minimum: 0, description: 'Milliseconds since the Unix epoch.' });
export const Milliseconds = Type.Integer({ minimum: 0, description: 'Milliseconds; of a recording, from its start.' });
export const Bytes = Type.Integer({ minimum: 0 });
export const Path = Type.String({ minLength: 1, maxLength: 4096 });
export const Fraction = Type.Number({ minimum: 0, maximum: 1 });

/** An object that refuses properties it does not know. */
export const Closed = <P extends Record<string, TSchema>>(properties: P, description?: string) =>
  Type.Object(properties, { additionalProperties: false, ...(description ? { description } : {}) });
export const Optional = Type.Optional;
/** A value or null, for fields that a device or recording may not have. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** A record whose keys are stages, each of which may be missing. */
export const ByStage = <T extends TSchema>(schema: T) =>
  Closed({
    asr: Type.Optional(schema),
    repair: Type.Optional(schema),
    nmt: Type.Optional(schema),
    tts: Type.Optional(schema),
    summary: Type.Optional(schema),
  });
