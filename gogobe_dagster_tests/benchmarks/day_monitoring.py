"""Looks every few seconds at what everything uses, in a thread beside the work."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Self

from gogobe_dagster_tests.benchmarks.meter import Meter, Part

EVERY_SECONDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """CPU and memory at one time."""

    at: float
    """Seconds since the epoch."""
    seconds: Mapping[Part, float]
    """CPU so far."""
    megabytes: Mapping[Part, int]


class Watcher:
    """`with Watcher(meter) as watcher:` fills `watcher.samples`."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="watcher", daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._take_sample()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._take_sample()

    def _watch(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._take_sample()

    def _take_sample(self) -> None:
        used, megabytes = self._meter.seconds(), self._meter.megabytes()
        self.samples.append(Sample(at=time.time(), seconds=used, megabytes=megabytes))
