/**
 * The only place that knows pg and pg-boss. A bundle of its own, which is loaded when this machine belongs to a fleet
 * (load.ts); so it throws plain errors, which problems.ts understands.
 */
import pg from 'pg';
import { getConstructionPlans, getMigrationPlans, PgBoss } from 'pg-boss';

/** How the database is reached. Without TLS on this very machine alone; else its certificate must be its own. */
export interface Access {
  host: string;
  port: number;
  database: string;
  user: string;
  password?: string | undefined;
  /** Certificates of who signs the server's, PEM; missing: those that Node knows. */
  ca?: string | undefined;
}
export type Row = Record<string, unknown>;
export type Query = <R = Row>(text: string, values?: readonly unknown[]) => Promise<R[]>;
/** A job of pg-boss as it was fetched. Never its id alone: a late worker would settle what another holds. */
export interface Attempt {
  class: string;
  id: string;
  retryCount: number;
}
export interface Offer {
  job: string;
  owner: string;
  priority: number;
}
/** What commits together. */
export interface Transaction {
  query: Query;
  /** Ids of the offers, in their order. */
  insert(queue: string, offers: readonly Offer[]): Promise<string[]>;
  fetch(queue: string, perPerson: number | null): Promise<(Attempt & { job: string }) | null>;
  /** Renews the lease, and holds off every other claim until the transaction ends. False: it is lost. */
  touch(attempt: Attempt): Promise<boolean>;
  complete(attempt: Attempt): Promise<void>;
}

export const BOSS_SCHEMA = 'boss';
const CONNECT_MS = 5_000,
  QUERY_MS = 20_000,
  FROZEN_MS = 8_000,
  BEAT_MS = 5_000,
  BEAT_LATE_MS = 8_000,
  /** An offer that is at work longer than this is taken away: pg-boss allows a day at most. */
  LONGEST_SECONDS = 23 * 3600,
  TRIES = 5;

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

// An import of it would load more than a daemon without a fleet needs.
const tls = process.getBuiltinModule('node:tls');

function configOf({ ca, ...access }: Access): pg.ClientConfig {
  return {
    ...access,
    ssl: isLoopback(access.host)
      ? false
      : {
          ...(ca ? { ca } : {}),
          checkServerIdentity: (_, certificate) => tls.checkServerIdentity(access.host, certificate),
        },
    connectionTimeoutMillis: CONNECT_MS,
    // A query that gets no answer is given up: a cable that was pulled says nothing.
    query_timeout: QUERY_MS,
    // A machine that freezes within a transaction must not keep a job locked for ever.
    idle_in_transaction_session_timeout: FROZEN_MS,
    lock_timeout: QUERY_MS / 2,
    keepAlive: true,
    application_name: 'earshot',
  };
}

/**
 * Without TLS any program of this machine may be the one that listens: it is told no password, only that we know it
 * (SCRAM), and has to show that it does too. The methods are those by which pg answers what a server asks.
 */
class Client extends pg.Client {
  private readonly mustProve: boolean;
  private hasProved = false;

  constructor(config: pg.ClientConfig = {}) {
    super(config);
    this.mustProve = config.ssl === false;
  }

  private get inner(): Inner {
    return Object.getPrototypeOf(Client.prototype) as Inner;
  }
  private refuse(): void {
    const { connection } = this as unknown as {
      connection: { emit(event: 'error', error: Error): void; stream: { destroy(): void } };
    };
    connection.emit(
      'error',
      Object.assign(new Error('it did not prove that it knows the password'), { code: UNPROVEN }),
    );
    connection.stream.destroy();
  }

