-- A price counts for as long as it held in the days looked at, so the median is that of the time.
create or replace function usual_prices(in_store integer, of_product integer, until timestamptz)
returns table (
    lowest_30_days numeric, median_30_days numeric, lowest_90_days numeric, median_90_days numeric, days_known numeric
)
language sql stable parallel safe
as $function$
    select
        min(price) filter (where seconds_30 > 0),
        min(price) filter (where seconds_30 > 0 and 2 * so_far_30 >= all_30),
        min(price),
        min(price) filter (where 2 * so_far_90 >= all_90),
        round(max(all_90) / 86400, 1)
    from (
        select price, seconds_30, sum(seconds_30) over (order by price) as so_far_30, sum(seconds_30) over () as all_30,
            sum(seconds_90) over (order by price) as so_far_90, sum(seconds_90) over () as all_90
        from (
            select price,
                sum(greatest(extract(epoch from valid_to - greatest(valid_from, until - interval '30 days')), 0)) as seconds_30,
                sum(extract(epoch from valid_to - greatest(valid_from, until - interval '90 days'))) as seconds_90
            from (
                select price, valid_from, until as valid_to from price_current
                where store_key = in_store and product_key = of_product and price > 0 and valid_from < until
                union all
                select price, valid_from, least(valid_to, until) from price_past
                where store_key = in_store and product_key = of_product and price > 0
                    and valid_to > until - interval '90 days' and valid_from < until
            ) period
            group by price
        ) by_price
    ) known
$function$;
comment on function usual_prices(integer, integer, timestamptz) is
    'Lowest and median shelf price of a product in a store in the 30 and 90 days before a timestamp; a price counts for as long as it held.';
