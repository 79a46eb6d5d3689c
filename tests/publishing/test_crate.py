"""The RO-Crate: what the specification asks for, what is true of the files, and nothing that a rebuild would change."""

import json
from pathlib import Path
from typing import Any

import pytest

import generator
from generator.experiment import provenance
from generator.experiment.files import result_files
from generator.post import manifest
from generator.publishing import crate
from generator.publishing.verify import verify
from generator.support import newlines, strict_json
from tests.factories import make_results, make_weights, two_networks
from tests.rendered import PROVENANCE, make_post
from tests.sites import FOLDER, PLACE, POST, make_files, put

MACHINES = [
    {"platform": "Linux x86_64", "processor": "Epyc", "cpuid": "f1", "cpus": 2, "gpus": ["H100"], "python": "3.11"},
    {"platform": "Linux aarch64", "processor": "Neoverse", "cpuid": None, "cpus": 1, "gpus": [], "python": "3.12"},
]


def data_files(build: Any, **record: Any) -> dict[str, bytes]:
    files = {name: text.encode() for name, text in result_files.to_files(build).items()}
    return {**files, provenance.NAME: strict_json.to_json({**PROVENANCE, **record}).encode()}


def made(build: Any = None, record: dict[str, Any] | None = None, **post: Any) -> dict[str, dict[str, Any]]:
    """@id → entity."""
    build = build or make_results()
    table = json.loads(crate.make(make_post(**post), build, data_files(build, **(record or {}))))
    assert table["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    found = {each["@id"]: each for each in table["@graph"]}
    assert len(found) == len(table["@graph"])
    return found


def links(value: Any) -> list[str]:
    return [each["@id"] for each in ([value] if isinstance(value, dict) else value)]


def test_the_structure_is_that_of_the_specification() -> None:
    """https://www.researchobject.org/ro-crate/specification/1.1/root-data-entity.html"""
    found = made()
    descriptor = found["ro-crate-metadata.json"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    root = found["./"]
    assert root["@type"] == "Dataset"
    assert root["datePublished"] == "2023-01-31T12:38:00-06:00"
    assert all(root[name] for name in ("name", "description", "license", "hasPart"))
    files = {name for name, each in found.items() if each["@type"] == "File"}
    assert set(links(root["hasPart"])) == files


@pytest.mark.parametrize("changes", [{}, {"authors": ("A B",), "license": "MIT"}, {"license": "https://example.org/l"}])
def test_every_link_leads_to_an_entity_and_every_entity_is_linked(changes: dict[str, Any]) -> None:
    found = made(two_networks(), {"machines": MACHINES}, **changes)

    def inner(value: Any) -> list[str]:
        if isinstance(value, list):
            return [each for one in value for each in inner(one)]
        return [value["@id"]] if isinstance(value, dict) else []

    linked = {each for entity in found.values() for value in entity.values() for each in inner(value)}
    assert linked - found.keys() == {"https://w3id.org/ro/crate/1.1"}
    assert found.keys() - linked == {"ro-crate-metadata.json"}


def test_files_have_their_size_hash_and_format() -> None:
    build = make_results()
    found, files = made(build), data_files(build)
    assert set(files) < found.keys()
    for name, content in files.items():
        entity = found[name]
        assert entity["contentSize"] == str(len(content))
        assert entity["sha256"] == newlines.fingerprint(content)
        assert entity["encodingFormat"] in ("application/json", "text/csv")
        assert entity["description"]
    assert "sha256" not in found[manifest.NAME]


def test_the_run_names_software_machines_and_inputs() -> None:
    found = made(two_networks(), {"machines": MACHINES})
    run = found["#build"]
    assert run["@type"] == "CreateAction"
    assert run["endTime"] == PROVENANCE["time"]
    assert links(run["instrument"]) == ["#measured-post", "#machine-1", "#machine-2"]
    assert found["#machine-1"]["name"] == "Epyc"
    assert found["#machine-1"]["description"] == "Linux x86_64, processors: 2, f1, H100, Python 3.11"
    assert run["description"].endswith(", from commit 0123abc of the repository with the settings.")
    assert found["#measured-post"]["softwareVersion"] == generator.__version__
    packages = make_results().environment.packages
    needed = [found[each] for each in links(found["#measured-post"]["softwareRequirements"])]
    assert {each["name"]: each["softwareVersion"] for each in needed[1:]} == packages
    assert found["#data"]["identifier"] == f"sha256:{make_results().data.fingerprint}"
    assert len(links(run["object"])) > 1
    assert len(links(found["./"]["citation"])) == 2


def test_random_weights_have_no_hash() -> None:
    found = made(make_results(weights=make_weights("random")))
    assert found["#weights-1"]["identifier"] == "random"


def test_without_a_commit_or_machines_the_rest_is_told() -> None:
    found = made(record={"commit": None, "machines": []})
    assert found["#build"]["description"].endswith("published the post.")
    assert found["#machine-1"]["name"] == PROVENANCE["processor"]


def test_licence_and_authors_are_what_the_settings_say() -> None:
    assert made(license=None)["./"]["license"] == crate.NO_LICENSE
    found = made(license="CC-BY-4.0", authors=("Ada Lovelace", "{The Group}"))
    assert found["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    authors = [found[each] for each in links(found["./"]["author"])]
    assert [(each["@type"], each["name"]) for each in authors] == [
        ("Person", "Ada Lovelace"),
        ("Organization", "The Group"),
    ]
    (author,) = links(made(authors=("{Ada} Lovelace",))["./"]["author"])
    assert made(authors=("{Ada} Lovelace",))[author]["@type"] == "Person"
    assert made(license="https://example.org/l")["./"]["license"] == {"@id": "https://example.org/l"}


def test_the_same_files_give_the_same_bytes() -> None:
    build = make_results()
    first, second = (crate.make(make_post(), build, data_files(build)) for _ in range(2))
    assert first == second


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with a crate, which its manifest knows."""
    build, files, data = make_results(), make_files(), f"assets/data/{FOLDER}"
    files[f"{data}/{provenance.NAME}"] = strict_json.to_json(PROVENANCE).encode()
    below = {p.removeprefix(f"{data}/"): c for p, c in files.items() if p.startswith(data) and p != PLACE}
    files[f"{data}/{crate.NAME}"] = crate.make(make_post(), build, below).encode()
    record = manifest.from_text(files.pop(PLACE).decode(), PLACE)
    again = manifest.make(POST, files, record.numbers, record.excerpts)
    return put(tmp_path / "site", {**files, PLACE: manifest.to_text(again).encode()})


def forge(site: Path, old: str, new: str) -> None:
    """Change the crate, and the manifest's hash of it, as a build with a slip would."""
    path = f"assets/data/{FOLDER}/{crate.NAME}"
    text = (site / path).read_text()
    assert old in text
    (site / path).write_text(text.replace(old, new))
    record = json.loads((site / PLACE).read_text())
    del record[manifest.DIGEST]
    record["files"][path] = newlines.fingerprint((site / path).read_bytes())
    (site / PLACE).write_text(manifest.signed(record))


def test_verify_passes_a_true_crate_and_names_one_that_is_edited(site: Path) -> None:
    assert verify(site) == ()
    path = site / f"assets/data/{FOLDER}/{crate.NAME}"
    path.write_text(path.read_text().replace("Dataset", "Thing"))
    assert [str(each) for each in verify(site)] == [
        f"assets/data/{FOLDER}/{crate.NAME}: is not the file that the build wrote"
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"sha256": "', '"sha256": "0', "has another hash in the crate"),
        ('"name": "history.csv"', '"name": "story.csv"', "history.csv is not in the crate"),
        ('"name": "history.csv"', '"name": "story.csv"', "story.csv is missing"),
        ('"@graph"', '"@graphs"', "is no crate that the build wrote"),
        ('"@graph"', '"', "is no crate that the build wrote"),
        ('"name": "history.csv"', '"name": 5', "5 is missing"),
        ('"name": "history.csv"', r'"name": "\ud800"', "\ud800 is missing"),
    ],
)
def test_verify_names_what_a_crate_says_otherwise(site: Path, old: str, new: str, fault: str) -> None:
    forge(site, old, new)
    found = verify(site)
    assert {each.kind for each in found} == {"results"}
    assert any(fault in str(each) for each in found)


def test_an_empty_file_is_there() -> None:
    faults = list(crate.disagreements('{"@graph": []}', {"a.csv": b""}.get, ["a.csv", "b.csv"]))
    assert faults == ["a.csv is not in the crate", "b.csv is missing"]
