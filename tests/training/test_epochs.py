"""Training for real on tiny inputs: the shortcuts give what the whole model gives, and resuming changes nothing."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")

from generator.backbones.resnet50 import RESNET50  # noqa: E402
from generator.backbones.weights import resolve  # noqa: E402
from generator.data.dataset import Dataset, Sample  # noqa: E402
from generator.experiment.config.settings import Fill, FineTuningSettings, PhaseSettings  # noqa: E402
from generator.experiment.outcomes import Epoch  # noqa: E402
from generator.experiment.task import task_for  # noqa: E402
from generator.stages import artifacts, learning, workspace  # noqa: E402
from generator.stages.job import Job  # noqa: E402
from generator.stages.workspace import Workspace  # noqa: E402
from generator.support.errors import BuildFailed, Diverged  # noqa: E402
from generator.support.hardware import Precision  # noqa: E402
from generator.support.places import ROOT  # noqa: E402
from generator.training import checkpoints, network  # noqa: E402  # needs TensorFlow
from generator.training import epochs as training  # noqa: E402  # needs TensorFlow
from generator.training.batches import augmentation_layers, batches, derived_seed, preprocess_input_of, shuffled  # noqa: E402
from generator.training.epochs import EpochBatches, Phase, reseed, train  # noqa: E402
from generator.training.folding import fold  # noqa: E402
from tests.training import shortened  # noqa: E402

if TYPE_CHECKING:
    import tensorflow as tf

SIZE, IMAGES, BATCH = 32, 10, 4
TRAINED = 34
"""The first layer that is fine-tuned: in the middle of the third group's block, as ResNet50's 100th is."""

RATE = 1e-6
"""At which fine-tuning these images by plain gradient descent lowers the loss in every epoch.

A thousand times as fast it jumps from 40 to 0.7 and back to 16, and what another processor rounds otherwise grows
with it: two ways of computing one thing are compared where neither runs away.
"""


class Stop(Exception):
    """Raised by a report to end a run in the middle."""


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    return np.arange(IMAGES) % 2


def phase(folder: Path, name: str = "head", epochs: int = 3, rate: float = 1e-3) -> Phase:
    settings = PhaseSettings(optimizer="adam", learning_rate=rate, epochs=epochs)
    return Phase(name, settings, 1, 0, folder / f"{name}.npz")


def fresh_base() -> "keras.Model":
    """A frozen ResNet50 of one block a group, where that has three to six; its layers have the same names.

    What is shown here is the same however many there are, and nearly all of the time goes into tracing them.
    ResNet50 itself is held to Keras in `test_backbones`, and passed in the jobs of stages below.
    """
    keras.utils.set_random_seed(3)
    base = shortened.resnet(SIZE)
    base.trainable = False
    return base


def fresh_upper(prepared: np.ndarray, precision: Precision = "float32") -> tuple["keras.Model", np.ndarray]:
    """What fine-tuning trains, the network above the cut with a fresh head, and what the lower part gives it."""
    base = fresh_base()
    cut = network.cut_point(base, TRAINED)
    assert cut == "conv3_block1_out"
    stored = np.asarray(fold(network.below(base, cut))(prepared))
    network.unfreeze(base, TRAINED)
    return network.connect(network.above(base, cut), fresh_head(0.0), precision=precision), stored


def fresh_head(dropout: float) -> network.Head:
    # Before the layers are made: an initialiser takes its seed then, not when the layer is built.
    keras.utils.set_random_seed(4)
    head = network.build_head(dropout)
    head.dense.build((None, 2048))
    return head


class KerasInference(keras.Model):
    """The network as Keras itself computes it, with nothing of the project's."""

    def call(self, inputs: object, training: object = None, mask: object = None) -> object:
        return super().call(inputs, training=False, mask=mask)


def keras_connect(base: "keras.Model", head: network.Head) -> "keras.Model":
    """As `network.connect`, but by Keras' own layers."""
    inputs = keras.Input(base.input_shape[1:])
    x = KerasInference(base.input, base.output)(inputs)
    return keras.Model(inputs, head.dense(head.dropout(head.pooling(x))))