  protected _handleAuthCleartextPassword(message: unknown): void {
    if (this.mustProve) this.refuse();
    else this.inner._handleAuthCleartextPassword.call(this, message);
  }
  protected _handleAuthMD5Password(message: unknown): void {
    if (this.mustProve) this.refuse();
    else this.inner._handleAuthMD5Password.call(this, message);
  }
  protected _handleAuthSASLFinal(message: unknown): void {
    this.inner._handleAuthSASLFinal.call(this, message);
    // pg lets go of the exchange once the server's signature is right.
    this.hasProved = (this as unknown as { saslSession: unknown }).saslSession === null;
  }
  protected _handleReadyForQuery(message: unknown): void {
    if (this.mustProve && this.password && !this.hasProved) this.refuse();
    else this.inner._handleReadyForQuery.call(this, message);
  }
}
type Inner = Record<
  '_handleAuthCleartextPassword' | '_handleAuthMD5Password' | '_handleAuthSASLFinal' | '_handleReadyForQuery',
  (message: unknown) => void
>;
export const UNPROVEN = 'unproven';

export interface LineOptions {
  access: Access;
  channels: readonly string[];
  heard(channel: string, payload: string): void;
  /** Listening (again). */
  up(): void;
  /** It broke, or could not be had. */
  down(error: unknown): void;
}

/** One connection that listens and asks, made anew whenever it is lost. */
export class Line {
  private readonly options: LineOptions;
  private client: pg.Client | null = null;
  private timer: NodeJS.Timeout | undefined;
  private tries = 0;
  private over = false;
  private last: Promise<unknown> = Promise.resolve();
  isUp = false;

  constructor(options: LineOptions) {
    this.options = options;
    void this.connect();
  }

  query: Query = <R>(text: string, values: readonly unknown[] = []): Promise<R[]> => {
    // One at a time: a client's own queue is on its way out.
    const answer = this.last.then(async () => {
      if (!this.client || !this.isUp) throw Object.assign(new Error('not connected'), { code: 'ECONNRESET' });
      return (await this.client.query(text, [...values])).rows as R[];
    });
    this.last = answer.catch(() => {});
    return answer;
  };

  async close(): Promise<void> {
    this.over = true;
    clearTimeout(this.timer);
    const { client } = this;
    this.client = null;
    this.isUp = false;
    await client?.end().catch(() => {});
  }

  private async connect(): Promise<void> {
    const { access, channels, heard, up, down } = this.options,
      client = (this.client = new Client(configOf(access)));
    let gone = false,
      beat: NodeJS.Timeout | undefined;
    const lost = (error: unknown): void => {
      if (gone) return;
      gone = true;
      clearInterval(beat);
      this.isUp = false;
      (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream?.destroy();
      client.end().catch(() => {});
      if (this.over) return;
      down(error);
      this.timer = setTimeout(() => void this.connect(), Math.min(5_000, 300 * 2 ** Math.min(this.tries++, 5)));
    };
    client.on('error', lost);
    client.on('end', () => lost(new Error('the connection ended')));
    client.on('notification', ({ channel, payload = '' }) => heard(channel, payload));
    try {
      await client.connect();
      for (const channel of channels) await client.query(`listen ${channel}`);
      if (this.over || gone) return;
      this.isUp = true;
      this.tries = 0;
      beat = setInterval(() => {
        const late = setTimeout(() => lost(new Error('the connection is silent')), BEAT_LATE_MS);
        this.query('select 1').then(
          () => clearTimeout(late),
          (error: unknown) => {
            clearTimeout(late);
            lost(error);
          },
        );
      }, BEAT_MS);
      up();
    } catch (error) {
      lost(error);
    }
  }
}

/** A machine's connections, and pg-boss over them. */
export class Pool {
  private readonly pool: pg.Pool;
  private readonly boss: PgBoss;
  private readonly queues = new Set<string>();
  private readonly leaseSeconds: number;

  constructor({
    access,
    leaseSeconds,
    sweepSeconds = Math.max(2, Math.floor(leaseSeconds / 3)),
    failed,
  }: {
    access: Access;
    leaseSeconds: number;
    /** How often leases that ended are looked for. */
    sweepSeconds?: number;
    failed(error: unknown): void;
  }) {
    this.leaseSeconds = leaseSeconds;
    this.pool = new pg.Pool({ ...configOf(access), Client, max: 3, idleTimeoutMillis: 10_000 });
    // One that is lent out and idle within a transaction would end the process when the server dies.
    this.pool.on('connect', client => {
      client.on('error', () => {});
    });
    this.pool.on('error', () => {});
    this.boss = new PgBoss({
      db: { executeSql: async (text, values) => this.pool.query(text, values as unknown[]) },
      schema: BOSS_SCHEMA,
      migrate: false,
      createSchema: false,
      schedule: false,
      supervise: true,
      superviseIntervalSeconds: sweepSeconds,
      monitorIntervalSeconds: sweepSeconds,
    });
    this.boss.on('error', failed);
  }

