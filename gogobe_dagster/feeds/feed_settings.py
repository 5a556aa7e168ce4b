"""Settings of a single feed: address, credentials, proxy, TLS and transport of its portal.

They override the feed's row in the register. Nothing here opens a connection.
"""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, field_validator

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.feeds.registry import Family, find_feed

NO_PORT = (
    "the port is no number up to 65535; in user names and passwords, / # ? @ and % have to be percent-encoded"
)
HOST_NAME = r"[\w.-]+"
Transport = Literal["auto", "web", "ftp"]


def _check_key(key: str) -> str:
    try:
        return find_feed(key.lower()).key
    except SettingsError as unknown:
        raise ValueError(str(unknown)) from None


FeedKey = Annotated[str, AfterValidator(_check_key)]


class FeedOverride(BaseModel):
    """Overrides for one feed; a field that is not set keeps the value of the register."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        default="", pattern=r"^(https?://.+)?$", description="Address of the portal: https://…"
    )
    ftp_url: str = Field(
        default="", pattern=r"^(ftp://[^/]+)?$", description="Address of its FTP server: ftp://host:port."
    )
    hosts: str = Field(
        default="",
        pattern=rf"^({HOST_NAME}(, *{HOST_NAME})*)?$",
        description="Other hosts that its links and redirects may name, with their subdomains; separated by "
        "commas.",
    )
    user: str | None = Field(default=None, description="User name for the login.")
    password: str | None = Field(default=None, description="Password for the login.")
    proxy: str = Field(
        default="",
        pattern=r"^(http://.+)?$",
        description="Proxy for HTTPS and (with CONNECT) FTP: http://user:password@host:port.",
    )
    ca_bundle: FilePath | None = Field(
        default=None, description="PEM file of the certificates to trust instead of the default ones."
    )
    verify_tls: bool = Field(
        default=True, description="Whether certificates are verified; false is logged at every connection."
    )
    transport: Transport = Field(
        default="auto",
        description="Cerberus only: web, ftp, or auto = web first, FTP when the web listing fails.",
    )

    @field_validator("base_url", "ftp_url", "proxy")
    @classmethod
    def _check_ports(cls, url: str) -> str:
        return check_port(url)

    @property
    def file_hosts(self) -> list[str]:
        """The host names in `hosts`."""
        return list_of_hosts(self.hosts)


def check_port(url: str) -> str:
    """Return the URL. Raises ValueError, without its text, if its port is none."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError(NO_PORT) from None
    return url


def list_of_hosts(text: str) -> list[str]:
    """Split host names that are separated by commas."""
    return [host for host in text.lower().replace(" ", "").split(",") if host]


def check_transports(feeds: Mapping[str, FeedOverride]) -> Mapping[str, FeedOverride]:
    """Return the overrides. Raises ValueError if one asks for FTP of a portal that has none."""
    for key, override in feeds.items():
        asks_for_ftp = override.transport == "ftp" or override.ftp_url
        if asks_for_ftp and find_feed(key).family is not Family.CERBERUS:
            raise ValueError(
                f"{key} cannot be reached over FTP; only the portal family {Family.CERBERUS} can"
            )
    return feeds
