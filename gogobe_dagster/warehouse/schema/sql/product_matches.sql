create or replace view product_matches as
select
    m.match_key,
    m.decision,
    m.decided_at,
    own.chain_id,
    c.name as chain_name,
    own.code,
    own.name as product_name,
    other.gtin as other_gtin,
    other.chain_id as other_chain_id,
    oc.name as other_chain_name,
    other.code as other_code,
    other.name as other_name,
    m.is_end_of_gtin,
    m.shared_words,
    m.base_unit,
    m.base_quantity,
    m.brand,
    other.chains as other_chains,
    m.product_key,
    m.other_key
from product_match m
join product own on own.product_key = m.product_key
join product other on other.product_key = m.other_key
left join chain c on c.chain_id = own.chain_id
left join chain oc on oc.chain_id = other.chain_id;
