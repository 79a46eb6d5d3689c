"""The store as `[store]` of the experiment has it: with one elsewhere behind it, and choosy about machines if asked.

A `SharedStore` without any of that is a `Store`. What the remote store gives is fetched whole, checked and kept here;
what goes wrong with it is a warning, and the build goes on as if there were none.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from generator.build.storage import machines
from generator.build.storage.key import Key
from generator.build.storage.remote import Broken, Remote, Table
from generator.build.storage.store import ENTRY, Entry, Store
from generator.experiment.config.store_settings import StoreSettings
from generator.support.addresses import Unreachable
from generator.support.errors import BuildFailed

ELSEWHERE = "made on another kind of machine"
UNRECORDED = "made on a machine that is not recorded"

Tell = Callable[[str], None]


class SharedStore(Store):
    """The store of a build."""

    def __init__(
        self,
        root: Path,
        settings: StoreSettings,
        warn: Tell = lambda message: None,
        say: Tell = lambda message: None,
    ) -> None:
        """`say` is told what comes from the remote store, and whom another build waits for.

        Raises `BadInput` where no package here reads addresses such as the remote store's.
        """
        super().__init__(root, warn, say=say)
        self._settings = settings
        self._remote = Remote(settings.remote) if settings.remote else None
        self._answered = False
        """Whether it did once."""
        self._known: dict[str, Table | None] = {}
        """Digest of a key → what the remote store says of its entry; None where it has none to take."""
        self._sent: set[str] = set()
        """Digests of keys whose entries were put into the remote store, or came from there."""
        self._refused: dict[str, str] = {}
        """Digest of a key → why the remote store's entry may not be taken."""

    def has(self, key: Key) -> bool:
        """Whether there is an entry of `key`, here or there, that may be taken, sound or not; changes nothing."""
        return self.is_here(key) or self.is_remote(key)

    def is_here(self, key: Key) -> bool:
        return super().has(key) and not self._refused_here(key.stage, key.digest)

    def is_made(self, stage: str, digest: str) -> bool:
        # One that is refused is made again, by what a killed build has kept for that.
        return super().is_made(stage, digest) and not self._refused_here(stage, digest)

    def is_remote(self, key: Key) -> bool:
        return not self.is_here(key) and self._asked(key) is not None

    def refusal(self, key: Key) -> str:
        """Why an entry of `key` may not be taken, here or there; empty where one may, and where there is none."""
        if self.has(key):
            return ""
        return self._refused_here(key.stage, key.digest) if super().has(key) else self._refused.get(key.digest, "")

    def find(self, key: Key, *, thorough: bool = False) -> Entry | None:
        """As a `Store` does, and from the remote store what is not here."""
        refused = super().has(key) and not self.is_here(key)
        found = None if refused else super().find(key, thorough=thorough)
        return found or self._fetched(key)

    def there(self, key: Key) -> Entry | None:
        return super().there(key) if self.is_here(key) else None

    def create(self, key: Key, write: Callable[[Path], None], *, anew: bool = False) -> Entry:
        """As a `Store` does; with `store.push` the entry is put into the remote store, too: before it is kept here,
        because of what is here nobody asks any more whether it is there."""
        entry = self._created(key, write, anew)
        self._send(key, entry.folder)  # unless it was made just now
        return entry

    def _created(self, key: Key, write: Callable[[Path], None], anew: bool = False) -> Entry:
        """As a `Store` does; what it gives may be taken."""
        entry = super().create(key, write, anew=anew)
        if refusal := self._refused_here(key.stage, key.digest):
            raise BuildFailed(
                f"{key.label}: another build is using the entry in the store, {refusal}; wait for it to end"
            )
        return entry

    def _made(self, key: Key, folder: Path) -> None:
        self._send(key, folder)

    def _send(self, key: Key, folder: Path) -> None:
        if self._settings.push and not key.passing and key.digest not in self._sent:
            self._sent.add(key.digest)
            self._tried(key, lambda remote: remote.push(key.stage, key.digest, folder))

    def _fetched(self, key: Key) -> Entry | None:
        """The entry of `key` from the remote store, kept here from now on."""
        table = self._asked(key)
        if table is None:
            return None
        # From here on it is looked for here alone, also by `create`.
        self._known[key.digest] = None
        self._sent.add(key.digest)

        def fetch(remote: Remote) -> Entry:
            return self._created(key, partial(remote.fetch, key.stage, key.digest, table))

        entry: Entry | None = self._tried(key, fetch)
        if entry:
            self._say(f"{key.label}: from the remote store")
        else:
            self._sent.discard(key.digest)
        return entry

    def _asked(self, key: Key) -> Table | None:
        """What the remote store says of an entry that may be taken; it is asked once."""
        if key.passing:
            return None
        if key.digest not in self._known:
            table = self._tried(key, lambda remote: remote.entry(key.stage, key.digest))
            refusal = self._refusal(table)
            if refusal:
                self._refused[key.digest] = refusal
            self._known[key.digest] = None if refusal else table
        return self._known[key.digest]

    def _tried(self, key: Key, ask: Callable[[Remote], Any]) -> Any:
        """What `ask` gives; None where there is no remote store, or it fails, which is said."""
        remote = self._remote
        if remote is None:
            return None
        try:
            try:
                found = ask(remote)
            except Unreachable:
                # Between two stages hours may pass, and whatever lies on the way drops a connection that rests.
                if not self._answered:
                    raise
                found = ask(remote)
            self._answered = True
            return found
        except Unreachable as error:
            if self._remote:  # Of several threads that meet it the first says so.
                self._remote = None
                self._warn(f"store.remote: {error}; the build goes on without it")
        except Broken as error:
            self._warn(f"{key.label}: its entry in the remote store is broken ({error}); going on without it")
        return None

    def _refused_here(self, stage: str, digest: str) -> str:
        """Why the entry here may not be taken; one that cannot be read says nothing of itself."""
        if not self._settings.same_machine:
            return ""
        table = {}
        with suppress(OSError, ValueError, RecursionError):
            table = json.loads((self.root / "stages" / stage / digest / ENTRY).read_text("utf-8"))
        return self._refusal(table if isinstance(table, dict) else {})

    def _refusal(self, table: Table | None) -> str:
        if table is None or not self._settings.same_machine:
            return ""
        made = machines.parsed(table.get("made"))
        if made is None:
            return UNRECORDED
        return "" if made.machine.kind == machines.here().kind else ELSEWHERE
