-- What people may do: their own jobs, by these functions alone. A chief: everybody's.
create function fleet.is_chief() returns bool language sql stable as
  $$ select pg_has_role(session_user, 'earshot_chief', 'member') $$;
create function fleet.mine(owner name) returns bool language sql stable as
  $$ select owner = session_user or fleet.is_chief() $$;

alter table fleet.job enable row level security;
create policy people on fleet.job for select to earshot_user using (fleet.mine(owner));
alter table fleet.result enable row level security;
create policy people on fleet.result for select to earshot_user
  using (exists (select from fleet.job j where j.id = job));
alter table fleet.chunk enable row level security;
alter table fleet.audit enable row level security;
create policy people on fleet.audit for select to earshot_user using (fleet.mine(owner));

-- Low 4 hours of recording behind, high 4 ahead; urgent before all. In minutes, so that an int lasts.
create function fleet.priority_of(rank int, tag bigint) returns int language sql immutable as $$
  select (case rank when 3 then 1000000000 when 2 then 240 when 1 then 0 else -240 end - tag / 60)::int
$$;

-- The home learns that something of this job changed: its id and nothing else.
create function fleet.notify_home(job fleet.job) returns void language sql as
  $$ select pg_notify('fleet_home_' || job.home, job.id) $$;

-- A person's jobs line up behind each other in virtual time; nobody's line begins before what is served now.
create function fleet.submit(
  id text, home text, name text, request json, needs text[], sound jsonb, cost_s int, rank int
) returns text language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
declare
  row fleet.job;
  class text := 'n-' || left(md5(array_to_string(submit.needs, ' ')), 16);
  tag bigint;
begin
  select j.* into row from fleet.job j where j.id = submit.id;
  if found then
    if row.owner = session_user then return row.state; end if; -- asked twice: the same answer
    raise exception 'not yours' using errcode = '42501';
  end if;
  if submit.rank > 2 and not is_chief() then
    raise exception 'only a chief may submit urgent jobs' using errcode = '42501';
  end if;
  if submit.cost_s < 1 or submit.cost_s > 86400 * 7 or submit.rank not between 0 and 3
    or cardinality(submit.needs) not between 1 and 20 or length(submit.id) > 100
    or submit.home !~ '^[0-9a-z]{1,40}$' or length(submit.name) > 1000 then
    raise exception 'out of bounds' using errcode = '22023';
  end if;
  insert into need values (class, submit.needs) on conflict do nothing;
  insert into share (owner) values (session_user) on conflict do nothing;
  update share s set tag = greatest(s.tag, (select v from clock)) + ceil(submit.cost_s / s.weight)
    where s.owner = session_user
    returning s.tag - ceil(submit.cost_s / s.weight) into tag;
  insert into job (id, owner, home, name, request, needs, class, sound, cost_s, rank, tag, priority, state)
    values (submit.id, session_user, submit.home, submit.name, submit.request, submit.needs, class, submit.sound,
      submit.cost_s, submit.rank, tag, priority_of(submit.rank, tag),
      case when submit.sound->>'kind' = 'chunks' then 'sending' else 'waiting' end)
    returning * into row;
  if row.state = 'waiting' then notify fleet_work; end if;
  return row.state;
end $$;

-- What was made of a job before, by another submission of it: not done again.
create function fleet.seed(job text, rows json) returns void
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_variable
begin
  perform from fleet.job j where j.id = job and j.owner = session_user and j.state in ('sending', 'waiting')
    for key share;
  if not found then raise exception 'not yours, or begun' using errcode = '42501'; end if;
  insert into fleet.result (job, index, stage, output, machine)
    select job, (x->>'index')::int, x->>'stage', x->'output', 'home' from json_array_elements(rows) x
    on conflict do nothing;
end $$;

create function fleet.put_chunk(job text, n int, data bytea) returns void
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_variable
begin
  if length(data) > 1048576 or n < 0 or n > 40000 then raise exception 'out of bounds' using errcode = '22023'; end if;
  update fleet.job j set sent_bytes = j.sent_bytes + length(data)
    where j.id = job and j.owner = session_user and j.state = 'sending';
  if not found then raise exception 'not yours, or not being sent' using errcode = '42501'; end if;
  insert into fleet.chunk values (job, n, data) on conflict do nothing; -- sent again after a cut
