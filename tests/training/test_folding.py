"""The folded forward pass gives what Keras gives, for networks of several kinds and shapes."""

from functools import lru_cache

import numpy as np
import pytest

pytestmark = pytest.mark.train

SIZE = 64


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def perturb(model, seed=0):
    """Give every variable values of which none is neutral, as training would."""
    draw = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            shape = tuple(variable.shape)
            if variable.name in ("gamma", "moving_variance"):
                variable.assign(draw.uniform(0.5, 1.5, shape))
            elif variable.name in ("beta", "moving_mean", "bias"):
                variable.assign(draw.normal(0, 0.3, shape))
    return model


@lru_cache(maxsize=1)
def base(keras, name):
    keras.utils.set_random_seed(1)
    make = getattr(keras.applications, name)
    return perturb(make(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3)))


def relative_error(model, dtype="float32"):
    """Largest difference from Keras' own forward pass, relative to its largest value."""
    import tensorflow as tf

    from generator.training.folding import fold

    images = np.random.default_rng(2).normal(0, 50, (3, *model.input_shape[1:])).astype(np.float32)
    expected = model(images, training=False).numpy()
    given = tf.function(fold(model, dtype))(tf.constant(images)).numpy()
    assert given.dtype == np.float32
    assert given.shape == expected.shape
    assert np.isfinite(expected).all()
    assert np.abs(expected).max() > 0
    return np.abs(given - expected).max() / np.abs(expected).max()


@pytest.mark.precision
def test_a_base_folds_to_what_keras_computes(keras):
    """Under several instruction sets; `test_backbones` asks it of every network."""
    assert relative_error(base(keras, "ResNet50")) < 1e-4


@pytest.mark.precision
@pytest.mark.bfloat16
@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50"])
def test_bfloat16_agrees_to_its_own_precision(keras, name):
    assert 1e-5 < relative_error(base(keras, name), "bfloat16") < 0.05


def test_every_normalisation_of_resnet50_is_folded(keras):
    import tensorflow as tf

    from generator.training.folding import fold

    model = base(keras, "ResNet50")
    convolutions = sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)
    norms = sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    assert convolutions == norms == 53
    graph = tf.function(fold(model)).get_concrete_function(tf.TensorSpec((1, SIZE, SIZE, 3))).graph
    kinds = {operation.type for operation in graph.get_operations()}
    assert [kind for kind in kinds if "Norm" in kind or kind in ("Mul", "Rsqrt")] == []


def test_parts_of_a_base_fold_like_the_whole(keras):
    from generator.training import network

    whole = base(keras, "ResNet50")
    cut = network.cut_point(whole, 100)
    assert relative_error(network.below(whole, cut)) < 1e-4
    assert relative_error(network.above(whole, cut)) < 1e-4


def test_weights_are_those_of_the_moment_of_folding(keras):
    import tensorflow as tf

    from generator.training.folding import fold

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(inputs)))
    images = tf.random.stateless_normal((2, 8, 8, 3), (1, 2))
    forward, before = fold(model), model(images, training=False).numpy()
    perturb(model)
    np.testing.assert_allclose(forward(images).numpy(), before, rtol=1e-4, atol=1e-5)
    assert np.abs(model(images, training=False).numpy() - before).max() > 0.1


@pytest.mark.precision
def test_gradients_through_the_live_fold_are_those_through_the_layers(keras):
    import tensorflow as tf

    from generator.training import network
    from generator.training.folding import fold

    whole = base(keras, "ResNet50")
    upper = network.above(whole, network.cut_point(whole, 143))
    images = tf.random.stateless_normal((2, *upper.input_shape[1:]), (1, 2))

    def gradients(compute):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(compute(images) ** 2)
        return tape.gradient(loss, [v.value for v in upper.trainable_variables])

    expected = gradients(lambda x: upper(x, training=False))
    given = gradients(fold(upper, live=True))
    assert {v.name for v in upper.trainable_variables} == {"kernel", "bias", "gamma", "beta"}
    for variable, wanted, found in zip(upper.trainable_variables, expected, given, strict=True):
        # A bias before batch normalisation and the shift after it: gradients of every variable are there.
        assert np.abs(found - wanted).max() <= 1e-3 * np.abs(wanted).max(), variable.path


