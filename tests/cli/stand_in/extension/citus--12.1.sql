-- Not Citus. It has the functions that spread tables, refuses what Citus refuses there, as its
-- documentation says, and moves nothing.
create table pg_dist_node (nodename text, isactive boolean, shouldhaveshards boolean);
insert into pg_dist_node values ('one', true, true);

create table spread (
  table_name regclass primary key, citus_table_type text, distribution_column text,
  colocation_id int, shard_count int, at serial
);
create view citus_tables as select * from spread;

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
end $$;
