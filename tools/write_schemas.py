"""Writes the JSON Schemas of the published files to docs/schemas/: `python tools/write_schemas.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from generator.publishing.schemas import schemas  # noqa: E402
from generator.support.strict_json import to_json  # noqa: E402  # found below ROOT

if __name__ == "__main__":
    folder = ROOT / "docs" / "schemas"
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / f"{name}.schema.json").write_text(to_json(schema), "utf-8")
