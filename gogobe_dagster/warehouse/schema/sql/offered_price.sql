-- The price of one piece, or of one kilogram, under an offer.
--
-- No official document defines RewardType; these rules are read off published files:
-- * 1, 3 and 10 state the price of min_quantity pieces.
-- * 2 is a percentage; 6, 7, 8 and 9 are gifts, the cheapest free, deliveries and the second for less. None of them
--   states the price of one piece.
-- * A min_quantity of at most a tenth of a kilogram means "sold by weight", and the price is that of a kilogram
--   (pineapple at 7.90 for 0.010). Cerberus chains, with type 1, also state a kilogram's price for 0.25 or 0.30
--   (salami: 53.33 for 0.30, where 300 g cost 16).
create or replace function offered_price(reward_type smallint, discounted_price numeric, min_quantity numeric)
returns numeric
language sql immutable parallel safe
return case
    when reward_type in (1, 3, 10) and discounted_price > 0 and min_quantity > 0 then
        case
            when min_quantity <= 0.1 or (reward_type = 1 and min_quantity < 1) then discounted_price
            else round(discounted_price / min_quantity, 4)
        end
end;
comment on function offered_price is
    'Price of a piece or kilogram under an offer; null if its reward type states none.';
