"""Addresses that are not imported, each with the reason (PORTALS §5.2, §4.6, §4.13)."""

from gogobe_dagster.feeds.model import DisabledFeed

DISABLED: tuple[DisabledFeed, ...] = (
    DisabledFeed(
        key="quik",
        name="Quik",
        hebrew="קוויק",
        chain_ids=("7291029710008",),
        was_at="prices.quik.co.il",
        reason="its host has had no address since February 2026; off the official register on 4 August 2026.",
    ),
    DisabledFeed(
        key="mega",
        name="Mega",
        hebrew="מגה",
        chain_ids=("7290055700007",),
        was_at="publishprice.mega.co.il",
        reason="closed on 1 July 2025; its stores are in carrefour.",
    ),
    DisabledFeed(
        key="yeinot_bitan",
        name="Yeinot Bitan",
        hebrew="יינות ביתן",
        chain_ids=("7290725900003",),
        was_at="publishprice.ybitan.co.il",
        reason="closed on 1 July 2025; its stores are in carrefour.",
    ),
    DisabledFeed(
        key="carrefour_signage",
        name="Carrefour signage",
        hebrew="קרפור שילוט",
        chain_ids=("7290055700014",),
        was_at="shilut.carrefour.co.il",
        reason="signs for the shelves of the stores in carrefour, with a list of stores months old.",
    ),
    DisabledFeed(
        key="city_market_givatayim",
        name="City Market Givatayim",
        hebrew="סיטי מרקט גבעתיים",
        chain_ids=("5359000000000",),
        was_at="citymarketgivatayim.binaprojects.com",
        reason="removed on 28 February 2025; it is branch 079 of City Market Shops.",
    ),
    DisabledFeed(
        key="city_market_kiryat_ono",
        name="City Market Kiryat Ono",
        hebrew="סיטי מרקט קרית אונו",
        chain_ids=("5359000000000",),
        was_at="citymarketkiryatono.binaprojects.com",
        reason="removed on 28 October 2024.",
    ),
    DisabledFeed(
        key="paz_bina",
        name="Paz on Bina",
        hebrew="פז",
        was_at="paz.binaprojects.com",
        reason="left in 2024; Paz publishes in yellow, fresh_market and super_yuda.",
    ),
    DisabledFeed(
        key="hazi_hinam_cerberus",
        name="Hazi Hinam on Cerberus",
        hebrew="חצי חינם",
        chain_ids=("7290700100008",),
        was_at="publishedprices.co.il, user HaziHinam",
        reason="an empty folder since November 2024; Hazi Hinam has a portal of its own.",
    ),
    DisabledFeed(
        key="laib_old_pages",
        name="Victory, Mahsanei HaShuk and Het Cohen on Matrix",
        hebrew="ויקטורי, מחסני השוק, ח. כהן",
        was_at="matrixcatalog.co.il",
        reason="replaced by the API of victory, mahsanei_hashuk and het_cohen in 2026.",
    ),
    DisabledFeed(
        key="nitzat_haduvdevan",
        name="Nitzat HaDuvdevan",
        hebrew="ניצת הדובדבן",
        was_at="",
        reason="a large retailer since 2026 by the official list, but nobody has found a portal of it.",
    ),
)
