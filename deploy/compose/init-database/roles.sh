#!/bin/bash
# Runs once, as the superuser, when the database's volume is empty: roles and databases of docs/security.md.
set -euo pipefail
psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set owner="$(cat /run/secrets/owner_password)" --set reader="$(cat /run/secrets/reader_password)" <<'SQL'
create role gogobe_owner login password :'owner';
create role gogobe_reader login password :'reader' connection limit 20;
alter role gogobe_reader set statement_timeout = '30s';
alter role gogobe_reader set default_transaction_read_only = on;
grant pg_stat_scan_tables, pg_read_all_stats to gogobe_owner;
create database gogobe owner gogobe_owner;
create database dagster owner gogobe_owner;
SQL
