"""The country of a GS1 prefix: where the number was assigned, not where the product was made.

From GS1's list of company prefixes. Prefixes of no country (numbers of shops, coupons, books, ISSN, refund
receipts) are left out: numbers that begin with them have none.
"""

from bisect import bisect_right
from collections.abc import Iterator

PREFIXES = """
000-019 United States and Canada; 030-039 United States; 060-139 United States and Canada; 300-379 France
380 Bulgaria; 383 Slovenia; 385 Croatia; 387 Bosnia and Herzegovina; 389 Montenegro; 390 Kosovo
400-440 Germany; 450-459 Japan; 460-469 Russia; 470 Kyrgyzstan; 471 Taiwan; 474 Estonia; 475 Latvia
476 Azerbaijan; 477 Lithuania; 478 Uzbekistan; 479 Sri Lanka; 480 Philippines; 481 Belarus; 482 Ukraine
483 Turkmenistan; 484 Moldova; 485 Armenia; 486 Georgia; 487 Kazakhstan; 488 Tajikistan; 489 Hong Kong
490-499 Japan; 500-509 United Kingdom; 520-521 Greece; 528 Lebanon; 529 Cyprus; 530 Albania
531 North Macedonia; 535 Malta; 539 Ireland; 540-549 Belgium and Luxembourg; 560 Portugal; 569 Iceland
570-579 Denmark; 590 Poland; 594 Romania; 599 Hungary; 600-601 South Africa; 603 Ghana; 604 Senegal
608 Bahrain; 609 Mauritius; 611 Morocco; 613 Algeria; 615 Nigeria; 616 Kenya; 617 Cameroon
618 Ivory Coast; 619 Tunisia; 620 Tanzania; 621 Syria; 622 Egypt; 624 Libya; 625 Jordan; 626 Iran
627 Kuwait; 628 Saudi Arabia; 629 United Arab Emirates; 630 Qatar; 640-649 Finland; 690-699 China
700-709 Norway; 729 Israel; 730-739 Sweden; 740 Guatemala; 741 El Salvador; 742 Honduras; 743 Nicaragua
744 Costa Rica; 745 Panama; 746 Dominican Republic; 750 Mexico; 754-755 Canada; 759 Venezuela
760-769 Switzerland; 770-771 Colombia; 773 Uruguay; 775 Peru; 777 Bolivia; 778-779 Argentina; 780 Chile
784 Paraguay; 786 Ecuador; 789-790 Brazil; 800-839 Italy; 840-849 Spain; 850 Cuba; 858 Slovakia
859 Czechia; 860 Serbia; 865 Mongolia; 867 North Korea; 868-869 Turkey; 870-879 Netherlands
880 South Korea; 884 Cambodia; 885 Thailand; 888 Singapore; 890 India; 893 Vietnam; 896 Pakistan
899 Indonesia; 900-919 Austria; 930-939 Australia; 940-949 New Zealand; 955 Malaysia; 958 Macau
"""
SHORTEST_COMPANY_NUMBER = 100_000_000
"""Numbers below are GTIN-8 with zeros before them: their prefix is elsewhere."""


def _ranges() -> Iterator[tuple[int, int, str]]:
    for entry in PREFIXES.replace("\n", ";").split(";"):
        if entry.strip():
            prefixes, _, country = entry.strip().partition(" ")
            first, _, last = prefixes.partition("-")
            yield int(first), int(last or first), country


_RANGES = tuple(_ranges())
_FIRSTS = [first for first, _, _ in _RANGES]


def country_of(gtin: str) -> str | None:
    """Return the country in which a GTIN of 13 or 14 digits was assigned; None: in none, or not known."""
    number = gtin[-13:]
    if int(number) < SHORTEST_COMPANY_NUMBER:
        number = gtin[-8:]
        if number.startswith("0"):  # numbers of 8 digits for use inside a company
            return None
    prefix = int(number[:3])
    _, last, country = _RANGES[max(bisect_right(_FIRSTS, prefix) - 1, 0)]
    return country if prefix <= last else None
