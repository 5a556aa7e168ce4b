"""Small documents of every dialect, written for the tests: milk, bread and three shops."""

from collections.abc import Mapping
from typing import Final

CHAIN: Final = "7290058140886"
PRICES_NAME: Final = f"Price{CHAIN}-001-202611230700.gz"
STORES_NAME: Final = f"Stores{CHAIN}-202611230500.xml"

MILK: Final = {
    "PriceUpdateDate": "2026-11-23 07:00:05",
    "ItemCode": "7290000042640",
    "ItemId": "5522",
    "ItemType": "1",
    "ItemName": "חלב תנובה 3% &amp; ויטמין D",
    "ManufacturerName": "תנובה",
    "ManufactureCountry": "לא ידוע",
    "ManufacturerItemDescription": "חלב 1 ליטר",
    "UnitQty": "ליטר",
    "Quantity": "1.00",
    "UnitOfMeasure": '100 מ"ל  ',
    "bIsWeighted": "0",
    "QtyInPackage": "לא ידוע",
    "ItemPrice": "7.10",
    "UnitOfMeasurePrice": "0.7100",
    "AllowDiscount": "1",
    "ItemStatus": "1",
}
BREAD: Final = {
    **MILK,
    "ItemCode": "0042",
    "ItemId": "17",
    "ItemType": "0",
    "ItemName": "לחם אחיד",
    "ItemPrice": "6.5",
}

TWO_STORES: Final = (
    ("1", "6", "תלפיות", "האומן 15", "3000"),
    ("37", "5", "רמות", "", "ירושלים"),
)


def element(tag: str, inside: str, attributes: str = "") -> str:
    return f"<{tag}{attributes}>{inside}</{tag}>"


def row(tag: str, fields: Mapping[str, str], renamed: Mapping[str, str] | None = None) -> str:
    """Write one row; `renamed` gives other tags to fields, or an empty one to leave it out."""
    names = {name: (renamed or {}).get(name, name) for name in fields}
    return element(tag, "".join(element(names[name], value) for name, value in fields.items() if names[name]))


def prices(*items: Mapping[str, str], count: int | None = None, head: str = "") -> str:
    """Write a document as Cerberus does."""
    header = head or (
        f"<XmlDocVersion>19</XmlDocVersion><ChainId>{CHAIN}</ChainId><SubChainId>1</SubChainId>"
        "<StoreId>001</StoreId><BikoretNo>4</BikoretNo><DllVerNo>9.4.0.50</DllVerNo>"
    )
    rows = "\n".join(row("Item", item) for item in items)
    number = len(items) if count is None else count
    return f'<Root>\n{header}\n<Items Count="{number}">\n{rows}\n</Items></Root>'


IDS: Final = (
    f"<ChainID>{CHAIN}</ChainID><SubChainID>001</SubChainID><StoreID>001</StoreID><BikoretNo>4</BikoretNo>"
)
LOWER: Final = {"XmlDocVersion": "", "ItemId": ""}
MATRIX: Final = {
    "ItemId": "",
    "ManufacturerName": "ManufactureName",
    "ManufacturerItemDescription": "ManufactureItemDescription",
    "UnitOfMeasure": "UnitMeasure",
    "bIsWeighted": "BisWeighted",
    "ItemStatus": "itemStatus",
}
NEW: Final = {
    "ItemId": "",
    "PriceUpdateDate": "PriceUpdateTime",
    "ManufacturerName": "ManufactureName",
    "ManufacturerItemDescription": "ManufactureItemDescription",
}
PRICE_DIALECTS: Final = {
    "classic": prices(MILK, BREAD),
    "flat, lower-case root": "<root>"
    + element("Items", row("Item", MILK, LOWER) + row("Item", BREAD, LOWER), ' Count="2"').join(
        ("<ChainId>7290058140886</ChainId><SubChainId>001</SubChainId><StoreId>001</StoreId>", "")
    )
    + "</root>",
    "flat, Bina": "<Root><ChainId>7290058140886</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId>"
    + element("Items", row("Item", MILK, {"ItemName": "ItemNm"}) + row("Item", BREAD, {"ItemName": "ItemNm"}))
    + "</Root>",
    "Matrix": "<Prices>"
    + IDS
    + element("Products", row("Product", MILK, MATRIX) + row("Product", BREAD, MATRIX))
    + "</Prices>",
    "order form": "<OrderXml xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><Envelope>"
    "<ChainId>7290058140886</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId>"
    + element(
        "Header",
        element(
            "Details",
            "".join(
                row("Line", item, {"ItemType": "", "ItemId": "", "bIsWeighted": "blsWeighted"})
                for item in (MILK, BREAD)
            ),
        ),
    )
    + "</Envelope></OrderXml>",
    "upper-case ids": "<Root>"
    + IDS
    + element(
        "Items",
        "".join(
            row("Item", {**item, "LastSaleDateTime": "2026-08-23T17:50:22.123"}, NEW)
            for item in (MILK, BREAD)
        ),
    )
    + "</Root>",
    "a namespace": f'<x:Root xmlns:x="http://example.test/">{IDS}<x:Items>'
    + "".join(row("x:Item", {f"x:{tag}": value for tag, value in item.items()}) for item in (MILK, BREAD))
    + "</x:Items></x:Root>",
    "a data set": f"<NewDataSet>{row('item', MILK)}{row('item', BREAD)}</NewDataSet>",
}


