"""Weights: every kind is found, checked and read by layer name; no network beyond this machine, no TensorFlow."""

import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from generator.backbones import downloads, weight_files, weights
from generator.backbones.backbone import Backbone
from generator.backbones.efficientnetb0 import EFFICIENTNETB0
from generator.backbones.mobilenetv2 import MOBILENETV2
from generator.backbones.resnet50 import EMBEDDED, RESNET50
from generator.support.errors import BadInput

SHAPES = RESNET50.shapes
LAYERS = list(dict.fromkeys(name.split("/")[0] for name in SHAPES))
VARIABLES = {layer: [n.split("/")[1] for n in SHAPES if n.startswith(f"{layer}/")] for layer in LAYERS}


def value(name: str) -> float:
    """What a stand-in's array is filled with: another number for each."""
    return list(SHAPES).index(name) / 8


def put(group: Any, path: str, name: str, **changes: Any) -> None:
    array = changes.get(name, np.full(SHAPES[name], value(name), np.float32))
    group.create_dataset(path, data=array, compression=1 if array.ndim > 1 else None)


def write_keras_2(path: Path, prefix: str = "", **changes: Any) -> Path:
    """The layout of the published ImageNet file: one group per layer, names in attributes."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"input_1", *(f"{prefix}{layer}".encode() for layer in LAYERS)]
        file.create_group("input_1").attrs["weight_names"] = np.array([], dtype="S1")
        for layer in LAYERS:
            group = file.create_group(prefix + layer)
            names = [f"{prefix}{layer}/{variable}:0" for variable in VARIABLES[layer]]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, variable in zip(names, VARIABLES[layer], strict=True):
                put(group, name, f"{layer}/{variable}", **changes)
    return path


def write_keras_3(target: Any) -> None:
    """The layout of `.weights.h5`: numbered variables, the layer's name as an attribute."""
    with h5py.File(target, "w") as file:
        for number, layer in enumerate(LAYERS):
            group = file.create_group(f"layers/some_class_{number}/vars")
            group.attrs["name"] = layer
            for position, variable in enumerate(VARIABLES[layer]):
                put(group, str(position), f"{layer}/{variable}")


@pytest.fixture(scope="session")
def imagenet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Other layer names than Keras': the published file is read by position, as Keras reads it.
    return write_keras_2(tmp_path_factory.mktemp("imagenet") / "published.h5", prefix="old_")


