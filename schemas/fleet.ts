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

export const FleetJoin = Closed({
  /** postgres://LOGIN:PASSWORD@HOST/DATABASE */
  url: Type.String({ minLength: 1, maxLength: 2000 }),
  ca: Optional(Path),
  use: Optional(FleetUse),
  share: Optional(FleetShare),
  roots: Optional(Type.Record(Type.String({ pattern: '^[a-z0-9-]{1,40}$' }), Path)),
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

/** A login that was made, or given a new password. */
export const FleetLogin = Closed({
  name: Type.String(),
  kind: Type.Enum(['person', 'chief', 'machine']),
  /** What to give to `earshot fleet join`. */
  url: Type.String(),
});
export type FleetLogin = Static<typeof FleetLogin>;
