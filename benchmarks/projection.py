"""Masks as a plane: principal components without making the masks, and t-SNE, against scikit-learn.

`python benchmarks/projection.py` prints one JSON line; bounds: components within 1e-3 of the full computation and
less than 1.5 GB, t-SNE for 2.3 times less CPU time, trustworthiness .995, 10 nearest kept .47. Every contender runs
in a process of its own and is measured in CPU seconds, all threads together. The maps are made once and kept in the
temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
ROOT = Path(__file__).parents[1]
VIEWS, SIZE = 5, 224
PEER_ROWS, EXACT_ROWS = 4_000, 1_500
HOW = (
    "real Grad-CAM maps of assets/demo/models/resnet18, last stage (7x7 cells at 224 px), both classes, trunk in bf16: "
    "each demo image whole, mirrored and in three random windows of .7 to .95 of a side; 14x14 for its timing alone: "
    "the stage before, a tenth of the masks, repeated"
)


def make_maps(folder: Path, count: int) -> dict[str, float]:
    """Write maps7.npy (count, 7, 7) and maps14.npy (count, 14, 14), once."""
    if (folder / "maps7.npy").exists():
        return {}
    import torch

    from urbanlens.demo import open_demo
    from urbanlens.explain import grad_cam
    from urbanlens.models import load_model

    network: Any = load_model(ROOT / "assets" / "demo" / "models" / "resnet18").module
    trunk = [network.normalize, network.conv1, network.bn1, network.relu, network.maxpool]
    trunk += [network.layer1, network.layer2, network.layer3, network.layer4]
    # The maps of both classes share the trunk: what lies above it is a network of its own.
    head = torch.nn.Sequential(torch.nn.Identity(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), network.fc)
    collection, random = open_demo(), np.random.default_rng(0)
    small: list[NDArray[np.float32]] = []
    fine: list[NDArray[np.float32]] = []
    wanted = -(-count // (2 * VIEWS))
    for image_id in collection.ids[:: max(1, len(collection) // wanted)][:wanted]:
        pixels = torch.from_numpy(_views(collection.image(image_id), random))
        x = pixels.to(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for part in trunk:
                x = part(x)
        small += [grad_cam(head, x.float(), target, "0").numpy() for target in (0, 1)]
        if len(fine) * VIEWS * 10 < count:
            fine.append(grad_cam(network, pixels, None, "layer3").numpy())
    np.save(folder / "maps14.npy", np.resize(np.concatenate(fine), (count, 14, 14)))
    np.save(folder / "maps7.npy", np.concatenate(small)[:count])
    return {}


def _views(image: Any, random: np.random.Generator) -> NDArray[np.float32]:
    """The image whole, mirrored and in random windows: (5, 3, 224, 224)."""
    boxes = [(0.0, 0.0, float(image.width), float(image.height))] * 2
    for _ in range(VIEWS - 2):
        share = random.uniform(0.7, 0.95)
        left, top = random.uniform(0, 1 - share, 2)
        corners = left * image.width, top * image.height
        boxes.append((*corners, corners[0] + share * image.width, corners[1] + share * image.height))
    views = np.stack([np.asarray(image.resize((SIZE, SIZE), box=box, reducing_gap=3.0)) for box in boxes])
    views[1] = views[1][:, ::-1]
    return np.asarray(np.ascontiguousarray(views.transpose(0, 3, 1, 2)) / 255, np.float32)


def components(folder: Path, cells: int) -> dict[str, float]:
    """Our principal components of all masks."""
    from urbanlens.embedding.masks import mask_components

    maps = np.load(folder / f"maps{cells}.npy")
    started = time.process_time()
    found = mask_components(maps, SIZE)
    spent = time.process_time() - started
    if cells == 7:
        np.save(folder / "rows.npy", found.rows)
    return {"cpu_s": spent, "explained": float(found.explained.sum())}


def components_peer(folder: Path, count: int) -> dict[str, float]:
    """scikit-learn's randomised PCA of the masks themselves, as many as memory allows."""
    from sklearn.decomposition import PCA

    from urbanlens.explain import upsample_masks

    maps = np.load(folder / "maps7.npy")[:: max(1, count // PEER_ROWS)][:PEER_ROWS]
    started = time.process_time()
    masks = upsample_masks(maps, SIZE).reshape(len(maps), -1)
    PCA(49, svd_solver="randomized", random_state=0, copy=False).fit_transform(masks)
    return {"cpu_s": time.process_time() - started, "rows": len(maps)}


def exactness(folder: Path, count: int) -> dict[str, float]:
    """The largest relative error of a pairwise distance against the exact PCA of the full matrix, float64."""
    from scipy.spatial.distance import pdist

    from urbanlens.embedding.masks import mask_components
    from urbanlens.explain import upsample_masks

    maps = np.load(folder / "maps7.npy")[:: max(1, count // EXACT_ROWS)][:EXACT_ROWS]
    masks = upsample_masks(maps, SIZE).reshape(len(maps), -1).astype(np.float64)
    masks -= masks.mean(axis=0)
    values, vectors = np.linalg.eigh(masks @ masks.T)
    full = pdist(vectors[:, -50:] * np.sqrt(np.maximum(values[-50:], 0)))
    ours = pdist(mask_components(maps, SIZE).rows.astype(np.float64))
    differ = full > 1e-6 * full.max()
    error = np.abs(ours - full)
    return {
        "relative_error": float((error[differ] / full[differ]).max()),
        "equal_pairs_error": float(error[~differ].max(initial=0) / full.max()),
        "empty_share": float((np.load(folder / "maps7.npy").max((1, 2)) <= 0).mean()),
    }


def plane(folder: Path, ours: bool) -> dict[str, float]:
    """t-SNE of the components; ours or scikit-learn's."""
    rows = np.load(folder / "rows.npy")
    if ours:
        from urbanlens.embedding import project

        project(rows[:200], "tsne")  # imports
        started = time.process_time()
        flat = project(rows, "tsne")
    else:
        from sklearn.manifold import TSNE

        started = time.process_time()
        flat = TSNE(2, perplexity=30, init="pca", random_state=0).fit_transform(rows)
    spent = time.process_time() - started
    np.save(folder / f"plane_{'ours' if ours else 'peer'}.npy", flat)
    return {"cpu_s": spent}


def quality(folder: Path, _count: int) -> dict[str, float]:
    """Trustworthiness and neighbours kept of both planes."""
    from urbanlens.embedding.quality import neighbours_kept, trustworthiness

    rows, answer = np.load(folder / "rows.npy"), {}
    for whose in ("ours", "peer"):
        if (folder / f"plane_{whose}.npy").exists():
            flat = np.load(folder / f"plane_{whose}.npy")
            answer[f"trustworthiness_{whose}"] = round(trustworthiness(rows, flat), 4)
            answer[f"neighbours_kept_{whose}"] = round(neighbours_kept(rows, flat), 3)
    return answer


PARTS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "maps": make_maps,
    "components 7x7": lambda folder, _count: components(folder, 7),
    "components 14x14": lambda folder, _count: components(folder, 14),
    "components peer": components_peer,
    "exactness": exactness,
    "tsne ours": lambda folder, _count: plane(folder, True),
    "tsne peer": lambda folder, _count: plane(folder, False),
    "quality": quality,
}


def measure(part: str, folder: Path, count: int) -> dict[str, float]:
    """A part's figures from a process of its own, with its peak memory."""
    command = [sys.executable, __file__, "--masks", str(count), "--folder", str(folder), "--part", part]
    # Threads that wait for each other sleep: on a busy machine they would count CPU seconds for nothing.
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masks", type=int, default=30_000, help="at most 30,000")
    parser.add_argument("--folder", type=Path, help="where maps and results are kept; default: the temporary folder")
    parser.add_argument("--part", choices=list(PARTS), help="run one part of the last run's maps, in this process")
    arguments = parser.parse_args()
    count = arguments.masks
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"urbanlens-projection-{count}"
    if arguments.part:
        figures = PARTS[arguments.part](folder, count)
        figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    folder.mkdir(parents=True, exist_ok=True)
    found = {part: measure(part, folder, count) for part in PARTS}
    peer = found["components peer"]
    answer = {
        "benchmark": "projection",
        "masks": count,
        "how": HOW,
        "cores": os.cpu_count(),
        "pca_cpu_s": round(found["components 7x7"]["cpu_s"], 2),
        "pca_14x14_cpu_s": round(found["components 14x14"]["cpu_s"], 2),
        "pca_sklearn_cpu_s": round(peer["cpu_s"], 1),
        "pca_sklearn_rows": int(peer["rows"]),
        "pca_sklearn_cpu_s_at_all_rows": round(peer["cpu_s"] * count / peer["rows"], 1),
        "pca_largest_relative_error": found["exactness"]["relative_error"],
        "pca_error_of_equal_masks": found["exactness"]["equal_pairs_error"],
        "empty_share": round(found["exactness"]["empty_share"], 3),
        "tsne_cpu_s": round(found["tsne ours"]["cpu_s"], 1),
        "tsne_sklearn_cpu_s": round(found["tsne peer"]["cpu_s"], 1),
        "tsne_ratio": round(found["tsne peer"]["cpu_s"] / found["tsne ours"]["cpu_s"], 2),
        **{name: value for name, value in found["quality"].items() if name != "peak_mb"},
        "peak_mb": {part: round(figures["peak_mb"]) for part, figures in found.items() if part != "maps"},
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
