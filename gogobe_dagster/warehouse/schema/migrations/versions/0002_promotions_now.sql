-- The view for people: promotions in force, one row for each store, offer and product.

-- What a piece, or a kilogram, costs under an offer. Nobody says officially what the reward types mean; this is
-- what published files show: types 1, 3 and 10 state the price of min_quantity; 2 is a percentage, and 6, 7, 8 and
-- 9 are gifts, the cheapest free, deliveries and the second for less, so that no price of one piece is stated.
-- Less than a tenth of a kilogram says "sold by weight" and the price is that of a kilogram (pineapple at 7.90 for
-- 0.010); Cerberus chains, with type 1, also state a kilogram's price for 0.25 or 0.30 (salami, 53.33: 16 for 300 g).
create function offered_price(reward_type smallint, discounted_price numeric, min_quantity numeric) returns numeric
language sql immutable parallel safe
return case
    when reward_type in (1, 3, 10) and discounted_price > 0 and min_quantity > 0 then
        case
            when min_quantity <= 0.1 or (reward_type = 1 and min_quantity < 1) then discounted_price
            else round(discounted_price / min_quantity, 4)
        end
end;
comment on function offered_price is
    'Price of a piece or kilogram under an offer; null where its reward type states none.';

create view promotions_now as
select
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    s.city,
    ps.promotion_id,
    o.description,
    p.gtin,
    coalesce(cp.code, p.code) as code,
    cp.name as product_name,
    cp.manufacturer,
    case when not i.is_gift and o.is_total is not true
        then offered_price(o.reward_type, o.discounted_price, o.min_quantity) end as effective_unit_price,
    pc.price as regular_price,
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
join chain c on c.chain_id = s.chain_id
join promotion_offer o on o.promotion_key = ps.promotion_key
left join promotion_item i on i.promotion_key = o.promotion_key and i.offer_number = o.offer_number
left join product p on p.product_key = i.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = i.product_key
left join price_current pc on pc.store_key = ps.store_key and pc.product_key = i.product_key
where ps.valid_to is null
    and o.is_active is not false
    and (o.starts_at is null or o.starts_at <= now())
    and (o.ends_at is null or o.ends_at >= now());
comment on view promotions_now is 'Promotions in force now: one row for each store, offer and product; conditions in columns.';
comment on column promotions_now.chain_id is 'Chain id.';
comment on column promotions_now.chain_name is 'Name of the chain.';
comment on column promotions_now.sub_chain_id is 'Sub-chain id; 0: none.';
comment on column promotions_now.store_id is 'The store''s number in its sub-chain.';
comment on column promotions_now.store_name is 'Name of the store; null: no store list shows it.';
comment on column promotions_now.city is 'City: a name, or a CBS locality code.';
comment on column promotions_now.promotion_id is 'The chain''s number of the promotion.';
comment on column promotions_now.description is 'The chain''s words for it.';
comment on column promotions_now.gtin is 'GTIN; null: a code of the chain''s own, or the offer names no item.';
comment on column promotions_now.code is 'Item code as the chain publishes it; to look for a product, use gtin or product_key.';
comment on column promotions_now.product_name is 'The chain''s name of the product; null: not in its price files.';
comment on column promotions_now.manufacturer is 'Manufacturer as the chain publishes it.';
comment on column promotions_now.effective_unit_price is 'ILS of a piece or kilogram under the offer, if its conditions are met: discounted_price / min_quantity for reward types 1, 3 and 10; null for others, gifts and baskets.';
comment on column promotions_now.regular_price is 'Shelf price in ILS in this store; null: it does not list the product.';
comment on column promotions_now.is_gift is 'What one gets, not what one has to buy.';
comment on column promotions_now.gift_price is 'Price in ILS of a gift that is not free.';
comment on column promotions_now.reward_type is 'RewardType as published.';
comment on column promotions_now.discounted_price is 'ILS for min_quantity pieces, as published.';
comment on column promotions_now.discount_rate is 'As published: percent, hundredths of a percent, or ILS, by chain and reward.';
comment on column promotions_now.min_quantity is 'Condition: pieces or kilograms to buy at least.';
comment on column promotions_now.max_quantity is 'Condition: pieces or kilograms that it holds for at most; null and 0: no limit said.';
comment on column promotions_now.is_weighted is 'Quantities are kilograms; null: not said.';
comment on column promotions_now.min_purchase_amount is 'Condition: ILS to spend on it at least.';
comment on column promotions_now.min_basket_amount is 'Condition: ILS of the whole basket at least.';
comment on column promotions_now.club_ids is 'Condition: codes of the clubs it is for, with commas; 0: everybody; null: not said.';
comment on column promotions_now.is_for_everybody is 'Whether no club is asked for; null: not said.';
comment on column promotions_now.is_coupon is 'Condition: needs a coupon; null: not said.';
comment on column promotions_now.is_total is 'Holds for the whole basket; null: not said.';
comment on column promotions_now.allows_multiple_discounts is 'Whether others may be used with it; null: not said.';
comment on column promotions_now.redemption_limit is 'Condition: how often one may use it; null: not said.';
comment on column promotions_now.days is 'Condition: PromotionDays as published; null: every day.';
comment on column promotions_now.remarks is 'Remarks and restrictions in the chain''s words.';
comment on column promotions_now.starts_at is 'From when it holds; null: not said.';
comment on column promotions_now.ends_at is 'Until when it holds; null: not said.';
comment on column promotions_now.valid_from is 'Since when the store publishes it so.';
comment on column promotions_now.offer_number is 'Number of the offer in the promotion.';
comment on column promotions_now.group_id is 'Group in the promotion as published.';
comment on column promotions_now.store_key is 'Key of the store.';
comment on column promotions_now.product_key is 'Key of the product; null: the offer names no item.';
comment on column promotions_now.promotion_key is 'Key of the promotion''s content.';
