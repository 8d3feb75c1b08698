"""Streams of requests while something is changed: none that is never allowed gets in, none that always is gets lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from testbed.apiserver import ApiServer
from tests.api.api import WAIT_SECONDS, Answer, Api

Request = Callable[[Api], Answer]
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Sent:
    """A request that was answered: which one, when it began and ended, and the answer."""

    name: str
    begin: float
    end: float
    answer: Answer


@dataclass
class Stream:
    """What was sent so far. Names of `bad` are never allowed, those of `honest` always."""

    bad: frozenset[str]
    honest: frozenset[str]
    sent: list[Sent] = field(default_factory=list)
    changes: list[tuple[float, float]] = field(default_factory=list)

    def of(self, names: frozenset[str], since: float = 0.0) -> list[Sent]:
        """The requests of these names that began after a moment."""
        return [one for one in list(self.sent) if one.name in names and one.begin >= since]

    def during(self, change: Callable[[], object], least: int) -> None:
        """Make a change, which waits for its own effect, and go on until enough of each kind began since it did."""
        begin = time.monotonic()
        change()
        end = time.monotonic() + WAIT_SECONDS
        while min(len(self.of(self.bad, begin)), len(self.of(self.honest, begin))) < least:
            assert time.monotonic() < end, f"fewer than {least} of each kind in {WAIT_SECONDS:.0f} s"
            threading.Event().wait(POLL_SECONDS)
        self.changes.append((begin, time.monotonic()))

    def check(self, policy: str, least: int) -> None:
        """Assert that no bad one was admitted, each refused by a policy of such a name, and that no honest one was."""
        for begin, end in self.changes:
            for names in (self.bad, self.honest):
                count = len([one for one in self.of(names, begin) if one.end <= end])
                assert count >= least // 2, f"{count} requests of {', '.join(sorted(names))} during a change"
        assert self.changes, "nothing was changed"
        admitted = [one for one in self.of(self.bad) if one.answer.ok]
        assert not admitted, f"{len(admitted)} of {len(self.of(self.bad))} bad ones admitted"
        odd = [
            one.answer for one in self.of(self.bad) if f"ValidatingAdmissionPolicy '{policy}" not in one.answer.message
        ]
        assert not odd, f"{len(odd)} bad ones refused by something else: {odd[0]}"
        lost = [one.answer for one in self.of(self.honest) if not one.answer.ok]
        assert not lost, f"{len(lost)} of {len(self.of(self.honest))} honest ones lost: {lost[0]}"


@contextmanager
def streaming(server: ApiServer, bad: Mapping[str, Request], honest: Mapping[str, Request]) -> Iterator[Stream]:
    """Send each of these requests again and again, each over a connection of its own, while the body runs."""
    stream = Stream(frozenset(bad), frozenset(honest))
    stop = threading.Event()
    broken: list[BaseException] = []

    def work(name: str, request: Request) -> None:
        api = Api(server)
        try:
            while not stop.is_set():
                begin = time.monotonic()
                answer = request(api)
                stream.sent.append(Sent(name, begin, time.monotonic(), answer))
        except BaseException as error:  # a thread of its own would swallow it
            broken.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in [*bad.items(), *honest.items()]]
    for thread in threads:
        thread.start()
    try:
        yield stream
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if broken:
        raise broken[0]


def creates(namespace: str, given: Mapping[str, Mapping[str, object]]) -> dict[str, Request]:
    """Dry-run creations of these pods, by name."""

    def request(pod: Mapping[str, object]) -> Request:
        return lambda api: api.pod(namespace, pod)

    return {name: request(pod) for name, pod in given.items()}


def seen(question: Callable[[], Answer], wanted: Callable[[Answer], bool]) -> None:
    """Wait until the answer is the wanted one, without asking so often that the streams starve."""
    end = time.monotonic() + WAIT_SECONDS
    while not wanted(answer := question()):
        assert time.monotonic() < end, f"still not after {WAIT_SECONDS:.0f} s: {answer}"
        threading.Event().wait(POLL_SECONDS)
