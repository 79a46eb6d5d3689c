"""Places that fsspec reads and writes: a folder, `file://`, `s3://`, `gs://`, `sftp://` and the like.

`Place` is a folder or file at such an address, opened when it is first used; what goes wrong on the way there is
`Unreachable`. Settings of a service (an endpoint, credentials) are fsspec's: its configuration files and variables, as
`FSSPEC_S3_ENDPOINT_URL`, and the service's own. None of them stands in an experiment.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from threading import RLock, local
from typing import Any
from urllib.parse import SplitResult, urlsplit

from generator.support.errors import BadInput, BuildFailed, encodable, printable
from generator.support.files import FULL

EXTRAS = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "http": "aiohttp",
    "https": "aiohttp",
}
"""Protocol → the package that fsspec needs for it."""

BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""Protocols without folders: a name is there once all of its content is, and making its folder could make a bucket."""

WEB = ("http", "https")
SSH = ("sftp", "ssh")

SECONDS = 10
"""Longest wait for a connection."""
ANSWER = 60
"""Longest wait for an answer, seconds."""
ALIVE = 30
"""Seconds after which an SSH connection that nothing passes through says that it is still wanted."""
_S3 = {"config_kwargs": {"connect_timeout": SECONDS, "read_timeout": ANSWER, "retries": {"max_attempts": 2}}}
# Not from fsspec's cache, which would give the connection that was lost instead of another one.
_SSH = {"timeout": SECONDS, "banner_timeout": SECONDS, "auth_timeout": SECONDS, "skip_instance_cache": True}
PATIENCE: dict[str, dict[str, Any]] = {"s3": _S3, "s3a": _S3, "sftp": _SSH, "ssh": _SSH}
"""Protocol → options that keep an address where nobody answers from holding a build for minutes."""


class Unreachable(BuildFailed):
    """An address does not answer, or refuses."""


