"""Where a content was read, or why a product has none. It imports nothing heavy: the tables use it."""

from enum import StrEnum
from typing import Final


class ContentSource(StrEnum):
    """Where a content was read, as it is stored."""

    FIELDS = "fields"
    NAME = "name"


class NoContentReason(StrEnum):
    """Why a product has no content, as it is stored."""

    NO_CONTENT = "no_content"
    UNKNOWN_UNIT = "unknown_unit"
    ABSURD_CONTENT = "absurd_content"
    CONTRADICTORY = "contradictory"
    AMBIGUOUS_NAME = "ambiguous_name"


MEANINGS: Final = {
    NoContentReason.NO_CONTENT: "No quantity or no unit is published, and the name has no size.",
    NoContentReason.UNKNOWN_UNIT: "The unit is not in the table above, and the name has no size.",
    NoContentReason.ABSURD_CONTENT: "The fields state what no package has, such as 1 gram or half a piece,"
    " and the name has no size.",
    NoContentReason.CONTRADICTORY: "The fields contradict each other, or the name: two units, twice as much"
    " or more in the name, or goods by weight with another content than a kilogram.",
    NoContentReason.AMBIGUOUS_NAME: "The fields state nothing, and the name several sizes, a size beside a"
    " number of pieces, or a pack of an unknown number, or a size like that of a carton.",
}
