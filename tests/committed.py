"""The site as it lies in the folder, and as it was committed last.

Who runs `make site` has another site than the one that was committed, and no record of it. What is recorded of a site
must be of one of the two: the folder's before a build is committed, the committed one where somebody has built since.
"""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.factories import ROOT


def sites(folder: Path) -> Iterator[Path]:
    """The folder's site, then the committed one, which is unpacked below `folder`; that one only in a repository."""
    yield ROOT / "site"
    done = subprocess.run(["git", "-C", str(ROOT), "archive", "HEAD", "site"], capture_output=True, check=False)
    if done.returncode == 0:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield folder / "site"
