"""`build.py cache`: show what the stage store holds, prune it, and exchange entries with a remote one."""

import argparse
import sys

from generator.build.storage.store import Store
from generator.commands.options import add_config, add_store, gibibytes, make_parser, print_table
from generator.support.errors import BadInput


def run(arguments: list[str]) -> int:
    parser = make_parser("cache", "Show what the stage store holds; prune it, or exchange entries with a remote one.")
    add_store(parser)
    parser.add_argument("--prune", type=gibibytes, metavar="GIB", help="keep at most this many GiB")
    parser.add_argument("--push", action="store_true", help="put every entry into the remote store that is not there")
    parser.add_argument("--pull", action="store_true", help="take every entry of the remote store that is not here")
    parser.add_argument("--ls", action="store_true", help="show what the remote store holds")
    parser.add_argument("--remote", metavar="ADDRESS", help="the remote store, if not [store] remote of the settings")
    add_config(parser)
    options = parser.parse_args(arguments)
    exchanges = options.push or options.pull or options.ls
    if options.remote and not exchanges:
        raise BadInput("--remote: names a store with which nothing is to be done; add --push, --pull or --ls")
    store = Store(options.store, _warn, say=print)
    if exchanges:
        _exchange(options, store)
    if options.prune is not None:
        print(f"{_size(store.prune(options.prune))} freed")
    if exchanges:
        return 0
    entries = list(store.entries())
    print_table(["stage", "key", "size"], [[f.parent.name, f.name[:12], _size(size)] for f, size, _ in entries])
    print(f"{len(entries)} entries of stages, {_size(sum(size for _, size, _ in entries))} in {options.store}")
    return 0


def _exchange(options: argparse.Namespace, store: Store) -> None:
    # Late: what the store here holds is told without them.
    from generator.build.storage import exchange
    from generator.build.storage.remote import Remote
    from generator.experiment.config import loading

    address = options.remote or loading.load(options.config).store.remote
    if not address:
        raise BadInput(f"there is no remote store: give --remote ADDRESS, or [store] remote in {options.config}")
    remote = Remote(address)
    if options.push:
        print(f"{exchange.push(store, remote, print, _warn)} entries pushed to {remote.address}")
    if options.pull:
        print(f"{exchange.pull(store, remote, print, _warn)} entries pulled from {remote.address}")
    if options.ls:
        there = remote.entries()
        print_table(["stage", "key", "size"], [[each.stage, each.digest[:12], _size(each.size)] for each in there])
        print(f"{len(there)} entries, {_size(sum(each.size for each in there))} in {remote.address}")


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