def _store(tag: str, store: tuple[str, ...], spelled: str = "StoreId ZipCode", extra: str = "") -> str:
    store_id, zip_code = spelled.split()
    fields = {
        store_id: store[0],
        "BikoretNo": store[1],
        "StoreType": "1",
        "StoreName": store[2],
        "Address": store[3],
        "City": store[4],
        zip_code: "unknown",
    }
    return element(tag, extra + "".join(element(name, value) for name, value in fields.items()))


def _shops(tag: str, spelled: str = "StoreId ZipCode", extra: str = "") -> str:
    return "".join(_store(tag, store, spelled, extra) for store in TWO_STORES)


SUB: Final = "<SubChainId>2</SubChainId><SubChainName>דיל</SubChainName>"
WHOLE: Final = f"<ChainId>{CHAIN}</ChainId><ChainName>רמי לוי</ChainName>"
DATED: Final = "<LastUpdateDate>2026-11-23</LastUpdateDate><LastUpdateTime>05:00:00</LastUpdateTime>"
NEW_IDS: Final = "StoreID ZIPCode"


def nested(shops: str, *, whole: str = WHOLE + DATED, sub: str = SUB) -> str:
    """Write shops as most chains do."""
    return element("Root", whole + element("SubChains", element("SubChain", sub + element("Stores", shops))))


STORE_DIALECTS: Final = {
    "SAP": '<asx:abap xmlns:asx="http://www.sap.com/abapxml" version="1.0"><asx:values>'
    + element("CHAINID", CHAIN)
    + element("STORES", _shops("STORE", "STOREID ZIPCODE", SUB + "<CHAINNAME>רמי לוי</CHAINNAME>"))
    + "<LASTUPDATEDATE>2026-11-23</LASTUPDATEDATE></asx:values></asx:abap>",
    "nested": nested(_shops("Store")),
    "nested, new ids": nested(
        _shops("Store", NEW_IDS), whole=WHOLE.replace("Id", "ID"), sub=SUB.replace("Id", "ID")
    ),
    "sub-chain last": element(
        "Chain",
        element("SubChains", element("SubChain", element("Stores", _shops("Store")) + SUB)) + WHOLE,
    ),
    "flat": element("Root", WHOLE + element("Stores", _shops("Store", "StoreID ZipCode", SUB)) + DATED),
    "flat, lower case": element(
        "root", "<XmlDocVersion/>" + WHOLE + element("Stores", _shops("store", extra=SUB))
    ),
    "padded header": element("Stores", f"<Header>Header  </Header>   {_shops('Store', extra=WHOLE + SUB)}"),
    "bare": element("stores", _shops("store", extra=WHOLE + SUB)),
    "Matrix branches": element(
        "Store",
        element("Branches", _shops("Branch", NEW_IDS, (WHOLE + SUB).replace("Id", "ID"))),
        ' Date="23/11/26" Time="06:00:03"',
    ),
    "order form": element(
        "OrderXml",
        element(
            "Envelope",
            f"{WHOLE}<SubChainId>2</SubChainId>"
            + element(
                "Header",
                element("Details", _shops("Line", extra="<SubChainName>דיל</SubChainName>" + DATED)),
            ),
        ),
    ),
    "city market": element(
        "Root",
        WHOLE
        + element(
            "SubChainsXMLObject",
            element(
                "SubChain",
                SUB + element("Stores", element("SubChainStoresXMLObject", _shops("Store"))),
            ),
        ),
    ),
}
