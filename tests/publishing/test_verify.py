"""A site held against its manifest: untouched it passes, each kind of tampering is named."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.experiment.files import result_files
from generator.post import manifest
from generator.publishing.verify import Finding, verify
from generator.support.errors import BadInput
from generator.support.places import ROOT
from generator.support.strict_json import SCHEMA_VERSION
from tests.factories import FIVE, make_data, make_results, make_variant, with_maps
from tests.sites import FOLDER, PLACE, POST, make_files, picture, put

DATA = f"assets/data/{FOLDER}"
FIGURE = f"assets/images/{FOLDER}/baseline/confusion-matrix.png"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return put(tmp_path / "site", make_files())


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def sign_again(site: Path) -> None:
    """Make the hashes of the manifest fit what is there, as a forger would."""

    def fit(record: dict[str, Any]) -> None:
        for path in record["files"]:
            record["files"][path] = hashlib.sha256((site / path).read_bytes()).hexdigest()

    forge(site, fit)


def forge(site: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and sign it again."""
    record = json.loads((site / PLACE).read_text())
    del record[manifest.DIGEST]
    change(record)
    (site / PLACE).write_text(manifest.signed(record))


def kinds(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.kind for finding in findings]


@pytest.mark.parametrize("error", [KeyError("gone"), ValueError("other images"), IndexError("run 3")])
def test_results_of_which_nothing_follows_are_a_finding(
    site: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(build: object) -> None:
        raise error

    monkeypatch.setattr("generator.experiment.exported.of_results", fails)
    (found,) = verify(site)
    assert (found.kind, found.place) == ("results", PLACE)
    assert str(error) in str(found)


def test_an_untouched_site_has_no_findings(site: Path) -> None:
    assert verify(site) == ()


def test_foreign_files_do_not_matter(site: Path) -> None:
    put(site, {"about.md": b"mine", f"assets/images/{FOLDER}/mine.png": b"mine"})
    assert verify(site) == ()


def test_one_changed_digit_is_named_with_its_source(site: Path) -> None:
    edit(site / POST, "| baseline | test | 0.8750 |", "| baseline | test | 0.9750 |")
    found = [str(finding) for finding in verify(site)]
    assert found == [
        f"{POST}: is not the file that the build wrote",
        f"{POST}:6:21: expected 0.8750 (variants.baseline.test.accuracy), found 0.9750",
    ]


def test_every_single_changed_digit_is_found_even_if_the_hashes_are_forged(site: Path) -> None:
    record = manifest.read(site, PLACE)
    assert record is not None
    lines = (site / POST).read_text().split("\n")
    assert len(record.numbers) == 3 * 9
    for number in record.numbers:
        digits = "".join(str((int(c) + 1) % 10) if c.isdigit() else c for c in number.text)
        line = lines[number.line - 1]
        start = number.column - 1
        forged = line[:start] + digits + line[start + len(number.text) :]
        (site / POST).write_text("\n".join([*lines[: number.line - 1], forged, *lines[number.line :]]))
        sign_again(site)
        (finding,) = verify(site)
        assert finding.kind == "number"
        assert finding.message == f"expected {number.text} ({number.source}), found {digits}"


@pytest.mark.parametrize("longer", ["0.87501", "0.8750.1", "0.8750,000"])
def test_digits_added_to_a_number_are_found(site: Path, longer: str) -> None:
    edit(site / POST, "0.8750", longer)
    sign_again(site)
    assert f"expected 0.8750 (variants.baseline.test.accuracy), found {longer}" in verify(site)[0].message


def test_what_ends_a_sentence_or_parts_a_list_is_no_part_of_a_number(site: Path) -> None:
    edit(site / POST, "| 0.8750 |", "| 0.8750, 3. |")
    sign_again(site)
    assert [finding.place.partition(":")[0] for finding in verify(site)] == [POST], "the loss behind it has moved"


def test_fault_41_metrics_of_another_build(site: Path) -> None:
    other = make_results(variants={"baseline": make_variant(wrong=(1, 2))}, figures=())
    put(site, {f"{DATA}/{name}": text.encode() for name, text in result_files.to_files(other).items()})
    assert {f.place for f in verify(site) if f.kind == "file"} == {f"{DATA}/{name}" for name in result_files.FILES}
    sign_again(site)
    found = {str(f) for f in verify(site) if f.kind == "number"}
    where = f"{POST}:6:21: variants.baseline.test.accuracy"
    assert f"{where} is 0.9500 in the results, the post was built with 0.8750: they are of different builds" in found
    assert any("variants.augmentation.test.accuracy" in f and "cannot be computed" in f for f in found)


def test_fault_41_figures_of_another_build(site: Path) -> None:
    def forget(record: dict[str, Any]) -> None:
        record["figures"] = [f for f in record["figures"] if f["scope"] != "comparison"]

    forge(site, forget)
    finding = verify(site)[-1]
    assert finding.message.startswith("figure comparison of comparison belongs to the results but not to this site")


def test_maps_of_another_build_do_not_give_the_logits(site: Path) -> None:
    for wrong, findings in (((0, 1, 2, 6, 7), 0), ((1, 2), 3)):
        build = make_results()
        mapped = with_maps(make_results(variants={"baseline": make_variant(wrong=wrong)}))
        table = {"activation_maps": mapped.baseline.activation_maps}
        forged = build.baseline.model_copy(update=table)
        build = build.model_copy(update={"variants": {**build.variants, "baseline": forged}})
        put(site, {f"{DATA}/{name}": text.encode() for name, text in result_files.to_files(build).items()})
        sign_again(site)
        found = verify(site)
        assert [f.place for f in found] == [f"{DATA}/activation-maps.csv"] * findings
        assert all("does not give its logit in predictions.csv" in f.message for f in found)


def test_maps_of_fewer_images_are_counted(tmp_path: Path) -> None:
    site = put(tmp_path, make_files(with_maps(make_results())))
    maps = site / DATA / "activation-maps.csv"
    maps.write_text("".join(maps.read_text().splitlines(keepends=True)[:-1]))
    sign_again(site)
    (finding,) = verify(site)
    assert finding.place == f"{DATA}/activation-maps.csv"
    assert finding.message.startswith("augmentation-no-preprocessing: there are 39 maps of 40 test images in")


@pytest.mark.parametrize("name", result_files.FILES)
def test_a_missing_data_file(site: Path, name: str) -> None:
    (site / DATA / name).unlink()
    found = verify(site)
    assert Finding("file", f"{DATA}/{name}", "is missing") in found
    assert "results" in kinds(found)


def test_fault_40_a_nan_in_the_metrics_is_refused(site: Path) -> None:
    edit(site / DATA / "metrics.json", '"loss": 0.3807008509766474', '"loss": NaN')
    findings = verify(site)
    assert kinds(findings) == ["file", "results"]
    assert "NaN is not a number" in findings[1].message


def test_one_changed_pixel_is_named(site: Path) -> None:
    from PIL import Image

    with Image.open(site / FIGURE) as image:
        changed = image.copy()
    changed.putpixel((3, 3), (100, 100, 101))
    changed.save(site / FIGURE)
    (finding,) = verify(site)
    assert str(finding) == f"{FIGURE}: figure confusion-matrix of baseline has other pixels"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing"),
        (picture("webp"), "has the same pixels but other bytes: it was encoded again"),
        (b"<html>", "cannot be decoded"),
        (picture(size=(8, 12)), "has other pixels"),
    ],
)
def test_a_figure_that_is_not_the_builds(site: Path, content: bytes | None, message: str) -> None:
    (site / FIGURE).unlink()
    if content is not None:
        (site / FIGURE).write_bytes(content)
    (finding,) = verify(site)
    assert finding.kind == "figure"
    assert f"figure confusion-matrix of baseline {message}" in finding.message


