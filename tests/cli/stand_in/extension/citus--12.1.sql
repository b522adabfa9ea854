-- Not Citus. It has the functions that spread tables, and refuses what Citus refuses there, as its
-- documentation says and as a cluster of three nodes did. Rows are copied to tables of the schema
-- `shards`; statements go on using the tables that they name.
create schema shards;
create table pg_dist_node (nodename text, isactive boolean, shouldhaveshards boolean);
insert into pg_dist_node values ('one', true, true);

create table spread (
  table_name regclass primary key, citus_table_type text, distribution_column text,
  colocation_id int, shard_count int, at serial
);
create view citus_tables as select * from spread;

-- A node is reached unless it was marked as not active.
create function run_command_on_workers(command text)
returns table (nodename text, nodeport int, success boolean, result text) language sql as
$$ select nodename, 5432, isactive, '1' from pg_dist_node $$;

create function refuse_keys_between(named regclass, kind text, col text, colocation int)
returns void language plpgsql as $$
declare
  one record;
  other record;
begin
  for one in
    select c.conname, c.confdeltype, c.conrelid::regclass as of, c.confrelid::regclass as refers,
           array(select a.attname::text from unnest(c.conkey) with ordinality k (n, i)
                 join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n order by i)
             as own,
           array(select a.attname::text from unnest(c.confkey) with ordinality k (n, i)
                 join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n order by i)
             as theirs
    from pg_constraint c where c.contype = 'f' and named in (c.conrelid, c.confrelid)
      and c.conrelid <> c.confrelid
  loop
    if one.of = named then
      select * into other from spread where table_name = one.refers;
      if other is null then
        raise 'cannot create foreign key constraint % of %: % is not spread', one.conname, named,
          one.refers;
      end if;
      if kind = 'reference' and other.citus_table_type = 'distributed' then
        raise 'foreign key % from reference table % to distributed table %', one.conname, named,
          one.refers;
      end if;
      if kind = 'distributed' and other.citus_table_type = 'distributed' then
        if other.colocation_id <> colocation then
          raise 'foreign key % to a table that is not colocated', one.conname;
        end if;
        if array_position(one.own, col) is null
           or array_position(one.own, col)
              is distinct from array_position(one.theirs, other.distribution_column) then
          raise 'foreign key % does not pair the distribution columns', one.conname;
        end if;
      end if;
      if one.confdeltype in ('n', 'd') and col = any (one.own) then
        raise 'foreign key % sets the distribution column', one.conname;
      end if;
    elsif kind = 'reference' then
      raise 'local table % has a foreign key to reference table %', one.of, named;
    end if;
  end loop;
end $$;

create function create_reference_table(table_name text) returns void language plpgsql as $$
declare named regclass := table_name;
begin
  if exists (select 1 from spread s where s.table_name = named) then
    raise 'table % is already distributed', named;
  end if;
  perform refuse_keys_between(named, 'reference', '', 0);
  insert into spread values (named, 'reference', '<none>', 0, 1);
  execute format('create table shards.%1$s as table %1$s', named);
  execute format('create trigger commutes before insert on %s execute function lock_reference()',
                 named);
  execute format('create trigger replaces before update or delete on %s'
                 ' execute function lock_reference()', named);
end $$;

-- Inserts into a table that every node has run side by side; updates and deletes run alone, so
-- that they come to all nodes in the same order. The lock is held until the transaction ends.
create function lock_reference() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform pg_advisory_xact_lock_shared(tg_relid::int);
  else
    perform pg_advisory_xact_lock(tg_relid::int);
  end if;
  return null;
end $$;

create function create_distributed_table(
  table_name regclass, distribution_column text, distribution_type text default 'hash',
  colocate_with text default 'default', shard_count int default null
) returns void language plpgsql as $$
declare
  named alias for table_name;
  bad text;
  colocation int;
