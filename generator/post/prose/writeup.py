"""Whether a post is about the write-up that the project reproduces, and what a post without a title is called.

What is said of the original (its results, its defects, its data) is in sections and sentences of their own, which a
template shows where `writeup` is true, and nowhere else: a post about other data is not about the original.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from generator.experiment.config.post_settings import PostSettings
from generator.experiment.data_summary import DataSummary
from generator.experiment.reported import REPORTED
from generator.experiment.results import BuildResults, VariantResult
from generator.post.prose.sweeping import setting
from generator.post.prose.wording import number_word

MOST_IN_TITLE = 3
"""Classes that a title names; of more, or of longer names, it says how many there are."""
LONGEST = 60
"""Characters that the names may take in a title."""


def is_told(post: PostSettings, results: BuildResults) -> bool:
    """Whether the post holds its run against the original: as set, else where classes and network are those of it.

    Where the images come from does not matter: drawn camels and horses stand for the original's photographs.
    """
    if post.writeup != "auto":
        return post.writeup
    ours = (results.data.class_names, results.baseline.recipe.model.backbone)
    return ours == (REPORTED["class_names"], REPORTED["backbone"])


def departures(baseline: VariantResult, data: DataSummary, theirs: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(path, ours, the original's) of each setting that the baseline has otherwise than the original.

    Where fine-tuning begins is told of no other network: its layers are others.
    """

    def ours(path: str) -> Any:
        room, _, rest = path.partition(".")
        return setting(data, rest) if room == "data" else setting(baseline.recipe, path)

    alike = baseline.recipe.model.backbone == REPORTED["backbone"]
    compared = [path for path in theirs if alike or path != "fine_tuning.from_layer"]
    return [(path, ours(path), theirs[path]) for path in compared if ours(path) != theirs[path]]


def title(post: PostSettings, class_names: Sequence[str]) -> str:
    """The post's title: its own, else one that names the classes or says how many there are."""
    if post.title is not None:
        return post.title
    *others, last = class_names
    listed = f"{', '.join(others)} and {last}"
    fits = len(class_names) <= MOST_IN_TITLE and len(listed) <= LONGEST
    return f"Image classification of {listed if fits else f'{number_word(len(class_names))} classes'}"


CLAIMS: Final[tuple[Callable[..., Any], ...]] = (departures,)
"""For the templates."""
