"""presences

What reports read instead of the actions themselves. The new tables are filled from what is there.

The old version of the code does not know of them. Stop it before this runs; or run
`advocacy rebuild` for each organization once the last process of it is gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "span_totals",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id",
            "campaign_id",
            "starts_on",
            "post_id",
            "model",
            "kind",
            "tier",
            "platform",
            "currency",
            "slot",
            name=op.f("span_totals_pk"),
        ),
    )
    op.create_table(
        "day_totals",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id", "campaign_id", "day", "model", "kind", "slot", name=op.f("day_totals_pk")
        ),
    )
    op.create_table(
        "click_span_totals",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("human", sa.Boolean(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id",
            "campaign_id",
            "starts_on",
            "post_id",
            "human",
            "slot",
            name=op.f("click_span_totals_pk"),
        ),
    )
    op.create_table(
        "generation_totals",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("span", sa.SmallInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("actions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id",
            "campaign_id",
            "span",
            "starts_on",
            "post_id",
            "generation",
            "slot",
            name=op.f("generation_totals_pk"),
        ),
    )
    op.create_table(
        "presences",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("day_span", sa.SmallInteger(), nullable=False),
        sa.Column("since_span", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("opening", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id",
            "campaign_id",
            "model",
            "grain",
            "day_span",
            "since_span",
            "day",
            "since",
            "opening",
            "value",
            "slot",
            name=op.f("presences_pk"),
        ),
    )
    # Nothing may be changed between the counting and the end of this transaction.
    op.execute("lock table actions, totals, click_totals in share mode")
    op.execute(SPAN_TOTALS)
    op.execute(DAY_TOTALS)
    op.execute(CLICK_SPAN_TOTALS)
    op.execute(GENERATION_TOTALS)
    op.execute(PRESENCES)


def downgrade() -> None:
    op.drop_table("presences")
    op.drop_table("generation_totals")
    op.drop_table("click_span_totals")
    op.drop_table("day_totals")
    op.drop_table("span_totals")


def _span_of(day: str, span: str = "16") -> str:
    """Return in SQL the first day of the span that a day lies in."""
    return f"(date '0001-01-01' + ({day} - date '0001-01-01') / {span} * {span})"


SPAN_TOTALS = f"""
insert into span_totals
select org_id, campaign_id, {_span_of("day")}, post_id, model, kind, tier, platform, currency, 0,
       sum(units), sum(gross_minor), sum(refunded_minor)
from totals group by 1, 2, 3, 4, 5, 6, 7, 8, 9
"""  # noqa: S608 -- nothing but day arithmetic is put in

DAY_TOTALS = """
insert into day_totals
select org_id, campaign_id, day, model, kind, 0, sum(units)
from totals group by 1, 2, 3, 4, 5 having sum(units) <> 0
"""

CLICK_SPAN_TOTALS = f"""
insert into click_span_totals
select org_id, campaign_id, {_span_of("day")}, post_id, human, 0, sum(clicks)
from click_totals group by 1, 2, 3, 4, 5
"""  # noqa: S608 -- nothing but day arithmetic is put in

GENERATION_TOTALS = f"""
insert into generation_totals
select a.org_id, coalesce(a.campaign_id, '00000000-0000-0000-0000-000000000000'), s.span,
       {_span_of("a.occurred_on", "s.span")},
       coalesce(a.post_id, '00000000-0000-0000-0000-000000000000'), least(l.generation, 2), 0,
       count(*)
from actions a
join links l on l.org_id = a.org_id and l.id = a.link_id
cross join (values (1), (16)) as s (span)
where a.counted
group by 1, 2, 3, 4, 5, 6
"""  # noqa: S608 -- nothing but day arithmetic is put in

PRESENCES = f"""
insert into presences
with acted as (
  select org_id, supporter_id, campaign_id, occurred_at, occurred_on, kind, source_id, post_id,
         platform, path, min(occurred_at) over (partition by org_id, supporter_id) as first_at
  from actions where counted and supporter_id is not null),
scoped as (
  select a.*, a.campaign_id as scope, a.occurred_on as day, false as whole,
         (a.first_at at time zone c.timezone)::date as first_on
  from acted a join campaigns c on c.org_id = a.org_id and c.id = a.campaign_id
  union all
  select a.*, a.org_id, (a.occurred_at at time zone o.timezone)::date, true,
         (a.first_at at time zone o.timezone)::date
  from acted a join organizations o on o.id = a.org_id),
judged as (
  select *, bool_or(path is not null) over (partition by org_id, scope, supporter_id) as differ
  from scoped),
placed as (
  select org_id, scope, supporter_id, day, whole, first_on, 'every' as model, post_id, platform
  from judged where not differ
  union all
  select org_id, scope, supporter_id, day, whole, first_on, m.model, post_id, platform
  from judged
  cross join unnest(array['last_touch', 'last_social_touch', 'first_touch', 'linear',
                          'position_based', 'time_decay']) as m (model)
  where differ and path is null
  union all
  select org_id, scope, supporter_id, day, whole, first_on, m.model,
         cast(t ->> 'post_id' as uuid), t ->> 'platform'
  from judged, jsonb_array_elements(path) t, jsonb_object_keys(t -> 'shares') as m (model)
  where path is not null),
grouped as (
  select org_id, scope, supporter_id, day, first_on, 'every' as model, g.grain, g.value
  from judged
  cross join lateral (values ('all', ''), ('kind', kind), ('source', source_id::text))
                     as g (grain, value)
  where not (whole and g.grain = 'source')
  union
  select p.org_id, p.scope, p.supporter_id, p.day, p.first_on, p.model, g.grain, g.value
  from placed p
  left join posts on posts.org_id = p.org_id and posts.id = p.post_id
  cross join lateral (values ('post', coalesce(p.post_id::text, '')), ('platform', p.platform),
                             ('medium', coalesce(posts.medium, '')),
                             ('author', coalesce(posts.author, ''))) as g (grain, value)
  where not p.whole or g.grain = 'platform'),
paired as (
  select *, lag(day) over (partition by org_id, scope, model, grain, value, supporter_id
                           order by day) as last
  from grouped),
found as (
  select org_id, scope, model, grain, value, day, last is null as opening,
         coalesce(last, least(first_on, day)) as since, count(*) as people
  from paired group by 1, 2, 3, 4, 5, 6, 7, 8)
select org_id, scope, model, grain, s.day_span, s.since_span,
       {_span_of("day", "s.day_span")},
       case when s.since_span = 0 then date '0001-01-01'
            else {_span_of("since", "greatest(s.since_span, 1)")} end,
       opening, value, 0, sum(people)
from found
cross join (values (1, 0), (16, 0), (1, 1), (1, 16), (16, 1), (16, 16)) as s (day_span, since_span)
where case when s.since_span = 0 then opening
           when opening and since = day then false
           when s.day_span = 1 and s.since_span = 1 then true
           else {_span_of("since")} <> {_span_of("day")} end
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""  # noqa: S608 -- nothing but day arithmetic is put in
