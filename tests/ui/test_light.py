"""Pages that only show kept results load no torch."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import numpy as np
from PIL import Image
import urbanlens.ui.plane, urbanlens.ui.explanations, urbanlens.ui.objects, urbanlens.ui.agreement, urbanlens.ui.planted
from urbanlens.ui import drawing
mask = drawing.mask_for(np.eye(7, dtype=np.float32), (40, 30))
drawing.overlay(drawing.only_above(Image.new("RGB", (40, 30)), mask, 0.5), mask, 0.5)
assert "torch" not in sys.modules
"""


def test_kept_masks_are_drawn_without_torch() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True)
