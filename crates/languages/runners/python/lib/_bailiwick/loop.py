"""The event loop of `asyncio`: timers and tasks, and nothing to poll, because there are no sockets."""

from _bailiwick.own import BUILTINS as __builtins__

import asyncio
import time
from asyncio import base_events, events


class _Nothing:
    """The selector of a loop that has no files. It waits for timers alone."""

    def select(self, timeout):
        """Sleeps until the next timer; without one, nothing can ever happen again."""
        if timeout is None:
            raise RuntimeError("deadlock: the event loop waits, and no task or timer is left that could wake it")
        if timeout > 0:
            time.sleep(timeout)
        return ()

    def close(self):
        pass


class Loop(base_events.BaseEventLoop):
    """`asyncio.EventLoop` of this runtime."""

    def __init__(self):
        super().__init__()
        self._selector = _Nothing()

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    async def shutdown_default_executor(self, timeout=None):
        """The executor has no threads to wait for."""
        self._default_executor = None

    def add_signal_handler(self, sig, callback, *args):
        raise NotImplementedError("there are no signals")

    def remove_signal_handler(self, sig):
        return False


class _Policy(events._BaseDefaultEventLoopPolicy):
    _loop_factory = Loop


def install():
    """Makes it the loop of `asyncio.run`."""
    asyncio.SelectorEventLoop = asyncio.EventLoop = Loop
    events._event_loop_policy = _Policy()


class Waiter:
    """Runs the coroutines of top-level `await`, all on one loop, so that what they share goes on living."""

    def __init__(self):
        self._loop = None

    def run(self, coroutine):
        """Waits for a coroutine."""
        if self._loop is None or self._loop.is_closed():
            self._loop = Loop()
        return self._loop.run_until_complete(coroutine)
