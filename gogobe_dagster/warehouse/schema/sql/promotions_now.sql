create or replace view promotions_now as
select
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    s.city,
    s.locality_code,
    l.name as locality_name,
    l.district,
    l.latitude,
    l.longitude,
    ps.promotion_id,
    o.description,
    p.gtin,
    coalesce(cp.code, p.code) as code,
    coalesce(cp.name, p.name) as product_name,
    cp.manufacturer,
    unit.effective_unit_price,
    unit.price_basis,
    case
        when unit.price_basis = 'piece' then (unit.effective_unit_price / cp.base_quantity)::numeric(18, 4)
        when cp.base_unit = 'kg' then unit.effective_unit_price
    end as effective_comparable_price,
    cp.base_unit,
    pc.price as regular_price,
    o.min_total_quantity,
    o.needs_coupon,
    o.needs_club,
    o.is_compensation,
    unit.no_price_reason,
    i.is_gift,
    i.gift_price,
    o.reward_type,
    o.discounted_price,
    o.discount_rate,
    o.min_quantity,
    o.max_quantity,
    o.is_weighted,
    o.min_purchase_amount,
    o.min_basket_amount,
    o.club_ids,
    '0' = any (string_to_array(o.club_ids, ',')) as is_for_everybody,
    o.is_coupon,
    o.is_total,
    o.allows_multiple_discounts,
    o.redemption_limit,
    o.days,
    o.remarks,
    o.starts_at,
    o.ends_at,
    ps.valid_from,
    o.offer_number,
    o.group_id,
    ps.store_key,
    i.product_key,
    ps.promotion_key
from promotion_store ps
join store s on s.store_key = ps.store_key
left join locality l on l.locality_code = s.locality_code
join promotion_offer o on o.promotion_key = ps.promotion_key
left join promotion_item i on i.promotion_key = o.promotion_key and i.offer_number = o.offer_number
left join product p on p.product_key = i.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = i.product_key
left join price_current pc on pc.store_key = ps.store_key and pc.product_key = i.product_key
-- last: PostgreSQL plans eight joined tables together, and nobody asks by the name of a chain
join chain c on c.chain_id = s.chain_id
cross join lateral (
    select
        {effective_unit_price} as effective_unit_price,
        {price_basis} as price_basis,
        {no_price_reason} as no_price_reason
    from (
        select o.reward_type, o.regular_price_share, o.fixed_unit_price, o.fixed_kilogram_price, o.is_by_weight,
            o.min_total_quantity, o.no_price_reason, i.is_gift, pc.price as regular_price,
            cp.is_weighted as product_is_weighted
    ) known
) unit
where ps.valid_to is null and {is_in_force};
