"""The component's export. Importing this module is the build: what it leaves in memory is the snapshot of each run."""

import wit_world

from _bailiwick import snapshot

_RUNNER = snapshot.take()


class WitWorld(wit_world.WitWorld):
    """What `componentize-py` makes an instance of."""

    def execute(self, source: str, name: str) -> None:
        _RUNNER.execute(source, name)
