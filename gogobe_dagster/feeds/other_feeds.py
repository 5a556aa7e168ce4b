"""The feeds on Laib and on portals of their own, as listed on gov.il on 22 June 2026."""

from datetime import date, time
from functools import partial

from gogobe_dagster.feeds.model import Evidence, Family, Feed

_laib = partial(Feed, family=Family.LAIB, base_url="https://laibcatalog.co.il", is_israel_only=True)
_EMPTY_IN_THE_MORNING = Evidence(
    seen_on=date(2026, 9, 17),
    fact="From the 14th on, the list was empty from midnight until the files of the morning came. Files of "
    "05:11 were seen as well.",
)
_SECOND_NUMBER = Evidence(
    seen_on=date(2026, 9, 18), fact="Its second number answers HTTP 400: FilesRootPath is invalid."
)
_PAST_DAYS = Evidence(
    seen_on=date(2026, 7, 28),
    fact="Full files of the last two weeks were still found by the date search of the old page, which has "
    "had only store lists in other records since spring: past days are not offered here.",
)

LARGEST: tuple[Feed, ...] = (
    Feed(
        key="shufersal",
        name="Shufersal",
        hebrew_name="שופרסל",
        legal_name='שופרסל בע"מ',
        family=Family.SHUFERSAL,
        chain_ids=("7290027600007",),
        base_url="https://prices.shufersal.co.il",
        file_hosts=("pricesprodpublic.blob.core.windows.net",),
        account="shufersal",
        stores=417,
        full_files_per_day=880,
        note="With the BE pharmacies (sub-chain 5).",
    ),
    Feed(
        key="carrefour",
        name="Carrefour, Mega Ba'ir, Yeinot Bitan",
        hebrew_name="קרפור, בעיר, יינות ביתן",
        legal_name='גלובל ריטייל ק.י בע"מ',
        family=Family.PUBLISH_PRICE,
        chain_ids=("7290055700007",),
        aliases=("7290725900003",),
        base_url="https://prices.carrefour.co.il",
        account="carrefour",
        stores=147,
        full_files_per_day=344,
        delta_files_per_day=1005,
        note="7290725900003 is Yeinot Bitan's id of old; the signage feed 7290055700014 is not read.",
    ),
    Feed(
        key="super_pharm",
        name="Super-Pharm",
        hebrew_name="סופר פארם",
        legal_name='סופר פארם (ישראל) בע"מ',
        family=Family.SUPER_PHARM,
        chain_ids=("7290172900007",),
        base_url="https://prices.super-pharm.co.il",
        account="super_pharm",
        stores=306,
        full_files_per_day=614,
        note="One sub-chain, 000 in names and 100 in old documents; a bot wall.",
        evidence=(
            Evidence(
                seen_on=date(2026, 10, 26),
                fact="Dates of the listing are read as month/day/year elsewhere and were day/month/year in "
                "August: where both are possible, the timestamp in the file's name decides.",
            ),
        ),
    ),
)

