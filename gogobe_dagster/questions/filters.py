"""Which stores a question is about: those of a locality, a district or a chain; shops or online stores."""

from dataclasses import dataclass
from typing import Any

from gogobe_dagster.localities.resolver import resolve_place
from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError

MATCHES = """(cast(:locality_code as integer) is null or locality_code = :locality_code)
    and (cast(:district as text) is null or district = :district)
    and (cast(:chain_id as text) is null or chain_id = :chain_id)"""
IS_ONLINE = "(cast(:is_online as boolean) is null or is_online = :is_online)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """A choice of stores; without any value all stores."""

    locality: str | None = None
    """In any spelling, Hebrew or English, or a CBS code."""
    district: str | None = None
    chain_id: str | None = None
    is_online: bool | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the conditions above. Raises `QuestionError` for an unknown locality."""
        return {
            "locality_code": locality_code(self.locality),
            "district": self.district,
            "chain_id": self.chain_id,
        }


def locality_code(name: str | None) -> int | None:
    """Return the CBS code that a spelling means. Raises `QuestionError` if it means none or several."""
    if name is None:
        return None
    found = resolve_place(name)
    if found.locality is None:
        meant = ", ".join(place.name for place in found.candidates[:10])
        hint = f"it may mean {meant}" if meant else "/v1/localities has names and codes"
        reason = f"no single locality is called so: {hint}"
        raise QuestionError(AnswerCode.INVALID_REQUEST, reason, parameter="locality")
    return found.locality.code
