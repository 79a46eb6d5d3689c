"""What a stage tells while it works, and whom it tells it."""

from collections.abc import Callable

Figures = dict[str, float]
"""What a display shows of a stage: `epoch` and `epochs` or `images` and `of`, `loss`, `accuracy`, …"""

Report = Callable[[Figures], None]
