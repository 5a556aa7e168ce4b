"""The register: every feed, its portal, its chain ids, and what is normal.

A feed is a portal account that publishes; its key is the unit of partitioning. Two feeds can share a
chain id and one feed can carry several, so nothing is keyed by chain id. A new feed is one row here.
Source of every row: PORTALS §5.1 (the gov.il register of 22.06.2026 and probes up to October 2026).
"""

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import partial

from gogobe_dagster.errors import SettingsError

CERBERUS = "https://url.publishedprices.co.il"


class Family(StrEnum):
    """The software behind a portal; each has one module in `portals` and one in `replica`."""

    SHUFERSAL = "shufersal"
    CERBERUS = "cerberus"
    BINA = "bina"
    PUBLISH_PRICE = "publish_price"
    SUPER_PHARM = "super_pharm"
    LAIB = "laib"
    WOLT = "wolt"
    MISHNAT_YOSEF = "mishnat_yosef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One row of the register."""

    key: str
    name: str
    hebrew: str
    family: Family
    chain_ids: tuple[str, ...]
    base_url: str
    account: str
    """What tells this feed apart on its portal: a Cerberus user, a Bina host prefix, a Laib page."""
    password: str = ""
    folder: str = "/"
    query_id: str = ""
    """What Bina's list wants as the chain, where that is not the chain id of the files."""
    aliases: tuple[str, ...] = ()
    """Chain ids as some of its files wrongly print them; they mean `chain_ids[0]`."""
    stores: int
    """Branches seen in August 2026: what is normal."""
    rests_on_shabbat: bool = False
    """Publishes nothing from Friday afternoon to Saturday night, nor on holidays."""
    note: str = ""

    @property
    def chain_id(self) -> str:
        """The chain id that files of this feed mean unless they say another of its ids."""
        return self.chain_ids[0]

    def owns(self, chain_id: str) -> bool:
        """Whether a file that prints this chain id belongs to this feed."""
        return chain_id in self.chain_ids or chain_id in self.aliases


def find_feed(key: str) -> Feed:
    """Return the feed with this key. Raises `SettingsError` that names the known keys, and a near one."""
    known = {feed.key: feed for feed in FEEDS}
    if key in known:
        return known[key]
    near = get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise SettingsError(f"there is no feed {key!r}{hint} Known: {', '.join(sorted(known))}")


_cerberus = partial(Feed, family=Family.CERBERUS, base_url=CERBERUS)
_bina = partial(Feed, family=Family.BINA)
_laib = partial(Feed, family=Family.LAIB, base_url="https://laibcatalog.co.il")