class Server:
    """Serves one answer on this machine and counts who asked."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.promised: int | None = None
        self.silent = threading.Event()
        self.silent.set()
        self.asked: list[str] = []
        self.backbone = RESNET50
        """A network whose ImageNet weights are the body as it was first."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                server.silent.wait()
                self.send_response(server.status)
                self.send_header("Content-Length", str(server.promised or len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/resnet/"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.silent.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def keras_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty Keras cache, and an address at which nothing listens."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv(downloads.URL_VARIABLE, "http://127.0.0.1:9/closed/")
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "keras"


@pytest.fixture
def server(keras_home: Path, monkeypatch: pytest.MonkeyPatch, imagenet_file: Path) -> Iterator[Server]:
    server = Server()
    server.body = imagenet_file.read_bytes()
    monkeypatch.setenv(downloads.URL_VARIABLE, server.url)
    md5 = hashlib.md5(server.body, usedforsecurity=False).hexdigest()
    server.backbone = replace(RESNET50, imagenet=replace(RESNET50.imagenet, digest=md5))
    yield server
    server.close()


def assert_filled(arrays: dict[str, np.ndarray]) -> None:
    assert list(arrays) == list(SHAPES)
    for name, array in arrays.items():
        assert array.shape == SHAPES[name]
        assert array.dtype == np.float32
        assert (array == value(name)).all(), name


# ---- The network's shapes -------------------------------------------------------------------------------


def test_the_shapes_add_up_to_resnet50_without_its_top() -> None:
    assert len(SHAPES) == 318
    assert sum(int(np.prod(shape)) for shape in SHAPES.values()) == 23_587_712
    assert LAYERS[:2] == ["conv1_conv", "conv1_bn"]
    # Keras sorts a block's shortcut between its second and third convolution.
    assert LAYERS[6:10] == ["conv2_block1_0_conv", "conv2_block1_3_conv", "conv2_block1_0_bn", "conv2_block1_3_bn"]


# ---- Embedded and random --------------------------------------------------------------------------------


def test_the_embedded_weights_are_those_this_version_knows(tmp_path: Path) -> None:
    found = weights.resolve("embedded", RESNET50, tmp_path)
    assert found.kind == "embedded"
    assert found.path == EMBEDDED.path
    assert found.summary.fingerprint == EMBEDDED.sha256
    assert found.summary.name == EMBEDDED.path.name
    assert found.summary.reason == ""


def test_the_embedded_weights_are_rebuilt_bit_for_bit_each_time(tmp_path: Path) -> None:
    found = weights.resolve("embedded", RESNET50, tmp_path)
    first, second = weights.load_arrays(found), weights.load_arrays(found)
    assert {name: array.shape for name, array in first.items()} == SHAPES
    for name, array in first.items():
        assert array.dtype == np.float32
        assert array.tobytes() == second[name].tobytes()
    with np.load(EMBEDDED.path) as file:
        name = "conv5_block3_1_conv/kernel"
        whole, scale = file[f"{name}:q"], file[f"{name}:s"]
        assert whole.dtype == np.int8
        assert np.array_equal(first[name], whole.astype(np.float32) * scale)


def with_embedded(path: Path) -> Backbone:
    """ResNet50, as if the project had its weights at `path`."""
    return replace(RESNET50, embedded=replace(EMBEDDED, path=path))


def test_one_flipped_byte_in_the_embedded_file_is_refused_by_name(tmp_path: Path) -> None:
    intact = weights.resolve("embedded", RESNET50, tmp_path)
    data = bytearray(EMBEDDED.path.read_bytes())
    data[len(data) // 2] ^= 1
    damaged = with_embedded(tmp_path / "damaged.npz")
    (tmp_path / "damaged.npz").write_bytes(data)
    with pytest.raises(BadInput, match=r"damaged\.npz: SHA-256 is .* the file is damaged"):
        weights.resolve("embedded", damaged, tmp_path)
    with pytest.raises(BadInput, match=r"damaged\.npz"):
        weights.load_arrays(replace(intact, backbone=damaged))


def test_a_missing_embedded_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.npz: cannot be read .* restore it"):
        weights.resolve("embedded", with_embedded(tmp_path / "gone.npz"), tmp_path)


def test_random_weights_have_no_file(tmp_path: Path) -> None:
    found = weights.resolve("random", RESNET50, tmp_path)
    assert (found.kind, found.path, found.summary.fingerprint) == ("random", None, "random")
    with pytest.raises(ValueError, match="random"):
        weights.load_arrays(found)


@pytest.mark.parametrize(
    ("asked", "hint"), [("imagnet", "did you mean 'imagenet'"), ("weights.npz", "choose from auto")]
)
def test_an_unknown_name_is_answered_with_the_choices(asked: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=rf"unknown weights '{asked}'; .*{hint}"):
        weights.resolve(asked, RESNET50, tmp_path)


# ---- ImageNet -------------------------------------------------------------------------------------------


def test_imagenet_is_downloaded_once_into_keras_cache(server: Server, keras_home: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    found = weights.resolve(
        "imagenet", server.backbone, tmp_path, progress=lambda done, total: steps.append((done, total))
    )
    again = weights.resolve("auto", server.backbone, tmp_path)
    assert server.asked == [f"/resnet/{RESNET50.imagenet.file}"]
    assert found.path == again.path == keras_home / "models" / RESNET50.imagenet.file
    assert found.summary.fingerprint == hashlib.sha256(server.body).hexdigest()
    assert steps[-1] == (len(server.body), len(server.body))
    assert again.kind == "imagenet"
    assert "cache" in again.summary.reason
    assert [path.name for path in found.path.parent.iterdir()] == [RESNET50.imagenet.file]


def test_the_published_file_is_read_by_position_as_keras_does(server: Server, tmp_path: Path) -> None:
    assert_filled(weights.load_arrays(weights.resolve("imagenet", server.backbone, tmp_path)))


def test_auto_says_the_same_whether_the_file_was_fetched_or_found(server: Server, tmp_path: Path) -> None:
    assert (
        weights.resolve("auto", server.backbone, tmp_path).summary
        == weights.resolve("auto", server.backbone, tmp_path).summary
    )


def test_a_file_in_the_cache_that_is_not_the_published_one_is_replaced(
    server: Server, keras_home: Path, tmp_path: Path
) -> None:
    cached = keras_home / "models" / RESNET50.imagenet.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"half a download")
    assert weights.resolve("auto", server.backbone, tmp_path).kind == "imagenet"
    assert cached.read_bytes() == server.body


def test_a_file_in_the_cache_that_is_not_the_published_one_is_kept_if_no_other_can_be_had(
    keras_home: Path, tmp_path: Path
) -> None:
    cached = keras_home / "models" / RESNET50.imagenet.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"half a download")
    assert weights.resolve("auto", RESNET50, tmp_path).kind == "embedded"
    assert cached.read_bytes() == b"half a download"
    with pytest.raises(BadInput, match="is not the published file"):
        weights.resolve("imagenet", RESNET50, tmp_path)


def break_body(server: Server) -> None:
    server.body = server.body[:-1] + b"?"


def break_length(server: Server) -> None:
    server.body, server.promised = server.body[:1000], len(server.body)


def break_status(server: Server) -> None:
    server.status = 404


def break_answer(server: Server) -> None:
    server.silent.clear()


@pytest.mark.parametrize("fault", [break_body, break_length, break_status, break_answer])
def test_a_bad_download_leaves_nothing_behind_and_the_embedded_weights_are_used(
    fault: Any, server: Server, keras_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 0.3)
    fault(server)
    found = weights.resolve("auto", server.backbone, tmp_path)
    assert found.kind == "embedded"
    assert found.summary.requested == "auto"
    assert "could" in found.summary.reason
    assert server.url in found.detail
    assert len(server.asked) == 1
    assert list((keras_home / "models").iterdir()) == []


def test_a_download_that_creeps_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "DOWNLOAD_SECONDS", -1.0)
    assert weights.resolve("auto", server.backbone, tmp_path).kind == "embedded"


def test_the_reason_holds_nothing_of_this_machine(keras_home: Path, tmp_path: Path) -> None:
    found = weights.resolve("auto", RESNET50, tmp_path)
    text = found.summary.model_dump_json()
    assert found.summary.reason
    assert str(tmp_path) not in text
    assert "127.0.0.1" not in text


def memory_of(store: Path) -> Path:
    (path,) = (store / "weights").iterdir()
    assert "ResNet50" in path.name
    return path


def test_auto_remembers_a_failed_download_for_a_day(server: Server, tmp_path: Path) -> None:
    break_status(server)
    first, second = (
        weights.resolve("auto", server.backbone, tmp_path),
        weights.resolve("auto", server.backbone, tmp_path),
    )
    assert len(server.asked) == 1
    assert first == second
    memory = memory_of(tmp_path)
    table = json.loads(memory.read_text())
    memory.write_text(json.dumps(table | {"at": time.time() - downloads.RETRY_SECONDS - 60}))
    weights.resolve("auto", server.backbone, tmp_path)
    assert len(server.asked) == 2


def test_another_address_or_a_broken_memory_is_tried_at_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(downloads.URL_VARIABLE, "http://127.0.0.1:9/closed/")
    assert weights.resolve("auto", server.backbone, tmp_path).kind == "embedded"
    monkeypatch.setenv(downloads.URL_VARIABLE, server.url)
    break_status(server)
    weights.resolve("auto", server.backbone, tmp_path)
    memory_of(tmp_path).write_text("[]")
    weights.resolve("auto", server.backbone, tmp_path)
    assert len(server.asked) == 2


def test_imagenet_by_name_is_tried_in_spite_of_the_memory(server: Server, tmp_path: Path) -> None:
    server.status = 503
    weights.resolve("auto", server.backbone, tmp_path)
    server.status = 200
    assert weights.resolve("imagenet", server.backbone, tmp_path).kind == "imagenet"


def test_without_download_the_network_is_left_alone(server: Server, tmp_path: Path) -> None:
    assert weights.resolve("auto", server.backbone, tmp_path, download=False).kind == "embedded"
    with pytest.raises(BadInput, match="not tried"):
        weights.resolve("imagenet", server.backbone, tmp_path, download=False)
    assert server.asked == []
    assert list(tmp_path.glob("weights/*")) == []


def test_imagenet_without_network_names_address_place_and_choices(keras_home: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        weights.resolve("imagenet", RESNET50, tmp_path)
    message = str(caught.value)
    assert f"http://127.0.0.1:9/closed/{RESNET50.imagenet.file}" in message
    assert str(keras_home / "models" / RESNET50.imagenet.file) in message
    for choice in ("embedded", "random", ".weights.h5", ".keras"):
        assert choice in message
    assert "\n" not in message


# ---- Files ----------------------------------------------------------------------------------------------


def test_a_keras_2_file_is_read_by_name(tmp_path: Path) -> None:
    path = write_keras_2(tmp_path / "mine.h5")
    found = weights.resolve(str(path), RESNET50, tmp_path)
    assert (found.kind, found.summary.name, found.summary.requested) == ("file", "mine.h5", "mine.h5")
    assert found.summary.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()
    assert_filled(weights.load_arrays(found))


def test_a_keras_3_weights_file_and_a_keras_archive_are_read_by_name(tmp_path: Path) -> None:
    plain, archive = tmp_path / "mine.weights.h5", tmp_path / "mine.keras"
    write_keras_3(plain)
    with zipfile.ZipFile(archive, "w") as file:
        file.write(plain, "model.weights.h5")
    for path in (plain, archive):
        assert_filled(weights.load_arrays(weights.resolve(str(path), RESNET50, tmp_path)))


def test_the_same_bytes_are_looked_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_keras_2(tmp_path / "mine.h5")
    first = weights.resolve(str(path), RESNET50, tmp_path / "store")
    monkeypatch.setattr(weight_files, "check", None)
    assert weights.resolve(str(path), RESNET50, tmp_path / "store") == first


def test_a_wrong_shape_is_refused(tmp_path: Path) -> None:
    changes = {"conv3_block2_2_bn/gamma": np.zeros(64, np.float32)}
    path = write_keras_2(tmp_path / "mine.h5", **changes)
    with pytest.raises(BadInput, match=r"mine\.h5: conv3_block2_2_bn/gamma is float32 \(64,\), not .* \(128,\)"):
        weights.resolve(str(path), RESNET50, tmp_path)


def test_whole_numbers_are_refused(tmp_path: Path) -> None:
    path = write_keras_2(tmp_path / "mine.h5", **{"conv1_bn/beta": np.zeros(64, np.int32)})
    with pytest.raises(BadInput, match=r"mine\.h5: conv1_bn/beta is int32"):
        weights.resolve(str(path), RESNET50, tmp_path)


def test_another_network_is_refused(tmp_path: Path) -> None:
    path = write_keras_2(tmp_path / "mine.h5", prefix="other_")
    with pytest.raises(BadInput, match=r"mine\.h5: not .* ResNet50 .* conv1_conv/kernel is missing \(318 of 318"):
        weights.resolve(str(path), RESNET50, tmp_path)


def test_nan_is_refused_when_the_file_is_read(tmp_path: Path) -> None:
    path = write_keras_2(tmp_path / "mine.h5", **{"conv1_bn/beta": np.full(64, np.nan, np.float32)})
    found = weights.resolve(str(path), RESNET50, tmp_path)
    with pytest.raises(BadInput, match=r"mine\.h5: conv1_bn/beta holds NaN"):
        weights.load_arrays(found)


def zip_of(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr(name, b"no HDF5")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.h5", b"not HDF5"),
        ("empty.weights.h5", b""),
        ("text.keras", b"not a zip file"),
        ("without.keras", zip_of("config.json")),
        ("inner.keras", zip_of("model.weights.h5")),
    ],
)
def test_an_unreadable_file_is_refused_by_name(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput, match=rf"{name}: not a readable weights file"):
        weights.resolve(str(path), RESNET50, tmp_path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_files, "MOST_BYTES", 3)
    path = tmp_path / "big.keras"
    path.write_bytes(zip_of("model.weights.h5"))
    with pytest.raises(BadInput, match=r"big\.keras: .* unpack to 7 bytes, more than 3"):
        weights.resolve(str(path), RESNET50, tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.h5: .* cannot be read"):
        weights.resolve(str(tmp_path / "gone.h5"), RESNET50, tmp_path)


# ---- Other networks -------------------------------------------------------------------------------------


def filled(backbone: Backbone, path: Path, *, published: bool, **changes: Any) -> Path:
    """A Keras 2 file of a network, its n-th array filled with n; `published` with other names than Keras' own."""
    layers = dict.fromkeys(name.split("/")[0] for name in backbone.shapes)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        groups = {layer: file.create_group(layer) for layer in layers}
        written: dict[str, list[bytes]] = {layer: [] for layer in layers}
        for number, (name, shape) in enumerate(backbone.shapes.items()):
            layer, variable = name.split("/")
            stored = f"old_{variable}:0" if published else f"{changes.get(variable, variable)}:0"
            array = np.full(shape, number, np.float32 if shape else np.int64)
            groups[layer].create_dataset(f"{layer}/{stored}", data=array, compression=1 if array.ndim > 1 else None)
            written[layer].append(f"{layer}/{stored}".encode())
        for layer, names in written.items():
            groups[layer].attrs["weight_names"] = names
    return path


def test_a_network_without_embedded_weights_needs_a_choice_where_there_is_no_connection(
    keras_home: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        BadInput, match="no weights of MobileNetV2 come with the project, and no others are here"
    ) as auto:
        weights.resolve("auto", MOBILENETV2, tmp_path)
    message = str(auto.value)
    assert MOBILENETV2.imagenet.file in message
    assert "choose --weights random or a file" in message
    assert "embedded" not in message
    with pytest.raises(BadInput, match="come with the project; choose --weights imagenet, random or a file"):
        weights.resolve("embedded", MOBILENETV2, tmp_path)
    assert weights.resolve("random", MOBILENETV2, tmp_path).kind == "random"


def test_a_failed_download_of_one_network_is_no_reason_not_to_try_another(server: Server, tmp_path: Path) -> None:
    break_status(server)
    weights.resolve("auto", server.backbone, tmp_path)
    with pytest.raises(BadInput):
        weights.resolve("auto", MOBILENETV2, tmp_path)
    assert len(server.asked) == 2


def test_a_file_whose_hash_nobody_knows_is_known_by_what_is_in_it(
    server: Server, keras_home: Path, tmp_path: Path
) -> None:
    server.body = filled(MOBILENETV2, tmp_path / "published.h5", published=True).read_bytes()
    found = weights.resolve("imagenet", MOBILENETV2, tmp_path)
    assert found.path == keras_home / "models" / MOBILENETV2.imagenet.file
    arrays = weights.load_arrays(found)
    assert [array.flat[0] for array in arrays.values()] == list(range(len(MOBILENETV2.shapes)))
    server.body = filled(EFFICIENTNETB0, tmp_path / "other.h5", published=True).read_bytes()
    found.path.unlink()
    with pytest.raises(BadInput, match="what came does not hold the weights of MobileNetV2"):
        weights.resolve("imagenet", MOBILENETV2, tmp_path)
    assert list(found.path.parent.iterdir()) == []


def test_the_published_file_is_known_under_any_name_and_read_as_keras_does(tmp_path: Path) -> None:
    """EfficientNetB0's holds deviations where the network has variances."""
    path = filled(EFFICIENTNETB0, tmp_path / "mine.h5", published=True)
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    backbone = replace(EFFICIENTNETB0, imagenet=replace(EFFICIENTNETB0.imagenet, digest=md5))
    found = weights.resolve(str(path), backbone, tmp_path)
    assert (found.kind, found.summary.name) == ("imagenet", "mine.h5")
    arrays = weights.load_arrays(found)
    assert arrays["normalization/mean"].tolist() == [0, 0, 0]
    assert arrays["normalization/variance"].tolist() == pytest.approx([0.229, 0.224, 0.225])
    assert arrays["normalization/count"].shape == ()


def test_a_file_of_one_network_is_refused_for_another(tmp_path: Path) -> None:
    path = filled(MOBILENETV2, tmp_path / "mine.h5", published=False)
    weights.resolve(str(path), MOBILENETV2, tmp_path)
    with pytest.raises(BadInput, match=r"mine\.h5: not the weights of EfficientNetB0 without its top"):
        weights.resolve(str(path), EFFICIENTNETB0, tmp_path)


def test_a_kernel_is_found_by_the_name_that_keras_2_gave_it(tmp_path: Path) -> None:
    path = filled(MOBILENETV2, tmp_path / "mine.h5", published=False, kernel="depthwise_kernel")
    arrays = weights.load_arrays(weights.resolve(str(path), MOBILENETV2, tmp_path))
    assert [array.flat[0] for array in arrays.values()] == list(range(len(MOBILENETV2.shapes)))
