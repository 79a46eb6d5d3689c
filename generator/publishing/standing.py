"""Whether a site stands as a build would leave it: told by what decides its files, without rendering them.

All that `deliver` writes follows from results, figures, settings, templates, documents and the program. When it has
published, it has a note kept in the store (`keep`): a digest of all of these, and the hash of every file that it
wrote. `find` takes the note for the outcome of a build with the same digest, once every file was read and is what it
was. A file that was edited or lost, or another post in the site: there is no outcome, and the build renders, compares
and refuses as ever. Nothing is taken from a note but that there is nothing to do.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from generator.experiment import provenance
from generator.experiment.config.settings import Config
from generator.experiment.results import BuildResults
from generator.post import manifest
from generator.post.jekyll.layout import Layout
from generator.publishing import durable
from generator.publishing.outcome import BuildRecord, Outcome
from generator.publishing.publish import Published
from generator.support import newlines, program
from generator.support.display import Display
from generator.support.files import write_atomically
from generator.support.places import HISTORY, PUBLISHED, ROOT, Places
from generator.support.source import PACKAGE

_MADE_OF = ("*.py", "*.txt")
"""What of the program decides about a post: its code, and the layers of the networks."""


def key(found: BuildResults, figures: Mapping[str, bytes], config: Config, places: Places, place: Layout) -> str:
    """SHA-256 of all that decides what `deliver` writes; the packages' versions stand in the results."""
    own, docs = config.post.templates, config.site.docs
    # What runs, and what is quoted.
    roots = sorted({ROOT, places.root})
    decides = {
        "program": [program.COMMAND, *(_folder(root / PACKAGE, kind) for root in roots for kind in _MADE_OF)],
        # By name and content: where they lie need not be text.
        "folders": [each and [each.name, _folder(each)] for each in (places.templates, own, docs)],
        # But documents link to what lies beside them in their repository, where its address is known.
        "documents": docs and config.site.repository and hashlib.sha256(os.fsencode(docs.resolve())).hexdigest(),
        "results": hashlib.sha256(found.model_dump_json().encode()).hexdigest(),
        "figures": {path: hashlib.sha256(content).hexdigest() for path, content in figures.items()},
        "settings": [config.post.model_dump(mode="json", exclude={"templates"}), config.site.repository],
        "place": asdict(place),
        "preview": str(places.preview.absolute()),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def find(
    found: BuildResults,
    figures: Mapping[str, bytes],
    record: BuildRecord,
    config: Config,
    places: Places,
    place: Layout,
    display: Display,
) -> Outcome | None:
    """The outcome of a build that would change nothing; None where it must be rendered to be known.

    Raises `BadInput` where a link leads out of the site.
    """
    try:
        note = json.loads(_path(places, manifest.path_for(config.post.asset_folder)).read_bytes())
        same = note["key"] == key(found, figures, config, places, place)
        if not same or not _stands(note, places, f"{place.data}/{provenance.NAME}"):
            return None
        shown = {tuple(names) for names in note["figures"]}
        files, remarks = tuple(sorted(note["files"])), [str(remark) for remark in note["remarks"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    for remark in remarks:
        display.warn(remark)
    kept = tuple(each for each in found.figures if (each.scope, each.name) in shown)
    results = found if kept == found.figures else found.changed(figures=kept)
    return Outcome(results, record.ran, Published((), files, (), ()), places.site / place.post, places.preview)


def keep(
    key: str,
    outcome: Outcome,
    files: Mapping[str, bytes],
    remarks: Sequence[str],
    places: Places,
    manifest_path: str,
) -> None:
    """Note that the site holds `files` (site path → content), the manifest among them, and what they follow from.

    `remarks` are what is said of the post at every build.
    """
    note = {
        "key": key,
        "files": {path: newlines.fingerprint(content) for path, content in files.items()},
        "figures": [[each.scope, each.name] for each in outcome.results.figures],
        "remarks": list(remarks),
        "manifests": list(manifest.find(places.site)),
        "preview": newlines.fingerprint(outcome.preview.read_bytes()),
    }
    write_atomically(_path(places, manifest_path), json.dumps(note).encode())


def _path(places: Places, manifest_path: str) -> Path:
    """Of the note on one post of one site."""
    which = f"{places.site.resolve()}\n{manifest_path}"
    return places.store / PUBLISHED / f"{hashlib.sha256(os.fsencode(which)).hexdigest()[:16]}.json"


def _stands(note: Mapping[str, Any], places: Places, origin: str) -> bool:
    """Whether all is there as it was: the site's files, the preview, and the build in the history."""
    site, files = places.site, note["files"]
    for path in {path.rpartition("/")[0]: path for path in files}.values():
        durable.check(site, path)
    return (
        list(manifest.find(site)) == note["manifests"]
        and all(newlines.fingerprint((site / path).read_bytes()) == digest for path, digest in files.items())
        and newlines.fingerprint(places.preview.read_bytes()) == note["preview"]
        and (places.store / HISTORY / json.loads((site / origin).read_bytes())["id"] / provenance.NAME).is_file()
    )


def _folder(folder: Path, kind: str = "*") -> str:
    """SHA-256 over names and contents of the files of a folder, without what Python and Jinja keep there."""
    files = sorted(path for path in folder.rglob(kind) if path.parent.name != "__pycache__" and path.is_file())
    told = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        told.update(os.fsencode(f"{path.relative_to(folder).as_posix()}\n{len(content)}\n") + content)
    return told.hexdigest()
