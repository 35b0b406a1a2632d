"""The component's export. Importing this module is the build: what it leaves in memory is the snapshot of each run."""

import wit_world

from _bailiwick import snapshot

snapshot.prepare()


class WitWorld(wit_world.WitWorld):
    """What `componentize-py` makes an instance of, as the last thing before it takes the snapshot."""

    def __init__(self):
        self._runner = snapshot.settle()

    def execute(self, source: str, name: str) -> None:
        self._runner.execute(source, name)
