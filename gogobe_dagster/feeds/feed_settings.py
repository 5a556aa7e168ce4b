"""What a setting can make other for one feed: where its portal is, who we are there, how we get there.

The register (`feeds`) says what is normal; nothing here opens anything.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.feeds.registry import Family, find_feed

Door = Literal["auto", "web", "ftp"]


def _known(key: str) -> str:
    try:
        return find_feed(key.lower()).key
    except SettingsError as unknown:
        raise ValueError(str(unknown)) from None


FeedKey = Annotated[str, AfterValidator(_known)]


class FeedOverride(BaseModel):
    """What is other for one feed; what is not said stays as the register has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        default="", pattern=r"^(https?://.+)?$", description="Where the portal is: https://…"
    )
    ftp_url: str = Field(
        default="", pattern=r"^(ftp://[^/]+)?$", description="Where its FTP door is: ftp://host:port."
    )
    user: str | None = Field(default=None, description="Who logs in.")
    password: str | None = Field(default=None, description="With which password.")
    proxy: str = Field(
        default="",
        pattern=r"^(http://.+)?$",
        description="Proxy for the web and, by CONNECT, for FTP: http://user:password@host:port.",
    )
    ca_bundle: FilePath | None = Field(
        default=None, description="File of the certificates (PEM) to trust instead of the usual ones."
    )
    verify_tls: bool = Field(
        default=True, description="Whether certificates are checked; false is logged every time."
    )
    door: Door = Field(
        default="auto",
        description="Cerberus only: web, ftp, or auto = web, and FTP when the web listing fails.",
    )


def refuse_doors_that_are_not_there(feeds: Mapping[str, FeedOverride]) -> Mapping[str, FeedOverride]:
    """Return the overrides. Raises ValueError when one asks for the FTP of a portal that has none."""
    for key, override in feeds.items():
        asks_for_ftp = override.door == "ftp" or override.ftp_url
        if asks_for_ftp and find_feed(key).family is not Family.CERBERUS:
            raise ValueError(f"{key} has no FTP door; only feeds of the family {Family.CERBERUS} have one")
    return feeds