def layers_that_must_not_be_folded(keras):
    """Networks in which a convolution and a normalisation are not one convolution, or not a plain one."""
    layers = keras.layers

    def activated(x):
        return layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(x))

    def used_twice(x):
        x = layers.Conv2D(3, 3, padding="same")(x)
        return layers.Add()([x, layers.BatchNormalization()(x)])

    def shared(x):
        convolution, norm = layers.Conv2D(3, 1, use_bias=False), layers.BatchNormalization(scale=False)
        return norm(convolution(layers.ReLU()(norm(convolution(x)))))

    def grouped(x):
        return layers.BatchNormalization(center=False)(layers.Conv2D(6, 3, groups=3)(x))

    def other_axis(x):
        return layers.BatchNormalization(axis=1)(layers.Conv2D(4, 3)(x))

    def dilated(x):
        return layers.BatchNormalization()(layers.Conv2D(4, 3, dilation_rate=2)(x))

    def repeated_input(x):
        x = layers.Conv2D(4, 3)(x)
        return layers.Multiply()([x, x])

    def arithmetic(x):
        return keras.ops.subtract(5.0, layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2)(x)))

    def broadcast(x):
        x = layers.Conv2D(4, 3)(x)
        return layers.Add()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])

    def dropout(x):
        return layers.Dropout(0.5)(layers.BatchNormalization()(layers.Conv2D(4, 3)(x)))

    return [activated, used_twice, shared, grouped, other_axis, dilated, repeated_input, arithmetic, broadcast, dropout]


@pytest.mark.parametrize("number", range(10))
def test_unusual_networks(keras, number):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((16, 16, 3))
    network = layers_that_must_not_be_folded(keras)[number]
    assert relative_error(perturb(keras.Model(inputs, network(inputs)))) < 1e-4, network.__name__


def test_preprocessing_as_a_convolution_is_the_same_to_the_bit(keras):
    from generator.training.batches import preprocess_input_of
    from generator.training.folding import as_convolution

    preprocess_input = preprocess_input_of("resnet50")
    images = np.random.default_rng(0).uniform(0, 255, (3, 20, 30, 3)).astype(np.float32)
    images[0, 0] = np.arange(90).reshape(30, 3)
    expected = np.asarray(preprocess_input(images.copy()))
    np.testing.assert_array_equal(as_convolution(preprocess_input)(images), expected)


def test_a_model_with_two_outputs_is_refused(keras):
    from generator.training.folding import fold

    inputs = keras.Input((8, 8, 3))
    outputs = [keras.layers.Conv2D(2, 3)(inputs), keras.layers.Conv2D(2, 1)(inputs)]
    with pytest.raises(ValueError, match="one output"):
        fold(keras.Model(inputs, outputs, name="two"))


@pytest.mark.parametrize("live", [False, True])
def test_kernels_of_three_by_three_are_applied_to_tiles_in_float32(keras, live):
    import tensorflow as tf

    from generator.training.folding import fold

    inputs = keras.Input((14, 14, 256))
    model = keras.Model(inputs, keras.layers.Conv2D(256, 3, padding="same")(inputs))

    def products(dtype):
        graph = tf.function(fold(model, dtype, live=live)).get_concrete_function(tf.TensorSpec((1, 14, 14, 256))).graph
        return sum(operation.type == "BatchMatMulV2" for operation in graph.get_operations())

    on_a_processor = not tf.config.list_logical_devices("GPU")
    assert (products("float32") > 0) == on_a_processor
    assert products("bfloat16") == 0
    assert relative_error(model) < 1e-4
