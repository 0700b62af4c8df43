-- A long recording over several machines: its parts are jobs of the queue, each with the utterances that begin within
-- its time. They share the sound of the first, whose id `whole` is.
alter table fleet.job add whole text, add from_ms int, add to_ms int;
create index on fleet.job (whole) where whole is not null;

-- Of its needs those that loaded models serve, and how many jobs of its own people it has.
alter table fleet.machine add warm text[] not null default '{}', add own int not null default 0;
create or replace view fleet.live_machine as
  select * from fleet.machine where seen_at > now() - interval '45 s' and not draining and not away;
grant select (warm, own) on fleet.machine to earshot_user;
grant update (warm, own) on fleet.machine to earshot_machine;

-- Part p > 0 of a job.
create function fleet.part_id(id text, p int) returns text language sql immutable as
  $$ select id || case when p = 0 then '' else '.' || p end $$;

-- All parts or none; asked twice, what is missing. `borders`: where each but the first begins.
create function fleet.submit_parts(
  id text, home text, name text, request json, needs text[], sound jsonb, cost_s int, rank int, borders int[]
) returns void language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
declare
  parts int := cardinality(submit_parts.borders) + 1;
  part text;
begin
  if parts not between 2 and 16 then raise exception 'out of bounds' using errcode = '22023'; end if;
  for p in 0 .. parts - 1 loop
    part := part_id(submit_parts.id, p);
    perform submit(part, submit_parts.home, submit_parts.name, submit_parts.request, submit_parts.needs,
      submit_parts.sound, greatest(1, submit_parts.cost_s / parts), submit_parts.rank);
    update job j set whole = submit_parts.id, from_ms = coalesce(submit_parts.borders[p], 0),
        to_ms = submit_parts.borders[p + 1],
        state = case when first.state = 'sending' then j.state else 'waiting' end, sound = first.sound
      from job first
      where first.id = submit_parts.id and j.id = part and j.owner = session_user and j.whole is null
        and j.state in ('sending', 'waiting');
  end loop;
end $$;

-- The sound of a job that is over goes, unless another part of the same recording needs it.
create function fleet.drop_sound(id text) returns void language sql as $$
  delete from fleet.chunk c using fleet.job j
    where j.id = drop_sound.id and c.job = coalesce(j.whole, j.id)
      and not exists (
        select from fleet.job o where (o.id = c.job or o.whole = c.job) and o.ended_at is null)
$$;

create or replace function fleet.sent(id text, sound jsonb) returns text
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
begin
  if exists (
    select from job j where j.id = sent.id and j.owner = session_user and j.state = 'sending'
      and (select count(*) from chunk c where c.job = j.id) = (sent.sound->>'chunks')::int
  ) then
    update job j set state = 'waiting', sound = j.sound || sent.sound
      where (j.id = sent.id or j.whole = sent.id) and j.owner = session_user and j.state = 'sending';
    notify fleet_work;
  end if;
  return (select j.state from job j where j.id = sent.id and j.owner = session_user);
end $$;

create or replace function fleet.cancel(id text) returns bool
language plpgsql security definer set search_path = fleet, pg_temp as $$
#variable_conflict use_column
declare row fleet.job;
begin
  update job j set state = 'cancelled', ended_at = now()
    where j.id = cancel.id and mine(j.owner) and j.state in ('sending', 'waiting', 'running', 'paused')
    returning * into row;
  if not found then return false; end if;
  perform drop_sound(row.id);
  perform pg_notify('fleet_stop', row.id); -- its machine lets go of it, and its offer is taken back
  perform notify_home(row);
  return true;
end $$;

-- Parts of the same recording do not stand before each other.
create or replace function fleet.place(id text, out ahead bigint, out machines text[], out lacks text[])
language sql stable security definer set search_path = fleet, pg_temp as $$
  select
    (select count(*) from job o where o.state = 'waiting' and o.priority > j.priority
       and (j.whole is null or o.whole is distinct from j.whole))
      + (select count(*) from job o where o.state = 'waiting' and o.priority = j.priority
         and o.created_at < j.created_at and (j.whole is null or o.whole is distinct from j.whole)),
    (select array_agg(m.name) from live_machine m where j.needs <@ m.can),
    (select array(select n from unnest(j.needs) n where n <> all (m.can)) from live_machine m
      order by (select count(*) from unnest(j.needs) n where n <> all (m.can)), m.name limit 1)
  from job j where j.id = place.id and mine(j.owner)
$$;

-- Parts count as the one job that they are.
create or replace function fleet.overview(
  out owner name, out state text, out jobs bigint, out recording_s bigint, out yours bool
) returns setof record language sql stable security definer set search_path = fleet, pg_temp as $$
  select case when mine(j.owner) then j.owner end, j.state, count(distinct coalesce(j.whole, j.id)), sum(j.cost_s),
    mine(j.owner)
  from job j where j.ended_at is null group by 1, 2, 5 order by 5 desc, 1, 2
$$;

-- Machines that could begin with it now, the warm ones first; without those that what waits already will take.
create function fleet.idle(needs text[], out warm bool) returns setof bool
language sql stable security definer set search_path = fleet, pg_temp as $$
  with able as (
    select idle.needs <@ m.warm as warm from live_machine m
    where idle.needs <@ m.can and m.own = 0 and m.share <> 'never'
      and not exists (select from job j where j.machine = m.id and j.state = 'running')
  )
  select able.warm from able order by able.warm desc
  limit greatest(0, (select count(*) from able) - (
    select count(*) from job j
    where j.state in ('sending', 'waiting') and exists (select from live_machine m where j.needs <@ m.can)))
$$;

revoke execute on function fleet.part_id, fleet.submit_parts, fleet.drop_sound, fleet.idle from public;
grant execute on function fleet.submit_parts, fleet.idle to earshot_user;
grant execute on function fleet.drop_sound to earshot_machine;