begin
  if exists (select 1 from spread s where s.table_name = named) then
    raise 'table % is already distributed', named;
  end if;
  if current_setting('citus.multi_shard_modify_mode', true) is distinct from 'sequential' then
    raise 'cannot distribute % : there was a parallel operation in the transaction', named;
  end if;
  select i.indexrelid::regclass::text into bad from pg_index i
  where i.indrelid = named and (i.indisunique or i.indisexclusion)
    and not exists (
      select 1 from pg_attribute a
      where a.attrelid = named and a.attname = distribution_column and a.attnum = any (i.indkey));
  if bad is not null then
    raise 'cannot create constraint on %: % lacks the distribution column', named, bad;
  end if;
  select a.attname into bad from pg_attribute a
  where a.attrelid = named and a.attnum > 0 and not a.attisdropped
    and (a.attidentity <> '' or pg_get_serial_sequence(named::text, a.attname) is not null);
  if bad is not null then
    raise 'column % of % is filled by a sequence', bad, named;
  end if;
  if exists (select 1 from pg_trigger t where t.tgrelid = named and not t.tgisinternal)
     or exists (select 1 from pg_rewrite r where r.ev_class = named)
     or (select relkind <> 'r' or relrowsecurity from pg_class where oid = named) then
    raise 'triggers, rules, partitions and row security of % are not supported', named;
  end if;
  if colocate_with = 'default' then
    select coalesce(max(s.colocation_id), 0) + 1 into colocation from spread s;
  else
    select s.colocation_id into strict colocation from spread s
    where s.table_name = colocate_with::regclass;
  end if;
  perform refuse_keys_between(named, 'distributed', distribution_column, colocation);
  insert into spread values (named, 'distributed', distribution_column, colocation, shard_count);
  execute format('create table shards.%1$s as table %1$s', named);
end $$;

-- The rows that were in a table when it was distributed stay on the coordinator, where no
-- statement sees them any more.
create function truncate_local_data_after_distributing_table(named regclass) returns void
language plpgsql as $$
declare
  other regclass;
begin
  if not exists (select 1 from spread s where s.table_name = named) then
    raise 'supplied parameter is not a distributed relation: %', named;
  end if;
  select c.conrelid::regclass into other from pg_constraint c
  where c.contype = 'f' and c.confrelid = named
    and c.conrelid not in (select s.table_name from spread s);
  if other is not null then
    raise 'cannot truncate a table referenced in a foreign key constraint by a local table: %',
      other;
  end if;
  execute format('truncate table %s cascade', named);
end $$;

-- What is refused of tables that are made or changed while others are distributed already.
create function refuse_changes() returns event_trigger language plpgsql as $$
declare
  one record;
begin
  for one in
    select distinct c.conname, c.conrelid::regclass as of, c.confrelid::regclass as refers
    from pg_event_trigger_ddl_commands() d join pg_constraint c on c.conrelid = d.objid
    left join spread own on own.table_name = c.conrelid
    left join spread other on other.table_name = c.confrelid
    where c.contype = 'f'
      and (own.table_name is null and other.citus_table_type = 'distributed'
           or own.table_name is not null and other.table_name is null)
  loop
    raise 'cannot create foreign key constraint % of % since relations are not colocated or not'
      ' referencing a reference table: %', one.conname, one.of, one.refers;
  end loop;
  if current_query() ~* 'alter column \w+ set (storage|statistics|compression)' and exists (
    select 1 from pg_event_trigger_ddl_commands() d join spread s on s.table_name = d.objid)
  then
    raise 'alter table command is currently unsupported: %', current_query();
  end if;
  for one in
    select i.indexrelid::regclass as name, i.indrelid::regclass as of
    from pg_event_trigger_ddl_commands() d
    join pg_index i on d.objid in (i.indexrelid, i.indrelid)
    join spread s on s.table_name = i.indrelid and s.citus_table_type = 'distributed'
    where i.indisunique and not exists (
      select 1 from pg_attribute a
      where a.attrelid = i.indrelid and a.attname = s.distribution_column
        and a.attnum = any (i.indkey))
  loop
    raise 'creating unique index % on % without its distribution column', one.name, one.of;
  end loop;
end $$;
create event trigger refuse_changes on ddl_command_end
  when tag in ('CREATE TABLE', 'ALTER TABLE', 'CREATE INDEX') execute function refuse_changes();

create function forget_dropped() returns event_trigger language plpgsql as $$
declare
  gone text;
begin
  for gone in
    select d.object_name from pg_event_trigger_dropped_objects() d
    join spread s on s.table_name = d.objid
  loop
    execute format('drop table shards.%I', gone);
  end loop;
  delete from spread s using pg_event_trigger_dropped_objects() d where d.objid = s.table_name;
end $$;
create event trigger forget_dropped on sql_drop when tag in ('DROP TABLE')
  execute function forget_dropped();