end $$;

-- How many chunks are there already: a cut upload goes on.
create function fleet.chunks(job text) returns int[] language sql stable security definer
set search_path = fleet, pg_temp as $$
  select coalesce(array_agg(c.n order by c.n), '{}') from chunk c join job j on j.id = c.job
  where c.job = chunks.job and j.owner = session_user
$$;

create function fleet.sent(id text, sound jsonb) returns text
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
begin
  update job j set state = 'waiting', sound = j.sound || sent.sound
    where j.id = sent.id and j.owner = session_user and j.state = 'sending'
      and (select count(*) from chunk c where c.job = j.id) = (sent.sound->>'chunks')::int;
  if found then notify fleet_work; end if;
  return (select j.state from job j where j.id = sent.id and j.owner = session_user);
end $$;

create function fleet.cancel(id text) returns bool
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
declare row fleet.job;
begin
  update job j set state = 'cancelled', ended_at = now()
    where j.id = cancel.id and mine(j.owner) and j.state in ('sending', 'waiting', 'running', 'paused')
    returning * into row;
  if not found then return false; end if;
  delete from chunk c where c.job = row.id;
  perform pg_notify('fleet_stop', row.id); -- its machine lets go of it, and its offer is taken back
  perform notify_home(row);
  return true;
end $$;

create function fleet.pause(id text) returns bool
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
declare row fleet.job;
begin
  update job j set state = 'paused', machine = null
    where j.id = pause.id and mine(j.owner) and j.state in ('waiting', 'running') returning * into row;
  if not found then return false; end if;
  perform pg_notify('fleet_stop', row.id);
  perform notify_home(row);
  return true;
end $$;

create function fleet.resume(id text) returns bool
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
begin
  update job j set state = 'waiting', offer = null where j.id = resume.id and mine(j.owner) and j.state = 'paused';
  if found then notify fleet_work; end if;
  return found;
end $$;

-- Another rank: a job that waits gets a new offer; the old one stands for nothing any more.
create function fleet.rerank(id text, rank int) returns bool
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
begin
  if rerank.rank not between 0 and 3 then raise exception 'out of bounds' using errcode = '22023'; end if;
  if rerank.rank > 2 and not is_chief() then
    raise exception 'only a chief may submit urgent jobs' using errcode = '42501';
  end if;
  update job j set rank = rerank.rank, priority = priority_of(rerank.rank, j.tag),
      offer = case when j.state = 'waiting' then null else j.offer end
    where j.id = rerank.id and mine(j.owner) and j.ended_at is null;
  if found then notify fleet_work; end if;
  return found;
end $$;

create function fleet.forget(id text) returns void language sql security definer
set search_path = fleet, pg_temp as $$
  delete from job j where j.id = forget.id and mine(j.owner) and j.ended_at is not null
$$;

create view fleet.live_machine as
  select * from fleet.machine where seen_at > now() - interval '45 s' and not draining and not away;

-- Why a job waits: how many stand before it, which live machines could take it, and what the nearest one lacks.
create function fleet.place(id text, out ahead bigint, out machines text[], out lacks text[])
language sql stable security definer set search_path = fleet, pg_temp as $$
  select
    (select count(*) from job o where o.state = 'waiting' and o.priority > j.priority)
      + (select count(*) from job o
         where o.state = 'waiting' and o.priority = j.priority and o.created_at < j.created_at),
    (select array_agg(m.name) from live_machine m where j.needs <@ m.can),
    (select array(select n from unnest(j.needs) n where n <> all (m.can)) from live_machine m
      order by (select count(*) from unnest(j.needs) n where n <> all (m.can)), m.name limit 1)
  from job j where j.id = place.id and mine(j.owner)
$$;

-- The queue as anybody may know it: of others nothing but numbers.
create function fleet.overview(
  out owner name, out state text, out jobs bigint, out recording_s bigint, out yours bool
) returns setof record language sql stable security definer set search_path = fleet, pg_temp as $$
  select case when mine(j.owner) then j.owner end, j.state, count(*), sum(j.cost_s), mine(j.owner)
  from job j where j.ended_at is null group by 1, 2, 5 order by 5 desc, 1, 2
$$;
