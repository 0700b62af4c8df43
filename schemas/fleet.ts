/** A fleet: machines that share one queue, and what a client may know of it. */
import { Type, type Static } from 'typebox';
import { Device } from './device.ts';
import { Failure } from './failure.ts';
import { Settings } from './settings.ts';
import { Closed, Nullable, Optional, Path, Time } from './words.ts';

export const FleetUse = Type.Enum(['always', 'noGpu', 'busy', 'never']);
export const FleetShare = Type.Enum(['always', 'idle', 'never']);
/** A role of PostgreSQL's, as Earshot makes them. */
export const LoginName = Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,62}$' });

export const FleetMachine = Closed({
  id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  /** It is this one. */
  here: Type.Boolean(),
  /** It was heard of within the last 45 s and did not leave. */
  live: Type.Boolean(),
  seenAt: Time,
  share: FleetShare,
  draining: Type.Boolean(),
  /** Jobs of the fleet that it works on. */
  running: Type.Integer(),
  /** `stage:model@identity`, `root:name`. */
  can: Type.Array(Type.String()),
  devices: Type.Array(Device),
});
export type FleetMachine = Static<typeof FleetMachine>;

/** Jobs of one person in one state; of others nothing but numbers. */
export const FleetCount = Closed({
  /** Null: somebody else's. */
  owner: Nullable(Type.String()),
  yours: Type.Boolean(),
  state: Type.String(),
  jobs: Type.Integer(),
  recordingSeconds: Type.Integer(),
});
export type FleetCount = Static<typeof FleetCount>;

export const FleetStatus = Closed({
  /** Null: this machine belongs to none. */
  settings: Settings.properties.fleet,
  /** What stands between this machine and the fleet, if anything. */
  problems: Type.Array(Failure),
  draining: Type.Boolean(),
  /** Jobs of this queue that others do; jobs of others that are done here. */
  lent: Type.Integer(),
  taken: Type.Integer(),
  machines: Type.Array(FleetMachine),
  jobs: Type.Array(FleetCount),
});
export type FleetStatus = Static<typeof FleetStatus>;

/** Jobs that ended on one machine in a window; of others' jobs only a chief is told. */
export const FleetFigures = Closed({
  /** Null: no machine had taken them. */
  machine: Nullable(Type.String()),
  completed: Type.Integer(),
  failed: Type.Integer(),
  cancelled: Type.Integer(),
  recordingSeconds: Type.Number(),
  /** From submission to the first attempt, and from there to the end: sums over the jobs. */
  waitedSeconds: Type.Number(),
  workedSeconds: Type.Number(),
  /** Of recordings that moved through the database, and of what came back. */
  sentBytes: Type.Number(),
  resultBytes: Type.Number(),
  /** Attempts beyond each job's first. */
  takeovers: Type.Integer(),
});
export type FleetFigures = Static<typeof FleetFigures>;

export const FleetStats = Closed({
  since: Time,
  until: Time,
  /** The figures are of everybody's jobs: a chief asks. */
  everybody: Type.Boolean(),
  figures: Type.Array(FleetFigures),
  machines: Type.Array(FleetMachine),
  /** Jobs that are not over now. */
  jobs: Type.Array(FleetCount),
});
export type FleetStats = Static<typeof FleetStats>;

export const FleetJoin = Closed({
  /** postgres://LOGIN:PASSWORD@HOST/DATABASE */
  url: Type.String({ minLength: 1, maxLength: 2000 }),
  ca: Optional(Path),
  use: Optional(FleetUse),
  share: Optional(FleetShare),
  roots: Optional(Type.Record(Type.String({ pattern: '^[a-z0-9-]{1,40}$' }), Path)),
  partMinutes: Optional(Type.Number({ minimum: 0, maximum: 1440 })),
});

export const FleetInit = Closed({
  /** Of a role that may create roles: postgres://LOGIN:PASSWORD@HOST/DATABASE */
  url: Type.String({ minLength: 1, maxLength: 2000 }),
  ca: Optional(Path),
  people: Optional(Type.Array(LoginName, { maxItems: 1000 })),
  chiefs: Optional(Type.Array(LoginName, { maxItems: 1000 })),
  machines: Optional(Type.Array(LoginName, { maxItems: 1000 })),
  /** Passwords are the server's business: LDAP, Kerberos, certificates. */
  withoutPasswords: Optional(Type.Boolean()),
  leaseSeconds: Optional(Type.Integer({ minimum: 10, maximum: 3600 })),
  /** The most jobs of the same needs that one person has at work at once; 0: any number. */
  perPerson: Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
});

/** A PostgreSQL for a fleet on this machine. What is left out stays as it was before. */
export const FleetHost = Closed({
  /** Where everything of it lies; its own place in the state folder by default. */
  folder: Optional(Path),
  /** What other machines reach this one by: a name or an address. */
  name: Optional(Type.String({ pattern: '^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$' })),
  port: Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  /** Only programs on this machine reach it; no TLS. */
  local: Optional(Type.Boolean()),
});
/** How its server is started: with `env` beside the usual, and its output in `log`. */
export const FleetHostProgram = Closed({
  isNew: Type.Boolean(),
  folder: Type.String(),
  program: Type.String(),
  args: Type.Array(Type.String()),
  env: Type.Record(Type.String(), Type.String()),
  log: Type.String(),
  /** For `fleet/init`, with the password of whoever may make roles. */
  admin: Type.String(),
  /** NAME:PORT for the others. */
  address: Type.String(),
  /** The certificate that they need; null: none. */
  ca: Nullable(Type.String()),
});

/** A login that was made, or given a new password. */
export const FleetLogin = Closed({
  name: Type.String(),
  kind: Type.Enum(['person', 'chief', 'machine']),
  /** What to give to `earshot fleet join`. */
  url: Type.String(),
});
export type FleetLogin = Static<typeof FleetLogin>;
