/**
 * This machine's part in a fleet: what it lends to others (lend.ts) and what it takes from them (take.ts), each over
 * its own login. Without the setting `fleet` none of it is loaded.
 */
import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { EarshotError, thrown, toFailure, type Failure } from '../../schemas/errors.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Home } from '../auth/home.ts';
import type { JobRow, LentFacts, Store } from '../contracts/store.ts';
import { ulid } from '../system/ids.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { SettingsFile } from '../system/settings-file.ts';
import { accessOf, problemOf, type FleetSettings } from './access.ts';
import { PART_NEED } from './can.ts';
import { Claims } from './claims.ts';
import { Lend, lentFacts, type LendDeps } from './lend.ts';
import { loadPostgres, type Postgres } from './load.ts';
import { PART_MINUTES } from './parts.ts';
import type { Access, Line, Pool, Query } from './postgres.ts';
import { inspect } from './schema.ts';
import { Take, type TakeDeps } from './take.ts';
import { goesToFleet } from './where.ts';

export interface FleetDeps {
  home: Home;
  clock: () => number;
  settings: SettingsFile;
  store: Store;
  log: Logger;
  version: string;
  pipeline: () => Pipeline;
  hasGpu(): boolean;
  abilities: TakeDeps['abilities'];
  devices(): unknown[];
  card: LendDeps['card'];
  decode: LendDeps['decode'];
  length: LendDeps['length'];
  publish(event: StateEvent): void;
}

const TICK_MS = 10_000,
  SOON_MS = 300,
  EXPIRE_MS = 3_600_000,
  LONGEST_ID = 100,
  LEAVE_MS = 3_000;
/** Where the store keeps who we are, and that we take no more. */
const HOME_KEY = 'fleet.home',
  DRAIN_KEY = 'fleet.draining';

interface Side {
  line: Line;
  problem: Failure | null;
  /** It is connected: whether it may be what it is. */
  up(): void;
  close(): Promise<void>;
}
interface LendingSide extends Side {
  lend: Lend;
  chief: boolean;
}
interface TakingSide extends Side {
  take: Take | null;
  pool: Pool | null;
  timer: NodeJS.Timeout | undefined;
  soon: NodeJS.Timeout | undefined;
}

export class Fleet {
  private readonly deps: FleetDeps;
  private lending: LendingSide | null = null;
  private taking: TakingSide | null = null;
  private applied = '';
  private timer: NodeJS.Timeout | undefined;
  private applying: Promise<void> = Promise.resolve();
  /** `earshot fleet work`: takes jobs whatever `share` says. */
  private pilots = 0;
  private leaving = false;
  private sweeping: Promise<void> | null = null;
  private expiredAt = -Infinity;

  constructor(deps: FleetDeps) {
    this.deps = deps;
  }

  private get settings(): FleetSettings | null {
    return this.deps.settings.get().fleet;
  }
  /** What the fleet knows this daemon by. */
  get id(): string {
    const { store } = this.deps;
    let id = store.meta(HOME_KEY);
    if (!id) store.setMeta(HOME_KEY, (id = randomBytes(10).toString('hex')));
    return id;
  }
  private get share(): 'always' | 'idle' | 'never' {
    if (this.isDraining) return 'never';
    return this.pilots > 0 ? 'always' : (this.settings?.share ?? 'always');
  }
  get isDraining(): boolean {
    return this.deps.store.meta(DRAIN_KEY) === '1';
  }

  /** The daemon stays: others count on this machine. */
  get active(): boolean {
    return this.taking !== null;
  }
  get working(): number {
    return this.taking?.take?.running ?? 0;
  }

  /** For a new job; null: it is done here. */
  place(row: JobRow): LentFacts | null {
    const { settings } = this;
    if (!settings?.person || this.leaving) return null;
    const here = { hasGpu: this.deps.hasGpu(), unfinished: this.deps.pipeline().elsewhere.here.own };
    return goesToFleet(row, settings.use ?? 'always', here) ? lentFacts(ulid(this.deps.clock())) : null;
  }

  onEvent(event: StateEvent): void {
    this.lending?.lend.onEvent(event);
    this.taking?.take?.onEvent(event);
  }

  /** What the settings say now. */
  apply(): Promise<void> {
    return (this.applying = this.applying
      .then(() => this.change())
      .catch((error: unknown) => {
        this.deps.log.error(error as Error, 'fleet');
      }));
  }

