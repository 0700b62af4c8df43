-- A job is what somebody submitted. An offer is the job of pg-boss that stands for it in the queue of its needs.
-- A result is what one stage made of one utterance.
create table fleet.option (
  one bool primary key default true check (one),
  lease_seconds int not null default 30 check (lease_seconds >= 10),
  per_person int check (per_person > 0)
);
insert into fleet.option default values;

-- One queue of pg-boss for each set of needs.
create table fleet.need (
  class text primary key,
  needs text[] not null
);

-- Start-time fair queueing, in seconds of recording.
create table fleet.share (
  owner name primary key,
  weight real not null default 1 check (weight > 0),
  tag bigint not null default 0
);
create table fleet.clock (
  one bool primary key default true check (one),
  v bigint not null default 0
);
insert into fleet.clock default values;

create table fleet.machine (
  id text primary key,
  role name not null default session_user,
  name text not null,
  version text not null,
  can text[] not null,
  share text not null,
  draining bool not null default false,
  -- It said good-bye.
  away bool not null default false,
  devices jsonb not null default '[]',
  running int not null default 0,
  seen_at timestamptz not null default now()
);

create table fleet.job (
  id text primary key,
  owner name not null,
  home text not null,
  name text not null,
  -- json, not jsonb: what comes back has its names in the order in which they were written.
  request json not null,
  needs text[] not null,
  class text not null references fleet.need,
  sound jsonb not null,
  cost_s int not null,
  rank smallint not null,
  tag bigint not null,
  priority int not null,
  state text not null
    check (state in ('sending', 'waiting', 'running', 'paused', 'completed', 'failed', 'cancelled')),
  offer uuid,
  attempt int,
  machine text,
  done int not null default 0,
  -- How much was done when it was last taken: a job that gets on is not set aside, however often machines die.
  progress int not null default 0,
  failure jsonb,
  facts json not null default '{}',
  sent_bytes bigint not null default 0,
  result_bytes bigint not null default 0,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
);
create index on fleet.job (owner, created_at);
create index on fleet.job (home);
create index on fleet.job (created_at) where state = 'waiting' and offer is null;
create index on fleet.job (machine) where state = 'running';
create index on fleet.job (priority desc, created_at) where state = 'waiting';
create index on fleet.job (ended_at) where ended_at is not null;

create table fleet.result (
  job text not null references fleet.job on delete cascade,
  seq bigint generated always as identity,
  index int not null,
  stage text not null,
  output json not null,
  blob bytea,
  machine text not null,
  primary key (job, seq),
  unique (job, index, stage)
);
alter table fleet.result alter blob set storage external;

create table fleet.chunk (
  job text not null references fleet.job on delete cascade,
  n int not null,
  data bytea not null,
  primary key (job, n)
);
alter table fleet.chunk alter data set storage external;

-- One line a job, kept when the job is forgotten: who, where, how long, how many bytes moved. No names of recordings.
create table fleet.audit (
  job text primary key,
  owner name not null,
  machine text,
  state text not null,
  recording_s int not null,
  waited_s real,
  worked_s real,
  sent_bytes bigint not null,
  result_bytes bigint not null,
  attempts int not null,
  ended_at timestamptz not null default now()
);
create index on fleet.audit (ended_at);

create function fleet.write_audit() returns trigger language plpgsql security definer set search_path = fleet, pg_temp as $$
begin
  insert into audit (job, owner, machine, state, recording_s, waited_s, worked_s, sent_bytes, result_bytes, attempts)
  values (
    new.id, new.owner, (select name from machine m where m.id = new.machine), new.state, new.cost_s,
    extract(epoch from coalesce(new.started_at, new.ended_at) - new.created_at),
    extract(epoch from new.ended_at - new.started_at),
    new.sent_bytes, new.result_bytes, coalesce(new.attempt + 1, 0)
  )
  on conflict (job) do nothing;
  return null;
end $$;
create trigger audit after update of state on fleet.job for each row
  when (new.state in ('completed', 'failed', 'cancelled') and old.state <> new.state)
  execute function fleet.write_audit();
