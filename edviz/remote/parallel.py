"""Work that mostly waits, done by several threads at once."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

STACK_BYTES = 256 * 2**10
"""The usual 8 MB for each thread would be most of the address space that a guarded process has."""
M_ARENA_MAX = -8
"""The number that malloc.h of glibc gives this parameter."""

Item = TypeVar("Item")

_stack_size_lock = threading.Lock()


def do_all(work: Callable[[Item], None], items: Iterable[Item], *, most_threads: int, stop: Callable[[], None]) -> None:
    """Do the work for every item, in the calling thread and others beside it; all others have ended on return.

    Parameters
    ----------
    work
        What to do for an item.
    items
        The items; they are begun in this order.
    most_threads
        Threads at once, the calling one included.
    stop
        Called when one piece of work failed, to make the others end soon.

    Raises
    ------
    BaseException
        The first failure.
    """
    pending = deque(items)
    failures: list[BaseException] = []

    def work_on() -> None:
        while not failures:
            try:
                item = pending.popleft()
            except IndexError:
                return
            try:
                work(item)
            except BaseException as error:
                failures.append(error)
                stop()

    threads = start_threads(work_on, min(most_threads, len(pending)) - 1)
    try:
        work_on()
        for thread in threads:
            thread.join()
    except BaseException:
        # Interrupted while waiting for the others.
        stop()
        raise
    if failures:
        raise failures[0]


def start_threads(target: Callable[[], None], number: int, *, stack_bytes: int = STACK_BYTES) -> list[threading.Thread]:
    """Start threads that take little address space; where no more can be had, fewer than asked for.

    Parameters
    ----------
    target
        What each of them does.
    number
        How many.
    stack_bytes
        Bytes of the stack of each.
    """
    if number < 1:
        return []
    _spare_address_space()
    threads: list[threading.Thread] = []
    with _stack_size_lock:
        before = threading.stack_size(stack_bytes)
        try:
            with suppress(RuntimeError, MemoryError):
                for _ in range(number):
                    thread = threading.Thread(target=target, daemon=True)
                    thread.start()
                    threads.append(thread)
        finally:
            threading.stack_size(before)
    return threads


def _spare_address_space() -> None:
    """Make all threads share one heap, if the address space is limited.

    glibc reserves 64 MB of address space for the heap of each thread: 16 threads fill a limit of 512 MB without using
    any of it. It reads MALLOC_ARENA_MAX only when a process starts, so that is too late here.
    """
    if not sys.platform.startswith("linux") or not _has_limited_address_space():
        return
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _has_limited_address_space() -> bool:
    import resource

    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