# The users and passwords are printed on gov.il for everyone, as the law asks.
FEEDS: tuple[Feed, ...] = (
    Feed(
        key="shufersal",
        name="Shufersal",
        hebrew="שופרסל",
        family=Family.SHUFERSAL,
        chain_ids=("7290027600007",),
        base_url="https://prices.shufersal.co.il",
        account="shufersal",
        stores=417,
        note="With the BE pharmacies (sub-chain 5).",
    ),
    Feed(
        key="carrefour",
        name="Carrefour, Mega Ba'ir, Yeinot Bitan",
        hebrew="קרפור, בעיר, יינות ביתן",
        family=Family.PUBLISH_PRICE,
        chain_ids=("7290055700007",),
        aliases=("7290725900003",),
        base_url="https://prices.carrefour.co.il",
        account="carrefour",
        stores=147,
        note="7290725900003 is Yeinot Bitan's id of old; the signage feed 7290055700014 is not read.",
    ),
    Feed(
        key="super_pharm",
        name="Super-Pharm",
        hebrew="סופר פארם",
        family=Family.SUPER_PHARM,
        chain_ids=("7290172900007",),
        base_url="https://prices.super-pharm.co.il",
        account="super_pharm",
        stores=306,
        note="One sub-chain, 000 in names and 100 in old documents; a bot wall.",
    ),
    _cerberus(
        key="rami_levy",
        name="Rami Levy",
        hebrew="רמי לוי שיווק השקמה",
        chain_ids=("7290058140886",),
        account="RamiLevi",
        stores=99,
        note="Both generations of names on one day; online stores in lower case, as ZIP.",
    ),
    _cerberus(
        key="yellow",
        name="Yellow (Paz)",
        hebrew="יילו",
        chain_ids=("7290644700005",),
        account="Paz_bo",
        password="paz468",  # noqa: S106
        stores=242,
        note="Hardly any price deltas; half of the promotions are for members only.",
    ),
    _cerberus(
        key="dor_alon",
        name="Dor Alon (AM:PM, Alonit)",
        hebrew="דור אלון",
        chain_ids=("7290492000005",),
        aliases=("729049000005",),
        account="doralon",
        stores=156,
        note="Names with a sub-chain, such as -004-715-.",
    ),
    _cerberus(
        key="tiv_taam",
        name="Tiv Taam",
        hebrew="טיב טעם",
        chain_ids=("7290873255550",),
        account="TivTaam",
        stores=54,
        note="At times wrapped in a NewDataSet. 7290873900009, in one register, is wrong.",
    ),
    _cerberus(
        key="yohananof",
        name="Yohananof",
        hebrew="יוחננוף",
        chain_ids=("7290803800003",),
        account="yohananof",
        stores=51,
        note="Keeps files of 2024, and names with a chain id of zeros.",
    ),
    _cerberus(
        key="fresh_market",
        name="Fresh Market (Paz; Super Dosh)",
        hebrew="פרשמרקט",
        chain_ids=("7290876100000",),
        account="freshmarket",
        stores=47,
        note="Seven sub-brands; the stores file is missing at times.",
    ),
    _cerberus(
        key="super_cofix",
        name="Super Cofix",
        hebrew="סופר קופיקס",
        chain_ids=("7291056200008",),
        account="SuperCofixApp",
        stores=34,
        note="Mostly only its stores; in gov.il under Rami Levy since 4 August 2026.",
    ),
    _cerberus(
        key="keshet",
        name="Keshet Teamim",
        hebrew="קשת טעמים",
        chain_ids=("7290785400000",),
        account="Keshet",
        stores=27,
        note="With the Kulinarik stores 102 to 105; both promotion dialects at once.",
    ),
    _cerberus(
        key="super_yuda",
        name="Super Yuda (Paz)",
        hebrew="סופר יודה",
        chain_ids=("7290058177776", "7290058198450"),
        account="yuda_ho",
        password="Yud@147",  # noqa: S106
        folder="/Yuda",
        stores=26,
        note="The stores file is missing at times; no promotions seen.",
    ),
    _cerberus(
        key="osher_ad",
        name="Osher Ad",
        hebrew="אושר עד (מרב-מזון כל)",
        chain_ids=("7290103152017",),
        account="osherad",
        stores=24,
        note="The folder is emptied and refilled early in the morning; three fulls a store a day.",
    ),
    _cerberus(
        key="stop_market",
        name="Stop Market",
        hebrew="סטופ מרקט",
        chain_ids=("7290639000004",),
        aliases=("72906390",),
        account="Stop_Market",
        stores=11,
    ),
    _cerberus(
        key="dabbah",
        name="Salach Dabbah",
        hebrew="סאלח דבאח ובניו",
        chain_ids=("7290526500006",),
        account="SalachD",
        password="12345",  # noqa: S106
        stores=10,
    ),
    _cerberus(
        key="politzer",
        name="Politzer",
        hebrew="פוליצר",
        chain_ids=("7291059100008",),
        account="politzer",
        stores=8,
    ),
    _bina(
        key="good_pharm",
        name="Good Pharm",
        hebrew="גוד פארם",
        chain_ids=("7290058197699",),
        base_url="https://goodpharm.binaprojects.com",
        account="goodpharm",
        stores=82,
    ),
    _bina(
        key="super_sapir",
        name="Super Sapir",
        hebrew="סופר ספיר",
        chain_ids=("7290058156016",),
        base_url="https://supersapir.binaprojects.com",
        account="supersapir",
        stores=68,
        note="Sub-chains, among them 12 Neto Hisachon and 4 Neto Bashchuna.",
    ),
    _bina(
        key="maayan_2000",
        name="Maayan 2000",
        hebrew="מעיין אלפיים",
        chain_ids=("7290058159628",),
        base_url="https://maayan2000.binaprojects.com",
        account="maayan2000",
        stores=38,
        note="Meets the cap of 1,000 rows; ZIP in .gz.",
    ),
    _bina(
        key="zol_vebegadol",
        name="Zol VeBegadol",
        hebrew="זול ובגדול",
        chain_ids=("7290058173198",),
        base_url="https://zolvebegadol.binaprojects.com",
        account="zolvebegadol",
        stores=35,
    ),
    _bina(
        key="king_store",
        name="King Store",
        hebrew="קינג סטור (אלמשהדאוי)",
        chain_ids=("7290058108879",),
        base_url="https://kingstore.binaprojects.com",
        account="kingstore",
        stores=29,
        note="Names end in .GZ.",
    ),
    _bina(
        key="city_market_kg",
        name="City Market Kiryat Gat",
        hebrew="סיטי מרקט קרית גת",
        chain_ids=("7290058266241", "7290058288526", "7290058288090"),
        base_url="https://citymarketkiryatgat.binaprojects.com",
        account="citymarketkiryatgat",
        stores=28,
        note="Three chain ids on one portal; not the City Market of citymarket-shops.",
    ),
    _bina(
        key="shuk_hair",
        name="Shuk HaIr",
        hebrew="שוק העיר (ט.ע.מ.ס)",
        chain_ids=("7290058148776",),
        base_url="https://shuk-hayir.binaprojects.com",
        account="shuk-hayir",
        stores=26,
    ),
    _bina(
        key="shefa",
        name="Shefa Birkat Hashem",
        hebrew="שפע ברכת השם",
        chain_ids=("7290058134977",),
        base_url="https://shefabirkathashem.binaprojects.com",
        account="shefabirkathashem",
        stores=22,
    ),
    _bina(
        key="super_bareket",
        name="Super Bareket (Of VeHodu)",
        hebrew="עוף והודו ברקת / סופר ברקת",
        chain_ids=("7290875100001",),
        base_url="https://superbareket.binaprojects.com",
        account="superbareket",
        stores=14,
    ),
    _bina(
        key="mishnat_yosef_bina",
        name="Mishnat Yosef",
        hebrew="משנת יוסף (קיי.טי.)",
        chain_ids=("7290058289400",),
        base_url="https://ktshivuk.binaprojects.com",
        account="ktshivuk",
        query_id="5144744100001",
        aliases=("5144744100001", "2222222"),
        stores=4,
    ),
    _laib(
        key="victory",
        name="Victory",
        hebrew="ויקטורי",
        chain_ids=("7290696200003",),
        account="victory",
        aliases=("7290058103393",),
        stores=70,
        note="Its second number, 7290058103393, lists nothing.",
    ),
    _laib(
        key="mahsanei_hashuk",
        name="Mahsanei HaShuk",
        hebrew="מחסני השוק",
        chain_ids=("7290661400001",),
        account="mshuk",
        aliases=("7290633800006",),
        stores=71,
        note="Four sub-chains; store 98 stopped. Its second number, 7290633800006, lists nothing.",
    ),
    _laib(
        key="het_cohen",
        name="Het Cohen (Hyper Cohen)",
        hebrew="ח. כהן / היפר כהן",
        chain_ids=("7290455000004",),
        account="hcohen",
        stores=5,
        note="Names print the time twice, and sub-chain 000.",
    ),
    Feed(
        key="wolt_market",
        name="Wolt Market",
        hebrew="וולט מרקט",
        family=Family.WOLT,
        chain_ids=("7290058249350",),
        base_url="https://wm-gateway.wolt.com",
        account="wolt",
        stores=34,
        note="Web shops only, no deltas. Venue 038 is a test, 041 is closed; an empty file is normal.",
    ),
    Feed(
        key="mishnat_yosef_worker",
        name="Mishnat Yosef (worker)",
        hebrew="משנת יוסף",
        family=Family.MISHNAT_YOSEF,
        chain_ids=("5144744100002",),
        base_url="https://list-files.w5871031-kt.workers.dev",
        account="list-files",
        stores=4,
        note="No promotions. The same company as mishnat_yosef_bina: stores of one number are one store.",
    ),
)
