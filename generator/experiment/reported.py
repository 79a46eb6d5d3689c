"""What the original write-up reported, as plain data beside which to print what a build found.

`REPORTED` follows the shape of the results: variant → phase or split → metric. Nothing here is measured by
this project.
"""

from types import MappingProxyType
from typing import Any, Final

REPORTED: Final = MappingProxyType[str, Any](
    {
        "course": "COSC 6373",
        "before": {"loss": 0.6686, "accuracy": 0.5312},
        "variants": {
            "baseline": {
                "head": {"loss": 0.2564, "accuracy": 0.9020, "val_loss": 0.2330, "val_accuracy": 0.9062},
                "fine_tuning": {
                    "loss": 1.8288e-04, "accuracy": 1.0, "val_loss": 1.9273e-05, "val_accuracy": 1.0,
                },
            },
            "augmentation": {
                "head": {"loss": 0.4212, "accuracy": 0.8176, "val_loss": 0.3520, "val_accuracy": 0.8906},
                "fine_tuning": {
                    "loss": 0.0854, "accuracy": 0.9595, "val_loss": 0.0624, "val_accuracy": 0.9844,
                },
            },
            "augmentation-no-preprocessing": {
                "head": {"loss": 0.4927, "accuracy": 0.7365, "val_loss": 0.4773, "val_accuracy": 0.8125},
                "fine_tuning": {
                    "loss": 0.1380, "accuracy": 0.9426, "val_loss": 0.1083, "val_accuracy": 0.9688,
                },
            },
        },
        "test": {"loss": 0.3859, "accuracy": 0.8750, "wrong": 5, "total": 40},
        # Read off the confusion matrices of its figures: rows are the predicted class, columns the actual one.
        "tests": {
            "baseline": {"correct": 35, "total": 40, "matrix": [[15, 0], [5, 20]]},
            "augmentation": {"correct": 34, "total": 40, "matrix": [[14, 0], [6, 20]]},
            "augmentation-no-preprocessing": {"correct": 33, "total": 40, "matrix": [[13, 0], [7, 20]]},
        },
        "first_fine_tuning_val_loss": 0.0682,
        "first_perfect_epoch": 33,
        "fine_tuning_epochs": {"announced": 10, "run": 11, "first": 30, "last": 40},
        "class_names": ("camel", "horse"),
        "backbone": "ResNet50",
        "settings": {
            "data.image_size": 224,
            "data.batch_size": 32,
            "model.preprocess": True,
            "model.augment": False,
            "model.rotation": 0.2,
            "model.fill": "reflect",
            "model.dropout": 0.2,
            "head.optimizer": "adam",
            "head.learning_rate": 1e-4,
            "head.epochs": 30,
            "head.keep": "last",
            "head.patience": 0,
            "fine_tuning.optimizer": "rmsprop",
            "fine_tuning.learning_rate": 1e-5,
            "fine_tuning.epochs": 11,
            "fine_tuning.keep": "last",
            "fine_tuning.patience": 0,
            "fine_tuning.from_layer": 100,
        },
        "training_images": 296,
        "validation_images": 64,
        "test_grid": {"shown": 32, "total": 40},
        "prose": {
            "head": {"loss": 0.2691, "accuracy": 0.9122, "val_loss": 0.2502, "val_accuracy": 0.9062},
            "test_accuracy": 0.9250,
        },
    }
)  # fmt: skip
