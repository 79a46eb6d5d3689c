"""What `pyproject.toml` cannot say: a package's data lie in `templates/`, beside the packages.

In a checkout they stay where whoever edits them looks; in a wheel they are `generator/templates/`.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["generator", "generator.*"]), "generator.templates"],
    package_dir={"generator.templates": "templates"},
)