  async start(): Promise<void> {
    await this.boss.start();
  }
  async stop(): Promise<void> {
    await this.boss.stop({ graceful: false }).catch(() => {});
    await this.pool.end().catch(() => {});
  }

  query: Query = async <R>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
    (await this.pool.query(text, [...values])).rows as R[];

  async ensureQueue(name: string): Promise<void> {
    if (this.queues.has(name)) return;
    await this.boss.createQueue(name, {
      retryLimit: TRIES,
      retryDelay: 0,
      heartbeatSeconds: this.leaseSeconds,
      expireInSeconds: LONGEST_SECONDS,
      retentionSeconds: 30 * 86_400,
      deleteAfterSeconds: 3600,
    });
    this.queues.add(name);
  }

  async cancel(queue: string, offer: string): Promise<void> {
    await this.boss.cancel(queue, offer);
  }

  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const done = await work(this.within(client));
      await client.query('commit');
      return done;
    } catch (error) {
      broken = error as Error;
      await client.query('rollback').then(
        () => {
          broken = undefined;
        },
        () => {},
      );
      throw error;
    } finally {
      client.release(broken);
    }
  }

  private within(client: pg.PoolClient): Transaction {
    const db = { executeSql: async (text: string, values?: unknown[]) => client.query(text, values) },
      { boss } = this;
    return {
      query: async <R>(text: string, values: readonly unknown[] = []) =>
        (await client.query(text, [...values])).rows as R[],
      insert: async (queue, offers) =>
        (await boss.insert(
          queue,
          offers.map(({ job, owner, priority }) => ({ data: { job }, priority, group: { id: owner } })),
          { db, returnId: true },
        )) ?? [],
      fetch: async (queue, perPerson) => {
        const [offer] = await boss.fetch<{ job: string }>(queue, {
          db,
          ...(perPerson === null ? {} : { groupConcurrency: perPerson }),
        });
        return offer ? { class: queue, id: offer.id, retryCount: offer.retryCount, job: offer.data.job } : null;
      },
      touch: async ({ class: queue, id, retryCount }) =>
        ((await boss.touch(queue, { id, retryCount }, { db })) as { affected: number }).affected === 1,
      complete: async ({ class: queue, id, retryCount }) => {
        await boss.complete(queue, { id, retryCount }, null, { db });
      },
    };
  }
}

/** A connection for one piece of work: what administrators and `join` ask. */
export async function once<T>(access: Access, work: (query: Query) => Promise<T>): Promise<T> {
  const client = new Client(configOf(access));
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(
      async <R>(text: string, values: readonly unknown[] = []) =>
        (values.length ? await client.query(text, [...values]) : await client.query(text)).rows as R[],
    );
  } finally {
    await client.end().catch(() => {});
  }
}

/** What makes pg-boss's own tables, or brings those of an earlier release up to date; '': they are. */
export function bossPlan(installed: number | null): string {
  const whole = getConstructionPlans(BOSS_SCHEMA);
  if (installed === null) return whole;
  const current = Number(/INTO boss\.version\(version\) VALUES \('(\d+)'\)/.exec(whole)?.[1]);
  if (installed > current) throw Object.assign(new Error(`pg-boss ${installed} > ${current}`), { code: BOSS_NEWER });
  return installed === current ? '' : getMigrationPlans(BOSS_SCHEMA, installed);
}
export const BOSS_NEWER = 'bossNewer';
export const quoted = (name: string): string => pg.escapeIdentifier(name);
export const literal = (text: string): string => pg.escapeLiteral(text);
