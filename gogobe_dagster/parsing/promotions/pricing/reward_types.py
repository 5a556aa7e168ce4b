"""Reward types that several modules name. Nobody says officially what the numbers mean."""

from typing import Final

FIXED_PRICE_TYPES: Final = (1, 10)
LAST_PIECE_TYPES: Final = (7, 9)
"""The last pieces of those that one buys cost less, or nothing.

Chains that mark items of such an offer as gifts (Bina, Laib) mark all of them.
"""