def in_order(store: np.ndarray, labels: np.ndarray, name: str = "head") -> EpochBatches:
    def of(epoch: int) -> object:
        order = shuffled(range(len(labels)), derived_seed(0, f"{name} order", epoch))
        return batches(store, labels, order, BATCH)

    return of  # type: ignore[return-value]


def losses(history: list[Epoch]) -> list[tuple[float, float]]:
    return [(epoch.loss, epoch.val_loss) for epoch in history]


def assert_falling(history: list[Epoch]) -> None:
    """Both losses fall in every epoch: the training is well conditioned, and it learns."""
    assert (np.diff(losses(history), axis=0) < 0).all(), losses(history)


def flat(variables: list[Any]) -> np.ndarray:
    """Every number of the variables, float64 (n,)."""
    return np.concatenate([variable.numpy().ravel().astype(np.float64) for variable in variables])


def test_the_head_on_stored_features_is_the_head_of_the_frozen_model(
    images: np.ndarray, labels: np.ndarray, tmp_path: Path
) -> None:
    base, prepared = fresh_base(), np.asarray(preprocess_input_of("resnet50")(images.astype(np.float32)))
    pooling = keras.Model(base.input, keras.layers.GlobalAveragePooling2D()(base.output))
    pooled = np.asarray(fold(pooling)(prepared))

    def run(model: "keras.Model", given: np.ndarray, folder: str) -> list[Epoch]:
        where = phase(tmp_path / folder, rate=1e-5)
        return train(model, where, in_order(given, labels), in_order(given, labels), print)

    long_way = run(keras_connect(base, fresh_head(0.0)), prepared, "whole")
    shortcut = run(network.connect_head(fresh_head(0.0), 2048), pooled, "head")
    assert_falling(long_way)
    np.testing.assert_allclose(losses(shortcut), losses(long_way), rtol=1e-4)


def test_fine_tuning_above_the_cut_is_fine_tuning_the_whole_model(
    images: np.ndarray, labels: np.ndarray, tmp_path: Path
) -> None:
    # Plain gradient descent: RMSprop's first steps follow the sign of a gradient, so that rounding decides where
    # it is nearly zero, and two runs of the same mathematics part.
    settings = FineTuningSettings(optimizer="sgd", learning_rate=RATE, epochs=2, from_layer=TRAINED)
    prepared = np.asarray(preprocess_input_of("resnet50")(images.astype(np.float32)))

    base = fresh_base()
    network.unfreeze(base, settings.from_layer)
    whole = keras_connect(base, fresh_head(0.0))
    run = Phase("fine_tuning", settings, 3, 0, tmp_path / "whole.npz")
    long_way = train(whole, run, in_order(prepared, labels), in_order(prepared, labels), print)

    upper, stored = fresh_upper(prepared)
    run = Phase("fine_tuning", settings, 3, 0, tmp_path / "upper.npz")
    shortcut = train(upper, run, in_order(stored, labels), in_order(stored, labels), print)

    assert_falling(long_way)
    np.testing.assert_allclose(losses(shortcut), losses(long_way), rtol=1e-4)


@pytest.mark.precision
@pytest.mark.bfloat16
def test_fine_tuning_in_bfloat16_follows_float32_and_keeps_its_variables_in_float32(
    images: np.ndarray, labels: np.ndarray, tmp_path: Path
) -> None:
    settings = FineTuningSettings(optimizer="sgd", learning_rate=RATE, epochs=3, from_layer=TRAINED)
    prepared = np.asarray(preprocess_input_of("resnet50")(images.astype(np.float32)))

    def run(precision: Literal["float32", "bfloat16"]) -> tuple[list[Epoch], np.ndarray]:
        """The history, and by how much the training moved each number of the variables, (n,)."""
        model, stored = fresh_upper(prepared, precision)
        assert {v.dtype for v in model.trainable_variables} == {"float32"}
        before = flat(model.trainable_variables)
        where = Phase("fine_tuning", settings, 3, 0, tmp_path / f"{precision}.npz")
        history = train(model, where, in_order(stored, labels), in_order(stored, labels), print)
        assert {v.dtype for v in model.trainable_variables} == {"float32"}
        return history, flat(model.trainable_variables) - before

    (exact, moved), (fast, followed) = run("float32"), run("bfloat16")
    assert_falling(exact)
    assert losses(fast) != losses(exact)
    np.testing.assert_allclose(losses(fast), losses(exact), rtol=0.03)
    assert np.linalg.norm(followed - moved) < 0.1 * np.linalg.norm(moved)


