"""`build.py cache`: show what the stage store holds, and prune it."""

from generator.build.store import Store
from generator.commands.options import add_store, gibibytes, make_parser, print_table


def run(arguments: list[str]) -> int:
    parser = make_parser("cache", "Show what the stage store holds; --prune removes the longest unused entries.")
    add_store(parser)
    parser.add_argument("--prune", type=gibibytes, metavar="GIB", help="keep at most this many GiB")
    options = parser.parse_args(arguments)
    store = Store(options.store)
    if options.prune is not None:
        print(f"{_size(store.prune(options.prune))} freed")
    entries = list(store.entries())
    print_table(["stage", "key", "size"], [[f.parent.name, f.name[:12], _size(size)] for f, size, _ in entries])
    print(f"{len(entries)} entries, {_size(sum(size for _, size, _ in entries))} in {options.store}")
    return 0


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
