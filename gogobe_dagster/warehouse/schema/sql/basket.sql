-- What a basket of products costs in each store, promotions applied.

create or replace function distance_km(
    latitude numeric, longitude numeric, other_latitude numeric, other_longitude numeric
) returns numeric
language sql immutable parallel safe strict
return round((12742 * asin(least(1, sqrt(
    sin(radians(other_latitude - latitude) / 2) ^ 2
    + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(radians(other_longitude - longitude) / 2) ^ 2
))))::numeric, 1);
comment on function distance_km(numeric, numeric, numeric, numeric) is
    'Kilometres between two points in degrees (WGS84) on a sphere, with one decimal.';

-- An offer for four cans covers four of five. Goods by weight have the price from the least quantity on.
create or replace function promoted_quantity(
    quantity numeric, least_quantity numeric, most_quantity numeric, price_basis text
) returns numeric
language sql immutable parallel safe
return case
    when quantity < least_quantity then 0
    -- chains publish 0 for no limit; a limit below the least quantity is none either
    when price_basis = 'kilogram' then
        case when most_quantity >= least_quantity then least(quantity, most_quantity) else quantity end
    else floor(
        case when most_quantity >= least_quantity then least(quantity, most_quantity) else quantity end
        / least_quantity
    ) * least_quantity
end;
comment on function promoted_quantity(numeric, numeric, numeric, text) is
    'How much of a quantity has the price of an offer: whole multiples of pieces, or kilograms up to the limit.';

-- No file seen so far fills PromotionDays. Days are read as Israel numbers them, 1 is Sunday; what is no list of
-- such numbers is on no day: a price that is not certain is none.
create or replace function is_on_day(days text, day date)
returns boolean
language sql immutable parallel safe
return coalesce(btrim(days), '') = ''
    or (days ~ '^[\s1-7,;]+$' and strpos(days, (extract(dow from day) + 1)::text) > 0);
comment on function is_on_day(text, date) is
    'Whether an offer with these PromotionDays, such as 1,2,7, holds on a day; 1 is Sunday, none is every day.';

create or replace function basket(
    items jsonb,
    in_locality text default null,
    in_district text default null,
    near_latitude numeric default null,
    near_longitude numeric default null,
    radius_km numeric default 10,
    with_club boolean default false,
    with_coupon boolean default false,
    with_online boolean default false
) returns table (
    store_key integer, chain_id text, chain_name text, store_id integer, store_name text, locality_name text,
    district text, is_online boolean, distance numeric, lines bigint, missing bigint, total numeric,
    regular_total numeric, comparable_total numeric
)
language plpgsql stable
set plan_cache_mode = force_custom_plan
as $function$
#variable_conflict use_column
declare
    localities integer[];
    stores integer[];
    products integer[];
    promotions integer[];