  private async change(): Promise<void> {
    const { settings } = this,
      takes = settings?.machine !== undefined && (this.pilots > 0 || (settings.share ?? 'always') !== 'never'),
      wanted = settings && !this.leaving ? JSON.stringify({ ...settings, share: takes }) : '';
    if (wanted === this.applied) {
      // What this machine can do may have changed.
      void this.report();
      return;
    }
    await this.close();
    this.applied = wanted;
    if (!settings || this.leaving) {
      // Nobody else does them any more.
      const { elsewhere } = this.deps.pipeline();
      if (!settings) elsewhere.takeBack(elsewhere.rows().map(({ id }) => id));
      return;
    }
    const postgres = await loadPostgres();
    if (settings.person) this.lending = this.openLending(postgres, accessOf(settings, settings.person, this.deps.home));
    if (takes) this.taking = this.openTaking(postgres, accessOf(settings, settings.machine!, this.deps.home));
    this.timer = setInterval(() => {
      // Tables that were made meanwhile, or a server that was too busy to answer: no connection is lost for that.
      for (const side of [this.lending, this.taking]) if (side?.problem && side.line.isUp) side.up();
      this.lending?.lend.tick();
    }, TICK_MS);
  }

  private openLending(postgres: Postgres, access: Access): LendingSide {
    const { deps, id } = this,
      { home, store, log } = deps;
    const side: LendingSide = {
      chief: false,
      problem: null,
      lend: new Lend({
        query: (text, values) => side.line.query(text, values),
        home: id,
        places: home,
        pipeline: deps.pipeline(),
        store,
        log,
        card: deps.card,
        roots: () => this.settings?.roots ?? {},
        isChief: () => side.chief,
        partMs: () => (this.settings?.partMinutes ?? PART_MINUTES) * 60_000 || Infinity,
        decode: deps.decode,
        length: deps.length,
      }),
      line: new postgres.Line({
        access,
        channels: [`fleet_home_${id}`],
        // Anybody who may connect can say anything here.
        heard: (_, job) => {
          if (job.length <= LONGEST_ID) side.lend.heard(job);
        },
        up: () => side.up(),
        down: error => {
          this.failed(side, error, access);
          side.lend.down();
        },
      }),
      up: () =>
        void inspect(side.line.query)
          .then(({ person, chief }) => {
            side.chief = chief;
            if (!person) throw new EarshotError('fleetRefused', { host: access.host, login: access.user });
            this.solved(side);
            side.lend.up();
          })
          .catch((error: unknown) => this.failed(side, error, access)),
      close: async () => {
        await Promise.all([side.lend.stop(), side.line.close()]);
      },
    };
    return side;
  }

  private openTaking(postgres: Postgres, access: Access): TakingSide {
    const { deps, id } = this,
      { home, store, log, clock } = deps;
    let starting: Promise<void> | null = null,
      closed = false;
    const up = async (): Promise<void> => {
      const { machine, leaseSeconds, perPerson } = await inspect(side.line.query);
      if (!machine) throw new EarshotError('fleetRefused', { host: access.host, login: access.user });
      if (!side.take) {
        const pool = new postgres.Pool({
          access,
          leaseSeconds,
          failed: error => log.debug(error as Error, 'fleet: pg-boss'),
        });
        await pool.start().catch(async (error: unknown) => {
          await pool.stop();
          throw error;
        });
        if (closed) return pool.stop();
        side.pool = pool;
        // A job whose lease ended is there for others with the next look.
        side.timer = setInterval(() => void this.report(), Math.min(TICK_MS, (leaseSeconds * 1000) / 3));
        side.take = new Take({
          claims: new Claims(pool, id, perPerson),
          pipeline: deps.pipeline(),
          store,
          home,
          clock,
          log,
          leaseSeconds,
          roots: () => this.settings?.roots ?? {},
          share: () => (side.problem ? 'never' : this.share),
          abilities: deps.abilities,
          changed: () => {
            // A gust of them is said once.
            side.soon ??= setTimeout(() => {
              side.soon = undefined;
              if (side.line.isUp && !side.problem)
                void this.say(false).catch((error: unknown) => log.debug(error as Error, 'fleet: reporting'));
            }, SOON_MS);
          },
        });
        await side.take.resume();
      }
      this.solved(side);
      await this.report();
    };
    const side: TakingSide = {
      problem: null,
      take: null,
      pool: null,
      timer: undefined,
      soon: undefined,
      line: new postgres.Line({
        access,
        channels: ['fleet_work', 'fleet_stop'],
        heard: (channel, job) => {
          if (channel === 'fleet_stop') {
            side.take?.onStop(job);
            void this.sweep();
          } else side.take?.pull();
        },
        up: () => side.up(),
        down: error => this.failed(side, error, access),
      }),
      up: () => {
        starting ??= up()
          .catch((error: unknown) => this.failed(side, error, access))
          .finally(() => {
            starting = null;
          });
      },
      close: async () => {
        closed = true;
        clearInterval(side.timer);
        await side.take?.leave();
        clearTimeout(side.soon);
        await this.say(true).catch(() => {});
        await side.pool?.stop();
        await side.line.close();
      },
    };
    return side;
  }

  /** Says what this machine can do now, and looks for work. */
  private async report(): Promise<void> {
    const { taking } = this;
    if (!taking?.take || !taking.line.isUp || taking.problem) return;
    try {
      await this.say(false);
      await this.sweep();
      taking.take.pull();
    } catch (error) {
      this.deps.log.debug(error as Error, 'fleet: reporting');
    }
  }