OTHERS: tuple[Feed, ...] = (
    _laib(
        key="victory",
        name="Victory",
        hebrew_name="ויקטורי",
        legal_name='ויקטורי רשת סופרמרקטים בע"מ',
        chain_ids=("7290696200003",),
        account="victory",
        aliases=("7290058103393",),
        stores=70,
        full_files_per_day=140,
        delta_files_per_day=1380,
        full_files_by=time(9, 10),
        empty_until=time(10),
        note="Its second number, 7290058103393, lists nothing.",
        evidence=(
            Evidence(seen_on=date(2026, 9, 18), fact="690 files, dated 09:07."),
            _EMPTY_IN_THE_MORNING,
            _SECOND_NUMBER,
            _PAST_DAYS,
        ),
    ),
    _laib(
        key="mahsanei_hashuk",
        name="Mahsanei HaShuk",
        hebrew_name="מחסני השוק",
        legal_name='כ.נ מחסני השוק בע"מ',
        chain_ids=("7290661400001",),
        account="mshuk",
        aliases=("7290633800006",),
        stores=71,
        full_files_per_day=142,
        delta_files_per_day=648,
        full_files_by=time(8, 15),
        empty_until=time(9),
        observes_shabbat=True,
        note="Four sub-chains; store 98 stopped. Its second number, 7290633800006, lists nothing.",
        evidence=(
            Evidence(
                seen_on=date(2026, 9, 5),
                fact="A Saturday: the list was empty all day and overnight; then 428 files dated 08:11.",
            ),
            _SECOND_NUMBER,
            _PAST_DAYS,
        ),
    ),
    _laib(
        key="het_cohen",
        name="Het Cohen (Hyper Cohen)",
        hebrew_name="ח. כהן / היפר כהן",
        legal_name='ח. כהן סוכנות מזון ומשקאות בע"מ',
        chain_ids=("7290455000004",),
        account="hcohen",
        stores=5,
        full_files_per_day=10,
        delta_files_per_day=138,
        full_files_by=time(8, 5),
        empty_until=time(9),
        note="Names print the time twice, and sub-chain 000.",
        evidence=(
            Evidence(seen_on=date(2026, 9, 18), fact="41 files, dated 08:02."),
            _EMPTY_IN_THE_MORNING,
            _PAST_DAYS,
        ),
    ),
    Feed(
        key="wolt_market",
        name="Wolt Market",
        hebrew_name="וולט מרקט",
        legal_name='וולט אופריישנס סרוויסס ישראל בע"מ',
        family=Family.WOLT,
        chain_ids=("7290058249350",),
        base_url="https://wm-gateway.wolt.com",
        account="wolt",
        stores=34,
        full_files_per_day=70,
        delta_files_per_day=0,
        is_irregular=True,
        note="Online stores only, no deltas. Venue 038 is a test, 041 is closed; an empty file is normal.",
        evidence=(
            Evidence(seen_on=date(2026, 8, 11), fact="The newest day was 29 May: ten weeks of silence."),
            Evidence(seen_on=date(2026, 8, 27), fact="5,270 prices."),
        ),
    ),
    Feed(
        key="mishnat_yosef_worker",
        name="Mishnat Yosef (worker)",
        hebrew_name="משנת יוסף",
        legal_name='קיי.טי. יבוא ושיווק בע"מ',
        family=Family.MISHNAT_YOSEF,
        chain_ids=("5144744100002",),
        base_url="https://list-files.w5871031-kt.workers.dev",
        register_host="chp-kt.pages.dev",
        file_hosts=("*",),  # which host its links name has not been recorded
        account="list-files",
        stores=4,
        observes_shabbat=True,
        note="No promotions. The same company as mishnat_yosef_bina: stores of one number are one store.",
    ),
    Feed(
        key="hazi_hinam",
        name="Hazi Hinam",
        hebrew_name="כל בו חצי חינם",
        family=Family.HAZI_HINAM,
        chain_ids=("7290700100008",),
        base_url="https://shop.hazi-hinam.co.il",
        file_hosts=("hazihinamprod01.blob.core.windows.net",),
        account="hazi_hinam",
        is_israel_only=True,
        stores=13,
        note="A bot wall to callers outside Israel. On Cerberus until November 2024.",
    ),
    Feed(
        key="city_market_shops",
        name="City Market Shops",
        hebrew_name="סיטי מרקט",
        family=Family.CITY_MARKET,
        chain_ids=("7290000000003",),
        base_url="https://www.citymarket-shops.co.il",
        account="city_market_shops",
        lists_each_store=True,
        stores=28,
        note="Franchises; a made-up chain id, but a published one. Not the City Market of Kiryat Gat.",
        evidence=(
            Evidence(
                seen_on=date(2026, 9, 8),
                fact="Store lists came at about 11:00; a morning without them is normal.",
            ),
        ),
    ),
    Feed(
        key="netiv_hahesed",
        name="Netiv HaHesed (Barkol, Shira)",
        hebrew_name="נתיב החסד (בר-כל, שירה מרקט)",
        family=Family.NETIV_HAHESED,
        chain_ids=("7290058160839",),
        base_url="https://app.netiv-hesed.com",
        account="netiv_hahesed",
        stores=90,
        observes_shabbat=True,
        note="Three brands as sub-chains, which its promotions leave out. Nothing on Shabbat.",
    ),
)