begin
    if jsonb_typeof(items) is distinct from 'array' or jsonb_array_length(items) not between 1 and 200 then
        raise 'basket: items must be a list of 1 to 200 lines, such as [{"gtin": "7290000042640", "quantity": 2}]'
            using errcode = 'invalid_parameter_value';
    end if;
    if exists (
        select from jsonb_array_elements(items) line
        where jsonb_typeof(line) <> 'object' or jsonb_typeof(line -> 'gtin') is distinct from 'string'
        or case jsonb_typeof(coalesce(line -> 'quantity', '1'))
            when 'number' then coalesce((line ->> 'quantity')::numeric, 1) not between 0.001 and 10000
            else true end
    ) then
        raise 'basket: each line needs a "gtin" in quotes, and a "quantity" between 0.001 and 10000, or none for 1'
            using errcode = 'invalid_parameter_value';
    end if;
    if (near_latitude is null) <> (near_longitude is null) then
        raise 'basket: a point needs near_latitude and near_longitude' using errcode = 'invalid_parameter_value';
    end if;
    if in_locality is not null then
        select array_agg(l.locality_code) into localities from locality l
        where in_locality in (l.name, l.locality_code::text) or regexp_replace(lower(in_locality), '[^a-z]+', '', 'g')
            = regexp_replace(lower(l.english_name), '[^a-z]+', '', 'g');
        if localities is null then  -- the first part of a joined name, where no other locality has it
            select array_agg(l.locality_code) into localities from locality l
            where split_part(l.name, '-', 1) = in_locality;
        end if;
        if cardinality(localities) is distinct from 1 then
            raise 'basket: % localities are called %; the table locality has names and CBS codes',
                coalesce(cardinality(localities), 0), in_locality using errcode = 'invalid_parameter_value';
        end if;
    end if;
    select array_agg(distinct p.product_key) into products
    from jsonb_array_elements(items) line join product p on p.gtin = search_gtin(line ->> 'gtin');
    -- first: the same few promotions hold in all stores of a chain
    select array_agg(distinct i.promotion_key) into promotions
    from promotion_item i where i.product_key = any (products);
    select array_agg(s.store_key) into stores
    from store s left join locality l using (locality_code)
    where (with_online and s.is_online) or (
        not s.is_online
        and (in_locality is null or l.locality_code = localities[1])
        and (in_district is null or in_district = l.district)
        and (near_latitude is null
            or distance_km(near_latitude, near_longitude, l.latitude, l.longitude) <= radius_km)
    );
    return query
    with line as (
        -- a product that stands in several lines is bought once, in their sum
        select search_gtin(line ->> 'gtin') as gtin, max(p.product_key) as product_key,
            sum(coalesce((line ->> 'quantity')::numeric, 1)) as quantity
        from jsonb_array_elements(items) line left join product p on p.gtin = search_gtin(line ->> 'gtin')
        group by 1
    ), entry as (
        -- Prices and offers meet in windows, not by a join: PostgreSQL expects four offers where there are thirty
        -- thousand, and compared each of them with each price.
        select pc.store_key, pc.product_key, line.quantity, pc.price, line.quantity * pc.price as regular,
            cp.is_weighted, null::integer as promotion_key, null::integer as offer_number, null::boolean as is_gift
        -- each line in each store: the index of products has the stores of the whole country
        from unnest(stores) chosen (store_key) cross join line
        join price_current pc on pc.store_key = chosen.store_key and pc.product_key = line.product_key
        join store s on s.store_key = pc.store_key
        left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = pc.product_key
        where pc.price > 0  -- chains publish 0 for a price they do not state
        union all
        select ps.store_key, i.product_key, null, null, null, null, i.promotion_key, i.offer_number, i.is_gift
        from promotion_store ps join promotion_item i on i.promotion_key = ps.promotion_key
        where ps.promotion_key = any (promotions) and ps.store_key = any (stores) and ps.valid_to is null
            and i.product_key = any (products)
    ), known as (
        select store_key, product_key, promotion_key, offer_number, is_gift, max(quantity) over of_product as quantity,
            max(price) over of_product as price, max(regular) over of_product as regular,
            bool_or(is_weighted) over of_product as is_weighted, sum(regular) over (partition by store_key) as bill
        from entry window of_product as (partition by store_key, product_key)
    ), cost as (
        select k.store_key, k.product_key, k.regular, k.regular - coalesce(max(
            promoted_quantity(k.quantity, coalesce(nullif(o.min_total_quantity, 0), 1),
                least(nullif(o.max_quantity, 0),
                    nullif(o.redemption_limit, 0) * coalesce(nullif(o.min_total_quantity, 0), 1)),
                unit.price_basis) * (k.price - unit.effective_unit_price)
        ) filter (where unit.effective_unit_price < k.price), 0) as promoted
        from known k
        left join promotion_offer o on o.promotion_key = k.promotion_key and o.offer_number = k.offer_number
            and {is_in_force} and is_on_day(o.days, (now() at time zone 'Asia/Jerusalem')::date)
            and not o.is_compensation and (with_club or not o.needs_club) and (with_coupon or not o.needs_coupon)
            and coalesce(o.min_purchase_amount, 0) <= k.regular and coalesce(o.min_basket_amount, 0) <= k.bill
        cross join lateral (
            select {effective_unit_price} as effective_unit_price, {price_basis} as price_basis
            from (
                select o.reward_type, o.regular_price_share, o.fixed_unit_price, o.fixed_kilogram_price, o.is_by_weight,
                    o.min_total_quantity, o.no_price_reason, k.is_gift, k.price as regular_price,
                    k.is_weighted as product_is_weighted
            ) known
        ) unit
        where k.regular is not null
        group by k.store_key, k.product_key, k.regular
    ), usual as (
        select line.gtin, percentile_cont(0.5) within group (order by cost.promoted)::numeric as promoted
        from line left join cost using (product_key) group by line.gtin
    ), bought as (
        select cost.store_key, count(*) as lines, sum(cost.promoted) as total, sum(cost.regular) as regular,
            array_agg(cost.product_key) as products
        from cost group by cost.store_key
    )
    select s.store_key, s.chain_id, c.name, s.store_id, s.name, l.name, l.district, s.is_online,
        distance_km(near_latitude, near_longitude, l.latitude, l.longitude),
        bought.lines, absent.lines, round(bought.total, 2), round(bought.regular, 2),
        round(bought.total + absent.usual, 2)
    from bought join store s using (store_key) join chain c using (chain_id) left join locality l using (locality_code)
    cross join lateral (
        -- null if one of them is sold in none of the stores
        select count(*) as lines,
            case when count(*) = count(usual.promoted) then coalesce(sum(usual.promoted), 0) end as usual
        from line join usual using (gtin)
        where line.product_key is null or line.product_key <> all (bought.products)
    ) absent
    order by 14 nulls last, absent.lines, bought.total, s.store_key;
end
$function$;
comment on function basket(jsonb, text, text, numeric, numeric, numeric, boolean, boolean, boolean) is
    'What a list of GTINs and quantities costs in each store of a locality, district or circle, promotions applied.';
