"""One connection to Cerberus over FTP: accounts, folders and faults. The server is `cerberus_ftp`."""

import io
import socket
import stat
import struct
from collections.abc import Callable
from os import stat_result
from typing import Any

from pyftpdlib.authorizers import AuthenticationFailed
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import TLS_FTPHandler

from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.state import ReplicaState

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
AFFECTED_COMMANDS = ("PASS", "MLSD", "LIST", "RETR")
TRUNCATING_FAULTS = {"truncated_download": "426 Connection closed; transfer aborted.", "ftp_hangs_up": ""}
"""The reply after half of a file; empty: the connection just ends."""
BUSY = "421 Service not available, closing control connection."


class Accounts:
    """The accounts that may log in; pyftpdlib calls this an authorizer."""

    def __init__(self, state: ReplicaState, accounts: dict[str, Feed]) -> None:
        self._state = state
        self._accounts = accounts

    def feed(self, user: str) -> Feed | None:
        """Return the feed whose account this is."""
        return self._accounts.get(user)

    def validate_authentication(self, user: str, password: str, _handler: object) -> None:
        """Raise pyftpdlib's error unless user and password are right."""
        feed = self.feed(user)
        wrong = feed is None or password != feed.password
        if wrong or self._state.faults.take("wrong_password", feed.key if feed else None):
            raise AuthenticationFailed("Login or password incorrect.")

    def get_home_dir(self, user: str) -> str:
        """Return the user: the file system needs to know whose folder it is."""
        return user

    def get_msg_login(self, _user: str) -> str:
        """Return the greeting after a login."""
        return "Login OK."

    def has_perm(self, _user: str, permission: str, _path: str | None = None) -> bool:
        """Allow listing and downloading."""
        return permission in self.get_perms("")

    def get_perms(self, _user: str) -> str:
        """Return the permissions: enter, list, read."""
        return "elr"

    def impersonate_user(self, _user: str, _password: str) -> None:
        """Do nothing: the files are in memory."""

    def terminate_impersonation(self, _user: str) -> None:
        """Do nothing."""


class Folders(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    """What an account sees: its folder, as listed and as served."""

    def __init__(self, user: str, cmd_channel: "Handler") -> None:
        super().__init__("/", cmd_channel)
        self._feed = cmd_channel.authorizer.feed(user)
        self._state = cmd_channel.state
        self._listed: dict[str, Publication] = {}

    def validpath(self, _path: str) -> bool:
        """Allow every path: there is no disk behind them."""
        return True

    def realpath(self, path: str) -> str:
        """Return the path: there are no links."""
        return path

    def isdir(self, path: str) -> bool:
        """Whether it is the root or the account's folder."""
        return path in {"/", self._feed.folder}

    def listdir(self, path: str) -> list[str]:
        """Return the names in a folder, as the listing shows them now."""
        if path != self._feed.folder:
            return [self._feed.folder.strip("/")]
        self._listed = {publication.name: publication for publication in self._state.listed(self._feed)}
        return list(self._listed)

    def stat(self, path: str) -> stat_result:
        """Describe what `listdir` showed."""
        if self.isdir(path):
            return stat_result((stat.S_IFDIR | 0o555, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        publication = self._listed[path.rpartition("/")[2]]
        written = int(publication.published_at.timestamp())
        return stat_result((stat.S_IFREG | 0o444, 0, 0, 1, 0, 0, publication.size, written, written, written))

    lstat = stat

    def open(self, filename: str, _mode: str) -> "ServedFile":
        """Return a file's bytes. Raises `OSError` if it does not exist."""
        folder, _, name = filename.rpartition("/")
        in_folder = (folder or "/") == self._feed.folder
        publication = self._state.served(self._feed, name) if in_folder else None
        if publication is None:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        content = publication.read()
        for fault, final_reply in TRUNCATING_FAULTS.items():
            if self._state.faults.take(fault, self._feed.key, name):
                self.cmd_channel.final_reply = final_reply
                content = content[: len(content) // 2]
        return ServedFile(content, name)


class ServedFile(io.BytesIO):
    """A file that is being sent."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


class Handler(TLS_FTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    """One connection. Each server makes a subclass with its own state, accounts and certificate."""

    state: ReplicaState
    final_reply: str | None = None
    """The reply in place of "complete" after the current file."""
    banner = "Published Prices Server"
    abstracted_fs = Folders
    use_sendfile = False
    auth_failed_timeout = 0
    permit_foreign_addresses = True

    def process_command(self, cmd: str, *args: Any, **others: Any) -> None:
        """Apply faults and the requirement of TLS before the command."""
        feed = self.authorizer.feed(args[0] if cmd == "USER" else self.username)
        key = feed.key if feed else None
        if cmd == "USER" and not self._ssl_established and self._requires_tls(feed):
            self.respond("530 Secure connection required.")
        elif cmd == "MLSD" and self.state.faults.take("ftp_without_mlsd", key):
            self.respond("500 'MLSD': command not understood.")
        elif cmd not in AFFECTED_COMMANDS or not self._applies_fault(key, cmd, args, others):
            super().process_command(cmd, *args, **others)

    def respond(self, resp: str, *others: Any, **named: Any) -> None:
        """Confirm a file, unless it was truncated."""
        final_reply, self.final_reply = self.final_reply, None
        if final_reply is None or not resp.startswith("226"):
            self.final_reply = final_reply
            super().respond(resp, *others, **named)
        elif final_reply:
            super().respond(final_reply, *others, **named)
        else:
            shut = self.socket.sock_shutdown if self._ssl_established else self.socket.shutdown
            shut(socket.SHUT_RDWR)

    def _requires_tls(self, feed: Feed | None) -> bool:
        return feed is not None and (
            feed.needs_tls or self.state.faults.take("ftps_required", feed.key) is not None
        )

    def _applies_fault(
        self, feed: str | None, cmd: str, args: tuple[Any, ...], others: dict[str, Any]
    ) -> bool:
        """Apply the faults of any request; return whether the command is done with."""
        faults, file = self.state.faults, str(args[0]).rpartition("/")[2] if cmd == "RETR" else ""
        if fault := faults.take("slow_page", feed, file):
            self._later(fault.seconds, lambda: super(Handler, self).process_command(cmd, *args, **others))
        elif fault := faults.take("timeout_once", feed, file):
            self._later(fault.seconds, self.close)
        elif faults.take("connection_reset", feed, file):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._error = True  # no closing handshake of TLS
            self.close()
        elif faults.take("portal_down", feed, file):
            self.respond(BUSY)
            self.close_when_done()
        else:
            return False
        return True

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self.ioloop.call_later(seconds, lambda: None if self._closed else work())
