"""What every portal family of the replica implements: its endpoints, below the path of the family."""

from abc import ABC, abstractmethod
from typing import ClassVar

from starlette.routing import BaseRoute, Mount

from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.replica.state import ReplicaState


class FamilyPortal(ABC):
    """A portal that all accounts of the family share."""

    family: ClassVar[Family]

    def __init__(self, state: ReplicaState) -> None:
        self._state = state

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """Return the portal's endpoints."""

    @classmethod
    def mounts(cls, state: ReplicaState) -> list[BaseRoute]:
        """Return the portal below its path in the replica."""
        return [Mount(f"/{cls.family}", routes=cls(state).routes())]


class FeedPortal(FamilyPortal):
    """A portal of one feed."""

    def __init__(self, state: ReplicaState, feed: Feed) -> None:
        super().__init__(state)
        self._feed = feed

    @classmethod
    def mounts(cls, state: ReplicaState) -> list[BaseRoute]:
        """Return the portal of each feed below its path in the replica."""
        feeds = state.feeds_of(cls.family)
        return [Mount(cls.path(feed), routes=cls(state, feed).routes()) for feed in feeds]

    @classmethod
    def path(cls, _feed: Feed) -> str:
        """Return the path of a feed's portal."""
        return f"/{cls.family}"
