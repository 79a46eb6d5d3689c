"""Images that belong together: of one subject, burst or video, told by their folder or by their name.

Not copies of each other, but too alike to be on both sides of a split: what is learnt of one is known of the others.
"""

import re
from collections.abc import Sequence

from generator.experiment.data_summary import Layout
from generator.support.errors import BadInput, printable

FOLDER = "folder"
"""The value of `data.group` by which the innermost folder tells; any other is a pattern."""


def keys(names: Sequence[str], by: str, layout: Layout, folders: Sequence[str], source: str) -> list[str]:
    """The group of each image, empty for one that stands alone.

    `names` are those of files below the root, with forward slashes; `folders` holds for each the folder of its part.
    Raises `BadInput` where none is in a group.
    """
    if by == FOLDER:
        found = [_below(name, folder, layout) for name, folder in zip(names, folders, strict=True)]
    else:
        found = [_matched(name, by) for name in names]
    if not any(found):
        told = "no image lies in a folder within its class" if by == FOLDER else "it matches no image's name"
        raise BadInput(f"{source}: data.group = {by!r}: {told}, as in {printable(names[0])}")
    return found


def _below(name: str, folder: str, layout: Layout) -> str:
    """The folder of an image below that of its class or, where classes have none, below that of its part."""
    parts = name.split("/")[:-1]
    above = 0 if folder == "." else folder.count("/") + 1
    return "/".join(parts[above + (layout in ("parts", "classes")) :])


def _matched(name: str, pattern: str) -> str:
    """What the groups of a pattern match, or the whole pattern where it has none; empty where that is nothing."""
    match = re.search(pattern, name)
    if match is None:
        return ""
    parts = [part or "" for part in match.groups()] or [match[0]]
    return "\0".join(parts) if any(parts) else ""