MIRRORED = """
import sys, tensorflow as tf
[processor] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from generator.training import sharing
from tests.training import test_epochs
test_epochs.print_losses(sharing.Mirrored(["CPU:0", "CPU:1"]))
test_epochs.print_losses(tf.distribute.get_strategy())
"""


def print_losses(strategy: "tf.distribute.Strategy") -> None:
    """Fine-tune a tiny set for two epochs on the devices of `strategy`."""
    draw = np.random.default_rng(1)
    prepared, labels = draw.normal(0, 50, (IMAGES, SIZE, SIZE, 3)).astype(np.float32), np.arange(IMAGES) % 2
    settings = FineTuningSettings(optimizer="sgd", learning_rate=RATE, epochs=2, from_layer=TRAINED)
    keras.backend.clear_session()
    with strategy.scope(), tempfile.TemporaryDirectory() as folder:
        model, stored = fresh_upper(prepared)
        run = Phase("fine_tuning", settings, 3, 0, Path(folder) / "checkpoint.npz")
        history = train(model, run, in_order(stored, labels), in_order(stored, labels), lambda figures: None)
    print(json.dumps([(e.loss, e.accuracy, e.val_loss, e.val_accuracy) for e in history]))


def test_two_devices_train_as_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED], capture_output=True, text=True, check=False, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr
    two, one = map(json.loads, done.stdout.splitlines()[-2:])
    np.testing.assert_allclose(two, one, rtol=1e-4)
    assert one[0] != one[1]


def test_batch_normalisation_keeps_its_statistics_while_its_layers_are_trained(
    images: np.ndarray, labels: np.ndarray, tmp_path: Path
) -> None:
    """Keras hands `training=True` to nested models; the base must not take it."""
    prepared = np.asarray(preprocess_input_of("resnet50")(images.astype(np.float32)))
    model, stored = fresh_upper(prepared)
    base = model.get_layer("above_cut")
    before = [v.numpy() for v in base.non_trainable_variables]
    gamma = base.layers[-3].trainable_variables[0].numpy()
    run = phase(tmp_path, epochs=1, rate=1e-5)
    history = train(model, run, in_order(stored, labels), in_order(stored, labels), print)
    assert before
    assert all((v.numpy() == old).all() for v, old in zip(base.non_trainable_variables, before, strict=True))
    assert (base.layers[-3].trainable_variables[0].numpy() != gamma).any(), "nothing was trained"
    logits = np.asarray(model(stored, training=False))[:, 0]
    again = np.mean(np.logaddexp(0, logits) - labels * logits)
    assert again == pytest.approx(history[-1].val_loss, rel=1e-4), "what was trained is not what is kept"


def test_a_resumed_run_is_the_uninterrupted_run_bit_for_bit(labels: np.ndarray, tmp_path: Path) -> None:
    features = np.random.default_rng(2).random((IMAGES, 16), dtype=np.float32)

    def run(folder: str, stop_in: int | None = None) -> tuple[list[Epoch], np.ndarray]:
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        model = network.connect_head(network.build_head(0.5), 16)

        def report(figures: dict[str, float]) -> None:
            if figures["epoch"] == stop_in and "val_loss" not in figures:
                raise Stop

        where = phase(tmp_path / folder, epochs=4)
        history = train(model, where, in_order(features, labels), in_order(features, labels), report)
        return history, model.get_weights()[0]

    straight, weights = run("straight")
    for stop_in in (2, 4):
        with pytest.raises(Stop):
            run("resumed", stop_in)
    resumed, again = run("resumed")
    assert resumed == straight
    assert (again == weights).all()


def test_a_loss_that_is_no_number_any_more_ends_the_training(labels: np.ndarray, tmp_path: Path) -> None:
    features = np.full((IMAGES, 16), np.inf, dtype=np.float32)
    model = network.connect_head(network.build_head(0.0), 16)
    with pytest.raises(Diverged, match=r"the loss is not a number any more in epoch 1; lower .*learning_rate"):
        train(model, phase(tmp_path, epochs=2), in_order(features, labels), in_order(features, labels), lambda _: None)