  private async say(away: boolean): Promise<void> {
    const { taking, deps } = this;
    if (!taking?.pool) return;
    const { can, warm } = deps.abilities();
    await taking.pool.query(
      `insert into fleet.machine (id, name, version, can, share, draining, away, devices, running, warm, own)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (id) do update set name = excluded.name, version = excluded.version, can = excluded.can,
         share = excluded.share, draining = excluded.draining, away = excluded.away, devices = excluded.devices,
         running = excluded.running, warm = excluded.warm, own = excluded.own, seen_at = now()`,
      [
        this.id,
        hostname(),
        deps.version,
        [...can, PART_NEED],
        this.share,
        this.isDraining,
        away,
        JSON.stringify(deps.devices()),
        taking.take?.running ?? 0,
        warm,
        deps.pipeline().elsewhere.here.own,
      ],
    );
  }

  /** One at a time: whoever may connect may ask for any number. */
  private sweep(): Promise<void> {
    const { taking } = this;
    if (!taking?.pool) return Promise.resolve();
    const claims = new Claims(taking.pool, this.id, null),
      now = this.deps.clock(),
      expires = now - this.expiredAt > EXPIRE_MS;
    if (expires) this.expiredAt = now;
    return (this.sweeping ??= claims
      .sweep()
      .then(() => (expires ? claims.expire() : undefined))
      .catch((error: unknown) => {
        this.deps.log.debug(error as Error, 'fleet: sweeping');
      })
      .finally(() => {
        this.sweeping = null;
      }));
  }

  private failed(side: Side, error: unknown, access: Access): void {
    const why = problemOf(error, access);
    if (side.problem?.code === why.code) return;
    side.problem = why;
    this.deps.log.warn({ failure: why }, 'fleet');
    // Its own jobs say so too; a notice for what somebody has to mend.
    this.deps.publish({ type: 'notice', failure: why });
  }
  private solved(side: Side): void {
    if (side.problem) this.deps.log.info('fleet: reached again');
    side.problem = null;
  }

  /** Some of ours are done here after all. */
  takeBack(ids: readonly string[]): void {
    this.deps.pipeline().elsewhere.takeBack(ids);
    this.lending?.lend.tick();
  }

  /** @throws noFleet: no machine of one */
  setDraining(draining: boolean): void {
    if (!this.settings?.machine) throw new EarshotError('noFleet', { needs: 'machine' });
    this.deps.store.setMeta(DRAIN_KEY, draining ? '1' : '0');
    void this.report();
  }

  /** For as long as somebody wants this machine to work for the fleet. */
  async pilot(): Promise<() => Promise<void>> {
    if (!this.settings?.machine) throw new EarshotError('noFleet', { needs: 'machine' });
    // Asked for now, whatever was said before.
    if (this.isDraining) this.setDraining(false);
    this.pilots++;
    await this.apply();
    let over = false;
    return async () => {
      if (over) return;
      over = true;
      this.pilots--;
      await this.apply();
    };
  }

  /** A connection to ask something; the person's, else the machine's. @throws noFleet, fleetUnreachable … */
  async ask<T>(work: (query: Query, person: boolean) => Promise<T>): Promise<T> {
    const { settings } = this;
    if (!settings) throw new EarshotError('noFleet');
    const login = settings.person ?? settings.machine;
    if (!login) throw new EarshotError('noFleet');
    const access = accessOf(settings, login, this.deps.home),
      line = (this.lending ?? this.taking)?.line;
    const person = settings.person !== undefined;
    try {
      return line?.isUp
        ? await work(line.query, person)
        : await (await loadPostgres()).once(access, query => work(query, person));
    } catch (error) {
      throw thrown(problemOf(error, access), { cause: error });
    }
  }
  get problems(): Failure[] {
    const all = [this.lending?.problem, this.taking?.problem].filter(each => each != null);
    return all.filter((each, i) => all.findIndex(other => other.code === each.code) === i);
  }
  problemsWith(error: unknown): Failure[] {
    const why = toFailure(error);
    return this.problems.some(({ code }) => code === why.code) ? this.problems : [...this.problems, why];
  }

  /** What was taken goes back, so that another machine has it at once. */
  async leave(): Promise<void> {
    this.leaving = true;
    // A database that does not answer must not keep us here: its lease ends by itself.
    await Promise.race([this.apply(), sleep(LEAVE_MS, undefined, { ref: false })]);
  }

  private async close(): Promise<void> {
    clearInterval(this.timer);
    const sides = [this.lending, this.taking];
    await Promise.all(
      sides.map(side =>
        side?.close().catch((error: unknown) => this.deps.log.warn(toFailure(error), 'fleet: leaving')),
      ),
    );
    this.lending = null;
    this.taking = null;
  }
}
