-- Search on product names. The table product_name has each name normalized by search_text, with a trigram index that
-- finds any part of a word; triggers on chain_product keep it up to date. The names have a table of their own because
-- chain_product gets a new date every day, and each update of a row would also update the trigram index.
--
-- A change of search_text needs a migration that fills product_name again, or old and new names do not match.

create or replace function search_text(name text) returns text
language sql immutable parallel safe strict
return ' ' || btrim(translate(lower(name),
    'ךםןףץ-־–_/\|,;:()[]{}*+&%!?#=' || e'\t\n\r' || '"''`´״׳’‘”“″′',
    'כמנפצ                            ')) || ' ';
comment on function search_text(text) is
    'A name normalized for comparison: lower case, final letters as medial ones, no quotes or gershayim, punctuation as spaces.';

create or replace function search_gtin(typed text) returns text
language sql immutable parallel safe strict
return case when typed ~ '^[0-9]{7,14}$' then lpad(ltrim(typed, '0'), greatest(13, length(ltrim(typed, '0'))), '0') end;
comment on function search_gtin(text) is
    'A typed GTIN with the number of digits that product.gtin has; null if it cannot be a GTIN.';

create or replace function normalize_new_names() returns trigger language plpgsql as $$
begin
    insert into product_name select chain_id, product_key, search_text(name) from named where name is not null;
    return null;
end
$$;
comment on function normalize_new_names() is 'Adds the names of new products to product_name.';
create or replace function normalize_changed_name() returns trigger language plpgsql as $$
begin
    if new.name is null then
        delete from product_name where chain_id = new.chain_id and product_key = new.product_key;
    else
        insert into product_name values (new.chain_id, new.product_key, search_text(new.name))
        on conflict (chain_id, product_key) do update set normalized_name = excluded.normalized_name;
    end if;
    return null;
end
$$;
comment on function normalize_changed_name() is 'Keeps product_name up to date when the name of a product changes.';
create or replace trigger normalize_new_names after insert on chain_product
referencing new table as named for each statement execute function normalize_new_names();
create or replace trigger normalize_changed_name after update of name on chain_product
for each row when (old.name is distinct from new.name) execute function normalize_changed_name();

-- A word of one or two letters has trigrams only at the beginning of a word, so it is looked for only there.
create or replace function search_pattern(word text) returns text
language sql immutable parallel safe strict
return case when length(word) < 3 then '% ' else '%' end || word || '%';
comment on function search_pattern(text) is 'The LIKE pattern of normalized names that contain this word.';

-- Without enable_seqscan = off the planner reads all names, because the limit makes it expect an early end.
create or replace function search_corrected(word text) returns text
language sql stable strict
set pg_trgm.word_similarity_threshold = 0.39
set enable_seqscan = off
as $function$
    select known from (
        select string_to_array(btrim(normalized_name), ' ') as tokens from product_name
        where normalized_name %> word limit 1000
    ) alike, unnest(tokens) known
    group by known having length(known) > 1 order by similarity(known, word) desc, count(*) desc, known limit 1
$function$;
comment on function search_corrected(text) is
    'The most similar word that occurs in names: the word itself if it occurs, null if nothing is similar.';

create or replace function search_products(query text, at_most integer default 20)
returns table (product_key integer, gtin text, name text, names jsonb, chains bigint, score real)
language plpgsql stable
set enable_seqscan = off
as $function$
declare
    wanted text[];
    score text;
    matches text;
    has_any boolean;
begin
    select array_agg(distinct word) into wanted
    from unnest(string_to_array(btrim(search_text(query)), ' ')) word where word <> '';
    if wanted is null then
        return;
    end if;
    -- first with the words as typed; where no product has all of them, again with the misspelled ones corrected
    for attempt in 1..2 loop
        select string_agg(format('(strpos(n.normalized_name, %L) > 0)::int', ' ' || word || ' '), ' + '),
            string_agg(format('n.normalized_name like %L', search_pattern(word)), ' and ')
        into score, matches from unnest(wanted) word;
        execute format('select exists (select from product_name n where %s)', matches) into has_any;
        exit when has_any or attempt = 2 or exists (select from product p where p.gtin = search_gtin(btrim(query)))
            or exists (select from chain_product cp where cp.code = btrim(query));
        wanted := array(
            select coalesce(search_corrected(word), word) from unnest(wanted) word where length(word) > 2
            union select word from unnest(wanted) word where length(word) < 3
        );
    end loop;
    -- whole words count 1 each, a name that begins with the query 2 more; of equal names the shorter one comes first
    score := format('(%s + 2 * starts_with(n.normalized_name, %L)::int - length(n.normalized_name) / 1000.0)::real',
        score, search_text(query));
    return query execute format($search$
        with hit as (
            select p.product_key, 1000::real as score from product p where p.gtin = %1$L
            union all
            select cp.product_key, 1000 from chain_product cp where cp.code = %2$L
            union all
            select n.product_key, %3$s from product_name n where %4$s
        ), best as (
            select hit.product_key, max(hit.score) as score from hit
            group by 1 order by 2 desc, count(*) desc, 1 limit %5$L
        )
        select best.product_key, p.gtin, (array_agg(cp.name order by %3$s desc nulls last, cp.chain_id))[1],
            jsonb_object_agg(coalesce(c.name, c.chain_id), cp.name), count(*), best.score
        from best join product p using (product_key) join chain_product cp using (product_key)
        join chain c on c.chain_id = cp.chain_id
        left join product_name n on n.chain_id = cp.chain_id and n.product_key = cp.product_key
        group by best.product_key, p.gtin, best.score order by best.score desc, count(*) desc, best.product_key
    $search$, search_gtin(btrim(query)), btrim(query), score, matches, at_most);
end
$function$;
comment on function search_products(text, integer) is
    'Finds products by words of their names in any order, parts of words, misspelled words, GTIN or code; best match first.';
