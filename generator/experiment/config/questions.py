"""Questions that a post asks of its variants; `answers` has what their runs say."""

from pydantic import field_validator

from generator.experiment.config.post_settings import Words
from generator.support.strict_json import Record

HEAD = ":head"
"""Behind a variant's name: with the head alone, before fine-tuning."""


class Question(Record):
    """What is asked, and of which sides."""

    ask: Words
    """The question, as the post prints it."""
    compare: tuple[str, ...]
    """Names of variants, with `:head` behind of those before fine-tuning; the others are held against the first."""

    @field_validator("compare")
    @classmethod
    def _sides_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) < 2 or len(set(value)) < len(value):
            raise ValueError("must name two sides or more, each once, such as a variant or baseline:head")
        return value

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants it is asked of, one for each side."""
        return tuple(side.removesuffix(HEAD) for side in self.compare)


def figure_of(name: str) -> str:
    """The name of the figure that answers the question `name`."""
    return f"question-{name}"
