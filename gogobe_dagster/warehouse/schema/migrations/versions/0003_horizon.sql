-- How far back the past can still be changed.

create table horizon (
    kind text not null,
    gone_until timestamptz not null,
    constraint horizon_pkey primary key (kind),
    constraint horizon_kind_check check (kind in ('lake', 'history'))
);
comment on table horizon is 'How far back the past can still be changed, as retention has removed what was before.';
comment on column horizon.kind is 'What went: lake, by stamp of its files; history, by end of its periods.';
comment on column horizon.gone_until is 'Newest moment of what went; a late file must be newer.';