def is_address(text: str) -> bool:
    """Whether `text` names a protocol, and so is no plain path."""
    return re.match("[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def beside(link: str) -> SplitResult | None:
    """The parts of a link from a page to a file beside it; None of one to the web, into the page, or to nothing."""
    try:
        parts = urlsplit(link)
    except ValueError:  # of brackets that are not closed, say
        return None
    return parts if parts.path and not parts.scheme and not parts.netloc else None


def shown(address: str) -> str:
    """`address` for messages, without user and password, and without the query of a web address."""
    bare = address.partition("?")[0] if protocol(address) in WEB else address
    return printable(re.sub(r"//[^/]*@", "//", bare))


def name_of(address: str) -> str:
    """The last part of an address, without what follows a question mark, in which secrets stand."""
    bare = re.sub("^[^/]*@", "", address.partition("://")[2] or address)
    bare = re.split("[?#]", bare)[0] if protocol(address) in WEB else bare
    name = bare.rstrip("/").rpartition("/")[2]
    return encodable(name) if name.strip(".") else protocol(address)


class Place:
    """What lies at an address; nothing is asked of it before the first use."""

    def __init__(self, address: str) -> None:
        """Raises `BadInput` where no package here reads such addresses."""
        self._address = address
        self.shown = shown(address)
        self.protocol = protocol(address)
        _check_package(self.protocol, self.shown)
        # Those of some packages are no two threads' business.
        self._connection: AbstractContextManager[Any] = nullcontext() if _for_threads(self.protocol) else RLock()

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        import fsspec  # Late: only who names an address needs it.

        options = {**PATIENCE.get(self.protocol, {}), **fsspec.config.conf.get(self.protocol, {})}
        fs, path = fsspec.url_to_fs(self._address, **options)
        if self.protocol in SSH:
            fs.client.get_transport().set_keepalive(ALIVE)
            fs.ftp.get_channel().settimeout(ANSWER)
        return fs, path.rstrip("/")

    @property
    def fs(self) -> Any:
        """The file system, connected. Raises what its package does."""
        return self._opened[0]

    @property
    def path(self) -> str:
        """Of the place in its file system."""
        return self._opened[1]

    @property
    def name(self) -> str:
        return name_of(self._address)

    @contextmanager
    def reaching(self, advice: str = "check address, network and access", *, here: bool = False) -> Iterator[None]:
        """Raises `Unreachable` where the block fails, but for a `FileNotFoundError`: something else was reached.

        With `here` the block writes on this machine, and raises `OSError` where its disk is full.
        """
        try:
            with self._connection:
                yield
        except (NotImplementedError, BuildFailed, BadInput):
            raise
        except Exception as error:  # Each package has kinds of its own, and those of what it uses.
            cause = self._cause(error)
            if isinstance(cause, FileNotFoundError) or (here and getattr(cause, "errno", None) in FULL):
                raise cause from None
            # The next use connects anew.
            vars(self).pop("_opened", None)
            # The address may have a secret in it, and messages of packages may have the address.
            said = " ".join(str(cause).replace(self._address, self.shown).split())
            reason = printable(said or type(cause).__name__)
            raise Unreachable(f"{self.shown}: cannot be reached ({reason}); {advice}") from None

    def _cause(self, error: BaseException) -> BaseException:
        """What went wrong: to fsspec a web server that does not answer is a file that is not there."""
        cause = error.__cause__
        if self.protocol not in WEB or cause is None or getattr(cause, "status", None) == 404:
            return error
        return cause if isinstance(error, FileNotFoundError) else error

    def read(self, name: str, most: int | None = None) -> bytes:
        """Content of the file `name` below the place, or its first bytes.

        Raises `FileNotFoundError` and `Unreachable`.
        """
        part = {} if most is None else {"start": 0, "end": most}
        with self.reaching():
            content: bytes = self.fs.cat_file(f"{self.path}/{name}", **part)
            return content

    def fetch(self, name: str, target: Path) -> None:
        """Copy the file `name` below the place to `target`. Raises as `read` does, and `OSError` where no room is."""
        with self.reaching(here=True):
            self.fs.get_file(f"{self.path}/{name}", str(target))

    def put(self, source: Path, name: str, unfinished: str) -> None:
        """Copy `source` to the file `name` below the place, where it appears whole. Raises `Unreachable`.

        Until then it is `unfinished`, a name beside it that nobody else uses.
        """
        with self.reaching():
            path, temporary = f"{self.path}/{name}", f"{self.path}/{unfinished}"
            try:
                if self.protocol in BUCKETS:
                    self.fs.put_file(str(source), path)
                else:
                    self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                    with self._removed_on_failure(temporary):
                        self.fs.put_file(str(source), temporary)
                        self.fs.mv(temporary, path)
            except FileNotFoundError as error:
                raise OSError(f"no such folder or bucket: {error}") from None

    @contextmanager
    def _removed_on_failure(self, path: str) -> Iterator[None]:
        try:
            yield
        except Exception:
            with suppress(Exception):
                self.fs.rm_file(path)
            raise


_of_all: dict[str, Any] = {}
_of_thread = local()


def opened(address: str) -> Place:
    """The place at `address`, opened once for all threads, or once for each where its package wants that."""
    places = _of_all if _for_threads(protocol(address)) else vars(_of_thread)
    if address not in places:
        places[address] = Place(address)
    place: Place = places[address]
    return place


def side_by_side(address: str) -> int:
    """How many files of a place are read at a time; each waits for its service most of the time."""
    return 32 if _for_threads(protocol(address)) else 8


def _for_threads(name: str) -> bool:
    """Whether threads may share a connection of this protocol: fsspec runs them all in one of its own."""
    with suppress(ImportError, ValueError):  # `Place` says so.
        import fsspec  # Late, as above.

        return bool(fsspec.get_filesystem_class(name).async_impl)
    return False


def protocol(address: str) -> str:
    """Of an address, `s3`; of a plain path `file`."""
    return address.partition("://")[0].lower() if is_address(address) else "file"


def _check_package(name: str, address: str) -> None:
    try:
        import fsspec
    except ImportError:
        raise BadInput(f"{address}: needs the package fsspec; pip install fsspec") from None
    try:
        fsspec.get_filesystem_class(name)
    except ValueError:
        known = "a folder, file://, s3://, gs:// or sftp://"
        raise BadInput(f"{address}: nothing is known of {name}:// addresses; give {known}") from None
    except ImportError as error:
        package = EXTRAS.get(name)
        how = f"needs the package {package}; pip install {package}" if package else printable(error)
        raise BadInput(f"{address}: {how}") from None
