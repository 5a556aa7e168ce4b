-- A country of :stores stores with about :items products each. 34 chains share 2,000 products; the rest differ.
create function word(seed bigint) returns text language sql immutable as $$
    select string_agg(substr('אבגדהוזחטיכלמנסעפצקרשת', 1 + (hashint8(seed * 31 + i) & 2147483647) % 22, 1), '')
    from generate_series(1, 3 + (hashint8(seed) & 2147483647) % 4) i
$$;
insert into chain (chain_id, name) select (7290000000000 + c)::text, 'רשת ' || c from generate_series(1, 34) c;
insert into sub_chain (chain_id, sub_chain_id) select chain_id, 1 from chain;
insert into store (chain_id, sub_chain_id, store_id, name, city, locality_code, is_listed,
    first_seen_at, last_seen_at, last_price_at, last_full_price_at)
select (7290000000001 + s % 34)::text, 1, s, 'סניף ' || s, 'עיר ' || s % 80,
    (select array_agg(locality_code order by population desc nulls last) from locality)[1 + s % 80], true, now(), now(), now(), now()
from generate_series(1, :stores) s;
insert into product (gtin) select (7290000000000 + p)::text from generate_series(1, 150000) p;
create temporary table assortment as
select distinct c, product_key from (
    select c, k as product_key from generate_series(1, 34) c, generate_series(1, 2000) k
    union all
    select c, 2001 + (hashint8(c * 1000003 + k) & 2147483647) % 148000 from generate_series(1, 34) c, generate_series(1, :items - 2000) k
) both_kinds;
insert into chain_product (chain_id, product_key, attributes_as_of, code, name, unit_of_measure)
select (7290000000000 + c)::text, product_key, '2026-11-24', (7290000000000 + product_key)::text,
    (array['חלב', 'לחם', 'קוטג''', 'שוקולד', 'שוקו', 'יוגורט', 'פסטה', 'אורז', 'קפה', 'תה', 'עגבניות', 'במבה', 'ביסלי', 'שמן זית', 'סבון', 'שמפו', 'נייר טואלט', 'מיץ תפוזים', 'גבינה צהובה', 'טונה', word(product_key % 900), word(product_key % 901), word(product_key % 902), word(product_key % 903), word(product_key % 904)])[1 + product_key % 25]
    || ' ' || (array['תנובה', 'שטראוס', 'אסם', 'עלית', 'תלמה', 'סוגת', word(product_key % 701), word(product_key % 702), word(product_key % 703)])[1 + product_key % 9]
    || ' ' || word(product_key % 20011) || ' ' || word(product_key) || ' ' || (50 * (1 + product_key % 30)) || case when c % 3 = 0 then ' גר''' else ' גרם' end,
    '100 גרם'
from assortment;
create index on assortment (c);
analyze assortment;
insert into price_current (store_key, product_key, price, published_unit_price, price_set_at, valid_from, file_id)
select s.store_key, a.product_key, 1 + (a.product_key * 7 + s.store_key) % 9000 / 100.0, (a.product_key * 3) % 5000 / 100.0,
    timestamptz '2026-11-24' - (a.product_key + s.store_key) % 60 * interval '1 day',
    timestamptz '2026-11-24' - (a.product_key * 17 + s.store_key) % 60 * interval '1 day' - s.store_key * interval '1 second', s.store_key
from store s join assortment a on a.c = s.store_id % 34 + 1 order by s.store_key, a.product_key;
insert into price_past (store_key, product_key, valid_from, valid_to, price, published_unit_price, price_set_at, file_id, closed_by_file_id)
select store_key, product_key, valid_from - interval '20 days', valid_from, price + 1, published_unit_price, price_set_at, file_id, file_id
from price_current where (store_key + product_key) % 10 = 0;;
insert into promotion (chain_id, promotion_id, content_hash, description, starts_at, ends_at)
select (7290000000000 + c)::text, n::text, md5(c || ':' || n)::uuid, 'מבצע ' || n, '2026-01-01', '2099-01-01'
from generate_series(1, 34) c, generate_series(1, 2000) n;
insert into promotion_offer (promotion_key, offer_number, group_id, description, starts_at, ends_at, reward_type, discounted_price, min_quantity, club_ids,
    needs_coupon, needs_club, is_compensation, regular_price_share, fixed_unit_price, fixed_kilogram_price, is_by_weight,
    min_total_quantity)
select promotion_key, 1, 1, description, starts_at, ends_at, 1, 10, 2, '0', false, false, false, 0, 5, 5, false, 2
from promotion;
create temporary table numbered as
select c, product_key, row_number() over (partition by c order by product_key) as place from assortment;
create index on numbered (c, place);
analyze numbered;
insert into promotion_item (promotion_key, offer_number, product_key, is_gift)
select p.promotion_key, 1, a.product_key, false
from promotion p cross join generate_series(0, case when p.promotion_id::int % 25 = 0 then 49 else 3 end) i
join numbered a on a.c = p.chain_id::bigint - 7290000000000 and a.place = 1 + (p.promotion_id::int * 50 + i) % (:items - 300);
insert into promotion_store (store_key, promotion_id, valid_from, promotion_key, file_id)
select s.store_key, p.promotion_id, '2026-11-01', p.promotion_key, 1
from store s join promotion p using (chain_id) order by 1, 2;
insert into statistics_due (chain_id, since_day) select chain_id, date '2026-11-22' from chain;
insert into file (feed, name, revision, publication_day, link, state, first_seen_at, last_seen_at)
select 'keshet', 'Price' || n || '.gz', 1, date '2026-11-24', '', 'superseded', now(), now() from generate_series(1, 200000) n;
update store set last_price_at = now() - interval '5 days' where store_id % 100 = 7
