"""Whole stores: every entry from here to there, or from there to here, as far as it is not there yet."""

import json
from collections.abc import Callable
from functools import partial

from generator.build.storage.key import SHARDS, Key
from generator.build.storage.remote import Broken, Remote, Table
from generator.build.storage.store import ENTRY, Store

Tell = Callable[[str], None]


def push(store: Store, remote: Remote, say: Tell, warn: Tell) -> int:
    """Put every sound entry of the store there that is not; gives how many.

    Raises `Unreachable`, and `BuildFailed` where the disk refuses.
    """
    there = {(each.stage, each.digest) for each in remote.entries()}
    pushed = 0
    for folder in [path for path, _, _ in store.entries() if path.is_dir()]:
        stage, digest = folder.parent.name, folder.name
        if (stage, digest) in there or stage == SHARDS:
            continue
        try:
            key = _key(stage, digest, json.loads((folder / ENTRY).read_text("utf-8")))
        except (OSError, ValueError, RecursionError, Broken) as error:
            warn(f"{stage} {digest[:12]}: broken ({error}); left out")
            continue
        # A build that ends at this moment may prune.
        with store.using([key]):
            if store.find(key, thorough=True):
                remote.push(stage, digest, folder)
                say(f"{key.label}: pushed")
                pushed += 1
    return pushed


def pull(store: Store, remote: Remote, say: Tell, warn: Tell) -> int:
    """Take every sound entry from there that the store has not; gives how many.

    Raises `Unreachable`, and `BuildFailed` where the disk refuses.
    """
    pulled = 0
    for each in remote.entries():
        if store.is_made(each.stage, each.digest):
            continue
        try:
            table = remote.entry(each.stage, each.digest) or {}
            key = _key(each.stage, each.digest, table)
            store.create(key, partial(remote.fetch, key.stage, key.digest, table))
        except Broken as error:
            warn(f"{each.stage} {each.digest[:12]}: broken there ({error}); left out")
            continue
        say(f"{key.label}: pulled")
        pulled += 1
    return pulled


def _key(stage: str, digest: str, table: Table) -> Key:
    """The key of an entry that says `table` of itself. Raises `Broken` where it is another's."""
    try:
        key = Key(stage, str(table["label"]), dict(table["parts"]))
        same = key.digest == digest
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"{ENTRY} cannot be read ({error})") from None
    if not same:
        raise Broken("it belongs to another key")
    return key