def test_a_changed_excerpt_is_named(site: Path) -> None:
    edit(site / POST, "side * side", "side + side")
    sign_again(site)
    (finding,) = verify(site)
    assert str(finding) == f"{POST}:21: the excerpt of generator.training.network:area is not the code that was quoted"


def test_an_excerpt_that_is_gone_is_named(site: Path) -> None:
    edit(site / POST, "```python", "python")
    sign_again(site)
    (finding,) = verify(site)
    assert "is missing (no code block at line 21)" in finding.message


def test_an_inserted_line_moves_the_numbers(site: Path) -> None:
    edit(site / POST, "# A post\n", "# A post\n\n")
    findings = verify(site)
    assert kinds(findings)[0] == "file"
    assert "found something else" in findings[1].message


def test_a_post_cut_short_is_all_findings_and_no_error(site: Path) -> None:
    (site / POST).write_text("# A post")
    assert kinds(verify(site)).count("number") == 27


def spoil_schema(record: dict[str, Any]) -> None:
    record["schema_version"] = 99


def spoil_format(record: dict[str, Any]) -> None:
    record["numbers"][0]["format"] = "surprise"


def spoil_source(record: dict[str, Any]) -> None:
    record["numbers"][0]["source"] = "variants.nobody.test.accuracy"


