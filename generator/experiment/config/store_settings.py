"""What may be set of the store that a build takes entries from."""

from pydantic import Field, model_validator

from generator.support.strict_json import Record


class StoreSettings(Record):
    """Where entries of the store come from and go to, beside the store itself: no part of the experiment."""

    remote: str | None = Field(default=None, min_length=1)
    """An address that fsspec knows: a folder, `s3://BUCKET/PREFIX`, `sftp://HOST/PATH`. None: there is none."""
    push: bool = False
    """Whether what is computed here is put there, too."""
    same_machine: bool = False
    """Whether only entries are taken that this kind of machine made."""

    @model_validator(mode="after")
    def _there_is_somewhere_to_push(self) -> "StoreSettings":
        if self.push and self.remote is None:
            raise ValueError("push = true needs remote, the address to push to")
        return self
