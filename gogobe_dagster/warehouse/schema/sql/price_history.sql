-- The whole history as one relation. A period is in price_past once it has ended, before that in price_current alone.
create or replace view price_history as
select store_key, product_key, valid_from, valid_to, price, published_unit_price, price_set_at, file_id, closed_by_file_id
from price_past
union all
select store_key, product_key, valid_from, null, price, published_unit_price, price_set_at, file_id, null
from price_current;