def spoil_line(record: dict[str, Any]) -> None:
    record["numbers"][0]["line"] = 10**6


def spoil_path(record: dict[str, Any]) -> None:
    record["files"]["../../outside"] = "0" * 64


def unlist_post(record: dict[str, Any]) -> None:
    del record["files"][POST]


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (spoil_schema, "manifest", "schema_version 99 is newer"),
        (spoil_format, "number", "as 'surprise' cannot be computed"),
        (spoil_source, "number", "variants.nobody.test.accuracy"),
        (spoil_line, "number", "found something else"),
        (spoil_path, "file", "is missing"),
        (unlist_post, "manifest", "without a hash"),
    ],
)
def test_a_tampered_manifest_is_a_finding(
    site: Path, spoil: Callable[[dict[str, Any]], None], kind: str, words: str
) -> None:
    forge(site, spoil)
    (finding,) = verify(site)
    assert finding.kind == kind
    assert words in finding.message


def test_a_manifest_edited_by_hand_is_a_finding(site: Path) -> None:
    edit(site / PLACE, '"text": "0.8750"', '"text": "0.9750"')
    (finding,) = verify(site)
    assert (finding.kind, finding.place) == ("manifest", PLACE)
    assert "was edited since the build wrote it" in finding.message


def test_a_site_of_an_older_version_is_one_finding_that_says_what_to_do(site: Path) -> None:
    for name in ("metrics.json", "record.json"):
        edit(site / DATA / name, f'"schema_version": {SCHEMA_VERSION}', '"schema_version": 1')
    forge(site, lambda record: record.update(schema_version=1))
    sign_again(site)
    (finding,) = verify(site)
    assert finding.kind == "results"
    assert "schema_version 1 is older" in finding.message
    assert "build it again" in finding.message


def test_a_site_without_a_build_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="build the site"):
        verify(tmp_path / "nowhere")


def test_two_posts_are_both_verified(site: Path) -> None:
    moved = {path.replace(FOLDER, "second"): content for path, content in make_files().items()}
    place = PLACE.replace(FOLDER, "second")
    record = json.loads(moved[place].decode().replace(f"/{FOLDER}/", "/second/"))
    del record[manifest.DIGEST]
    put(site, {**moved, place: manifest.signed(record).encode()})
    assert verify(site) == ()
    (site / FIGURE.replace(FOLDER, "second")).unlink()
    assert len(verify(site)) == 1


def test_verifying_loads_neither_tensorflow_nor_jinja(site: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = sys.modules['jinja2'] = None\n"
        "from generator.publishing.verify import verify\n"
        f"assert verify(Path({str(site)!r})) == ()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(("old", "new"), [('"loss": 0.3807', '"loss": 0.3707'), ('"f1": 0.888', '"f1": 0.988')])
def test_scores_that_the_predictions_do_not_give_are_named(site: Path, old: str, new: str) -> None:
    edit(site / DATA / "metrics.json", old, new)
    sign_again(site)
    key = old.split('"')[1]
    expected = f"variants.baseline.test.{key} is not what predictions.csv gives: they are of different builds"
    assert expected in {f.message for f in verify(site)}


def test_a_confusion_matrix_that_the_predictions_do_not_give_is_named(site: Path) -> None:
    edit(site / DATA / "metrics.json", '"false_positive": 5', '"false_positive": 4')
    sign_again(site)
    expected = "variants.baseline.confusion is not what predictions.csv gives: they are of different builds"
    assert expected in {f.message for f in verify(site)}


@pytest.mark.parametrize("path", ["train.loss", "validation.loss", "test.f1"])
def test_scores_of_the_head_alone_and_of_every_part_are_recounted(site: Path, path: str) -> None:
    metrics = json.loads((site / DATA / "metrics.json").read_text())
    part, key = path.split(".")
    metrics["variants"]["augmentation"]["after_head"][part][key] += 0.01
    (site / DATA / "metrics.json").write_text(json.dumps(metrics))
    sign_again(site)
    expected = f"variants.augmentation.after_head.{path} is not what predictions.csv gives"
    assert [f.message.partition(":")[0] for f in verify(site) if f.kind == "results"] == [expected]


def test_several_classes_are_recounted(tmp_path: Path) -> None:
    put(tmp_path, make_files(make_results(data=make_data(class_names=FIVE))))
    assert verify(tmp_path) == ()