def test_a_checkpoint_that_cannot_be_written_ends_the_training(
    labels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = np.random.default_rng(2).random((IMAGES, 16), dtype=np.float32)
    seen: list[float] = []

    def refuse(*_: object) -> None:
        raise BuildFailed("disk full")

    def report(figures: dict[str, float]) -> None:
        seen.append(figures["epoch"])

    monkeypatch.setattr(checkpoints, "write_checkpoint", refuse)
    for epochs in (1, 3):
        model = network.connect_head(network.build_head(0.0), 16)
        where = phase(tmp_path, epochs=epochs)
        with pytest.raises(BuildFailed, match="disk full"):
            train(model, where, in_order(features, labels), in_order(features, labels), report)
    # The second training noticed at its second checkpoint, not at its end.
    assert max(seen) == 2


def test_the_best_epochs_weights_are_kept_after_a_resume_too(labels: np.ndarray, tmp_path: Path) -> None:
    """Validated against the opposite labels the first epoch is the best; the training is cut off behind it."""
    features = np.random.default_rng(2).random((IMAGES, 16), dtype=np.float32)
    settings = PhaseSettings(optimizer="sgd", learning_rate=0.9, epochs=9, keep="best", patience=3)

    def run(folder: Path, cut_off: int = 0) -> tuple[list[Epoch], np.ndarray, float]:
        def report(figures: dict[str, float]) -> None:
            if cut_off and figures.get("epoch") == cut_off and "val_loss" in figures:
                raise KeyboardInterrupt

        folder.mkdir(exist_ok=True)
        keras.utils.set_random_seed(5)
        model = network.connect_head(network.build_head(0.0), 16)
        batches, backwards = in_order(features, labels), in_order(features, 1 - labels)
        phase = Phase("head", settings, 1, 0, folder / "head.npz")
        history = train(model, phase, batches, backwards, report)
        left = training.evaluate_epoch(model, backwards(1))
        return history, flat(model.trainable_variables), left["loss"]

    history, weights, loss = run(tmp_path / "whole")
    # Three more follow: as many as patience waits for.
    assert len(history) == 4
    assert loss == pytest.approx(history[0].val_loss, rel=1e-6)
    assert loss < history[-1].val_loss
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", cut_off=3)
    resumed, same_weights, _ = run(tmp_path / "cut")
    assert resumed == history
    np.testing.assert_array_equal(same_weights, weights)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_what_a_checkpoint_holds_stays_while_training_goes_on(
    optimizer: Literal["adam", "rmsprop", "sgd"], labels: np.ndarray
) -> None:
    features = np.random.default_rng(2).random((IMAGES, 16), dtype=np.float32)
    model = network.connect_head(network.build_head(0.0), 16)
    training.compile_model(model, PhaseSettings(optimizer=optimizer, learning_rate=0.1, epochs=1))
    model.train_on_batch(features, labels[:, None])

    arrays, _ = checkpoints.contents(model, [])
    copies = {name: array.copy() for name, array in arrays.items()}
    model.train_on_batch(features, labels[:, None])
    assert all(np.array_equal(array, copies[name]) for name, array in arrays.items())
    later, _ = checkpoints.contents(model, [])
    assert not np.array_equal(later["model/0"], copies["model/0"])


def test_several_classes_are_trained_by_their_cross_entropy(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    labels = np.arange(12) % 3
    features = (np.eye(3)[labels] @ draw.normal(size=(3, 16)) + draw.normal(0, 0.1, (12, 16))).astype(np.float32)
    keras.utils.set_random_seed(5)
    model = network.connect_head(network.build_head(0.0, outputs=3), 16)
    run = phase(tmp_path, epochs=30, rate=0.05)
    history = train(model, run, in_order(features, labels), in_order(features, labels), lambda figures: None)
    assert_falling(history[:3])
    assert history[-1].val_accuracy == 1.0
    logits = np.asarray(model(features), np.float64)
    expected = task_for(3).losses(logits, labels).mean()
    assert history[-1].val_loss == pytest.approx(expected, rel=1e-4)


def test_a_broken_checkpoint_means_from_the_beginning(labels: np.ndarray, tmp_path: Path) -> None:
    features = np.random.default_rng(2).random((IMAGES, 16), dtype=np.float32)

    def run() -> list[Epoch]:
        keras.utils.set_random_seed(5)
        model = network.connect_head(network.build_head(0.5), 16)
        return train(model, phase(tmp_path), in_order(features, labels), in_order(features, labels), print)

    first = run()
    path = tmp_path / "head.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert run() == first


def test_fault_44_a_loss_that_is_no_number_names_the_phase_and_the_rate(labels: np.ndarray, tmp_path: Path) -> None:
    features = np.full((IMAGES, 16), np.inf, np.float32)
    model = network.connect_head(network.build_head(0.0), 16)
    with pytest.raises(BuildFailed, match=r"head: the loss is not a number .* head\.learning_rate"):
        train(model, phase(tmp_path), in_order(features, labels), in_order(features, labels), print)


def make_job(stage: str, folder: Path, settings: dict[str, Any], **given: Any) -> Job:
    """A job of the stage whose inputs are the folders below `folder`; its files go to `folder / stage`."""
    return Job(
        stage=stage,
        label=stage,
        runs=f"generator.stages.learning:{stage}",
        tensorflow=True,
        settings={"data.image_size": SIZE, "data.batch_size": BATCH, "model.preprocess": True, **settings},
        given={"backbone": RESNET50, "weights": resolve("embedded", RESNET50, folder), **given},
        inputs={path.name: path for path in folder.iterdir() if path.is_dir()},
        checkpoint=folder / "checkpoint",
    )


def make_dataset(labels: np.ndarray) -> Dataset:
    """Training images alone."""
    train = tuple(Sample(Path(f"{i}.png"), f"train/{label}/{i}.png", int(label), "") for i, label in enumerate(labels))
    return Dataset(
        root=Path(), source="", kind="folder", class_names=("0", "1"), train=train, test=(), fingerprint="", ignored={}
    )


def test_the_base_is_as_new_for_every_stage_of_a_process(tmp_path: Path) -> None:
    job = make_job("features", tmp_path, {})
    base = Workspace(job).base
    weights = base.get_weights()
    keras.Model(base.input, keras.layers.GlobalAveragePooling2D()(base.output))
    network.unfreeze(base, 100)
    base.set_weights([array + 1 for array in weights])

    again = Workspace(job).base
    assert again is base
    assert not again.trainable_variables
    assert all(map(np.array_equal, again.get_weights(), weights))
    assert network.cut_point(again, len(again.layers)) == again.layers[-1].name


def run_stage(stage: str, store: Path, out: Path, settings: dict[str, Any], **given: Any) -> None:
    out.mkdir()
    workspace.run(make_job(stage, store, settings, **given), out, lambda figures: None)


def pooled(folder: Path) -> bytes:
    return (folder / artifacts.POOLED).read_bytes()


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.bfloat16)])
@pytest.mark.parametrize("from_layer", [0, 40, 100, 174])
def test_features_are_the_same_bits_from_the_outputs_at_the_cut(
    images: np.ndarray, labels: np.ndarray, tmp_path: Path, from_layer: int, precision: Precision
) -> None:
    """Their key does not name the cut, so nothing about them may depend on it."""
    store = tmp_path / "store"
    (store / "pixels").mkdir(parents=True)
    np.save(store / "pixels" / artifacts.PIXELS, images)
    given = {"dataset": make_dataset(labels), "precision": precision}
    settings = {"fine_tuning.from_layer": from_layer, "data.max_stored_bytes": 2**30}
    run_stage("features", store, tmp_path / "whole", {}, **given)
    run_stage("cut", store, store / "cut", settings, **given)
    between = images.copy()
    between[BATCH : (len(images) - 1) // BATCH * BATCH] = 0
    np.save(store / "pixels" / artifacts.PIXELS, between)  # Read again are the first and the last batch alone.
    run_stage("features", store, tmp_path / "upper", {}, **given)
    assert pooled(tmp_path / "whole") == pooled(tmp_path / "upper")
    assert np.load(tmp_path / "whole" / artifacts.POOLED).std() > 0


@pytest.mark.parametrize("place", [0, -1])
def test_where_the_outputs_at_the_cut_give_other_features_the_images_do(
    images: np.ndarray, labels: np.ndarray, tmp_path: Path, place: int
) -> None:
    """As some networks do where the cut parts a convolution from its normalisation."""
    store = tmp_path / "store"
    (store / "pixels").mkdir(parents=True)
    np.save(store / "pixels" / artifacts.PIXELS, images)
    given = {"dataset": make_dataset(labels), "precision": "float32"}
    settings = {"fine_tuning.from_layer": TRAINED, "data.max_stored_bytes": 2**30}
    with shortened.in_stages():
        run_stage("features", store, tmp_path / "whole", {}, **given)
        run_stage("cut", store, store / "cut", settings, **given)
        outputs = np.load(store / "cut" / artifacts.OUTPUTS)
        outputs[place] *= 1.01
        np.save(store / "cut" / artifacts.OUTPUTS, outputs)
        run_stage("features", store, tmp_path / "upper", {}, **given)
    assert pooled(tmp_path / "whole") == pooled(tmp_path / "upper")


def stored(images: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """Store the images, doubled, as a stage stores the outputs of a frozen part."""
    source = batches(images, labels, np.arange(len(images)), BATCH)
    outputs = ((2 * batch, targets) for batch, targets in source)
    learning.store_outputs(outputs, images.shape, path, lambda figures: None)


def test_outputs_are_stored_in_order_as_one_array(images: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
    stored(images, labels, tmp_path / "outputs.npy")
    found = np.lib.format.open_memmap(tmp_path / "outputs.npy", mode="r")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, 2.0 * images)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_fault_33_outputs_on_a_full_disk_are_an_error_and_no_killed_process(
    images: np.ndarray, labels: np.ndarray
) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        stored(images, labels, Path("/dev/full"))


def test_each_batch_size_has_a_graph_of_its_own(images: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
    """A graph whose number of images is left open is not repeatable in bfloat16."""
    pooled = np.random.default_rng(0).normal(size=(IMAGES, 2048)).astype(np.float32)
    model = network.connect_head(fresh_head(0.2), 2048)
    train(model, phase(tmp_path, epochs=2), in_order(pooled, labels), in_order(pooled, labels), print)
    for kind, step in (("train_function", model.train_on_batch), ("test_function", model.test_on_batch)):
        graphs: dict[int, object] = {}
        for size in (BATCH, IMAGES % BATCH, BATCH):
            step(pooled[:size], labels[:size])
            assert graphs.setdefault(size, getattr(model, kind)) is getattr(model, kind)
        assert graphs[BATCH] is not graphs[IMAGES % BATCH]


def test_what_a_rotation_uncovers_is_filled_as_set() -> None:
    """In a black image only the fill can be white; in a ramp a mirrored corner differs from a drawn-out one."""
    black = np.zeros((1, 32, 32, 3), np.float32)
    corners = {fill: augmentation_layers(0.2, fill, seed=3)(black, training=True).numpy() for fill in get_args(Fill)}
    assert corners["white"].max() == 255
    assert corners["reflect"].max() == corners["nearest"].max() == 0
    ramp = np.broadcast_to(np.linspace(0, 255, 32, dtype=np.float32)[None, None, :, None], (1, 32, 32, 3))
    turned = [augmentation_layers(0.2, fill, seed=3)(ramp, training=True).numpy() for fill in ("reflect", "nearest")]
    assert not np.array_equal(*turned)


def test_reseeded_augmentation_is_a_fresh_one(images: np.ndarray) -> None:
    used, fresh = augmentation_layers(0.2, "reflect", seed=0), augmentation_layers(0.2, "reflect", seed=7)
    used(images, training=True)
    reseed(used, 7)
    for _ in range(2):
        np.testing.assert_array_equal(used(images, training=True), fresh(images, training=True))


def test_random_layers_that_are_reseeded_together_draw_apart() -> None:
    ones = np.ones((8, 64), np.float32)
    inputs = keras.Input((64,))
    model = keras.Model(inputs, [keras.layers.Dropout(0.5)(inputs) for _ in range(2)])
    reseed(model, 7)
    first, second = model(ones, training=True)
    later, _ = model(ones, training=True)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, later)
