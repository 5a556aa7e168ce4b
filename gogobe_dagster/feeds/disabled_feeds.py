"""Addresses that are not imported, each with the reason."""

from gogobe_dagster.feeds.model import DisabledFeed

DISABLED: tuple[DisabledFeed, ...] = (
    DisabledFeed(
        key="quik",
        name="Quik",
        hebrew_name="קוויק",
        chain_ids=("7291029710008",),
        former_address="prices.quik.co.il",
        reason="its host has had no address since February 2026; off the official register on 4 August 2026.",
    ),
    DisabledFeed(
        key="mega",
        name="Mega",
        hebrew_name="מגה",
        chain_ids=("7290055700007",),
        former_address="publishprice.mega.co.il",
        reason="closed on 1 July 2025; its stores are in carrefour.",
    ),
    DisabledFeed(
        key="yeinot_bitan",
        name="Yeinot Bitan",
        hebrew_name="יינות ביתן",
        chain_ids=("7290725900003",),
        former_address="publishprice.ybitan.co.il",
        reason="closed on 1 July 2025; its stores are in carrefour.",
    ),
    DisabledFeed(
        key="carrefour_signage",
        name="Carrefour signage",
        hebrew_name="קרפור שילוט",
        chain_ids=("7290055700014",),
        former_address="shilut.carrefour.co.il",
        reason="signs for the shelves of the stores in carrefour, with a list of stores months old.",
    ),
    DisabledFeed(
        key="city_market_givatayim",
        name="City Market Givatayim",
        hebrew_name="סיטי מרקט גבעתיים",
        chain_ids=("5359000000000",),
        former_address="citymarketgivatayim.binaprojects.com",
        reason="removed on 28 February 2025; it is branch 079 of City Market Shops.",
    ),
    DisabledFeed(
        key="city_market_kiryat_ono",
        name="City Market Kiryat Ono",
        hebrew_name="סיטי מרקט קרית אונו",
        chain_ids=("5359000000000",),
        former_address="citymarketkiryatono.binaprojects.com",
        reason="removed on 28 October 2024.",
    ),
    DisabledFeed(
        key="paz_bina",
        name="Paz on Bina",
        hebrew_name="פז",
        former_address="paz.binaprojects.com",
        reason="left in 2024; Paz publishes in yellow, fresh_market and super_yuda.",
    ),
    DisabledFeed(
        key="hazi_hinam_cerberus",
        name="Hazi Hinam on Cerberus",
        hebrew_name="חצי חינם",
        chain_ids=("7290700100008",),
        former_address="publishedprices.co.il, user HaziHinam",
        reason="an empty folder since November 2024; Hazi Hinam has a portal of its own.",
    ),
    DisabledFeed(
        key="laib_old_pages",
        name="Victory, Mahsanei HaShuk and Het Cohen on Matrix",
        hebrew_name="ויקטורי, מחסני השוק, ח. כהן",
        former_address="matrixcatalog.co.il",
        reason="replaced by the API of victory, mahsanei_hashuk and het_cohen in 2026.",
    ),
    DisabledFeed(
        key="nitzat_haduvdevan",
        name="Nitzat HaDuvdevan",
        hebrew_name="ניצת הדובדבן",
        former_address="",
        reason="a large retailer since 2026 by the official list, but nobody has found a portal of it.",
    ),
)
