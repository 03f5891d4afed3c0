"""Pictures of sixty things from all sides, and the constants of ``models.vision.prototypes`` fitted to half of them.

    pip install pybullet scikit-image        # in an environment of its own
    python tests/rendered_things.py OUT      # OUT/far and OUT/near: a folder a thing, labels.tsv of the other half
    python -m tests.rendered_things OUT      # in Genlock's: fits, and tells how well that does on the other half

The things are 3-D models that pybullet carries, before pieces of photographs that scikit-image and scikit-learn carry.
``genlock evaluate vision --data OUT/near`` measures on the half that nothing was fitted to.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

THINGS: Final = """
teddy_large.urdf laikago/laikago_toes_zup.urdf a1/a1.urdf aliengo/aliengo.urdf objects/mug.urdf table/table.urdf
table_square/table_square.urdf domino/domino.urdf lego/lego.urdf quadruped/minitaur.urdf quadruped/vision60.urdf
quadruped/spirit40.urdf bicycle/bike.urdf soccerball.urdf husky/husky.urdf xarm/xarm6_robot.urdf
kuka_iiwa/model.urdf franka_panda/panda.urdf r2d2.urdf jenga/jenga.urdf racecar/racecar.urdf tray/tray.urdf
duck_vhacd.urdf mini_cheetah/mini_cheetah.urdf cube.urdf humanoid/humanoid.urdf sphere2red.urdf
tray/traybox.urdf xarm/xarm6_with_gripper.urdf quadruped/minitaur_rainbow_dash.urdf block.urdf bunny.obj
samurai_monastry.obj stone.obj kiva_shelf/meshes/pod_lowres.stl
""".split()  # noqa: SIM905
RANDOM_THINGS: Final = [f"random_urdfs/{number:03}/{number:03}.urdf" for number in range(0, 100, 4)]
PHOTOGRAPHS: Final = """
chelsea.png coffee.png rocket.jpg astronaut.png motorcycle_left.png coins.png grass.png brick.png gravel.png page.png
hubble_deep_field.jpg ihc.png
""".split()  # noqa: SIM905
VIEWS: Final = 20
SIZE: Final = (320, 240)
SETS: Final = {"far": ((0.9, 1.7), (0, 2), ""), "near": ((0.6, 1.05), (1, 6), "2")}
"""How far the camera is in sizes of the thing, how blurred the background is, and a part of the seed."""


def render(out: Path) -> None:
    """Renders all things into ``out``."""
    import pybullet
    import pybullet_data
    import skimage
    import sklearn

    photographs = [Path(skimage.__file__).parent / "data" / name for name in PHOTOGRAPHS]
    photographs += [
        Path(sklearn.__file__).parent / "datasets" / "images" / name for name in ("flower.jpg", "china.jpg")
    ]
    backgrounds = [Image.open(path).convert("RGB") for path in photographs]
    pybullet.connect(pybullet.DIRECT)
    root = pybullet_data.getDataPath() + "/"
    pybullet.setAdditionalSearchPath(root)
    for folder, (distance, blur, seed) in SETS.items():
        for thing in [*THINGS, *RANDOM_THINGS]:
            chance = random.Random(thing + seed)
            body = _load(pybullet, root, thing)
            target = out / folder / named(thing)
            target.mkdir(parents=True, exist_ok=True)
            for view in range(VIEWS):
                picture, mask = _seen(pybullet, body, chance, distance)
                whole = _background(chance, backgrounds, blur)
                whole.paste(picture, mask=mask.filter(ImageFilter.GaussianBlur(0.6)))
                whole = ImageEnhance.Brightness(whole).enhance(chance.uniform(0.7, 1.2))
                whole.save(target / f"{view:02}.jpg", quality=80)
            pybullet.removeBody(body)
        rows = [f"{name}/{view:02}.jpg\t{name}" for name in sorted(halves()[1]) for view in range(VIEWS)]
        (out / folder / "labels.tsv").write_text("\n".join(["file\tlabel", *rows]) + "\n")


def named(thing: str) -> str:
    """The folder of a thing."""
    return thing.replace("/", "_").rsplit(".", 1)[0]


def halves() -> tuple[list[str], list[str]]:
    """Things to fit to, and the others."""
    names = np.array(sorted(named(thing) for thing in [*THINGS, *RANDOM_THINGS]))
    order = [str(name) for name in np.random.default_rng(0).permutation(names)]
    return order[: len(order) // 2], order[len(order) // 2 :]


def _load(pybullet: Any, root: str, thing: str) -> int:
    if thing.endswith(".urdf"):
        return int(pybullet.loadURDF(thing, useFixedBase=True))
    visual = pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=root + thing)
    solid = pybullet.createCollisionShape(pybullet.GEOM_MESH, fileName=root + thing)
    return int(pybullet.createMultiBody(0, solid, visual))


def _seen(pybullet: Any, body: int, chance: random.Random, distance: tuple[float, float]) -> tuple[Any, Any]:
    boxes = np.array([pybullet.getAABB(body, link) for link in range(-1, pybullet.getNumJoints(body))])
    low, high = boxes[:, 0].min(0), boxes[:, 1].max(0)
    size = float(np.linalg.norm(high - low))
    away, yaw, pitch = size * chance.uniform(*distance), chance.uniform(0, 360), chance.uniform(-65, -5)
    at = (low + high) / 2 + np.array([chance.gauss(0, 0.08) for _ in range(3)]) * size
    view = pybullet.computeViewMatrixFromYawPitchRoll(at.tolist(), away, yaw, pitch, chance.gauss(0, 6), 2)
    projection = pybullet.computeProjectionMatrixFOV(60, SIZE[0] / SIZE[1], away * 0.05, away * 5)
    _, _, pixels, _, bodies = pybullet.getCameraImage(
        *SIZE,
        view,
        projection,
        lightDirection=[chance.gauss(0, 1), chance.gauss(0, 1), chance.uniform(0.5, 2)],
        lightAmbientCoeff=chance.uniform(0.3, 0.7),
        lightDiffuseCoeff=chance.uniform(0.3, 0.7),
        lightSpecularCoeff=chance.uniform(0, 0.3),
        renderer=pybullet.ER_TINY_RENDERER,
        shadow=0,
    )
    rows, columns = SIZE[::-1]
    picture = Image.fromarray(np.reshape(pixels, (rows, columns, 4))[:, :, :3].astype(np.uint8))
    return picture, Image.fromarray(((np.reshape(bodies, (rows, columns)) >= 0) * 255).astype(np.uint8))


def _background(chance: random.Random, photographs: list[Any], blur: tuple[float, float]) -> Any:
    photograph, share = chance.choice(photographs), chance.uniform(0.4, 1)
    width = int(min(photograph.width, photograph.height * 4 / 3) * share)
    height = int(width * 0.75)
    left = chance.randint(0, max(photograph.width - width, 0))
    top = chance.randint(0, max(photograph.height - height, 0))
    piece = photograph.crop((left, top, left + width, top + height)).resize(SIZE)
    piece = piece.filter(ImageFilter.GaussianBlur(chance.uniform(*blur)))
    if chance.random() < 0.3:
        piece = Image.new("RGB", SIZE, tuple(chance.randint(40, 220) for _ in range(3)))
    return piece


def fit(out: Path) -> None:
    """Prints the constants, and how well they tell what was taught from what was not."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    embeddings = {folder: _embeddings(out / folder) for folder in SETS}
    fitted, others = halves()
    evidence = np.concatenate([_episodes(embeddings[folder], fitted, 1) for folder in SETS])
    model = LogisticRegression(C=100, max_iter=1000).fit(evidence[:, :2], evidence[:, 2])
    print("bias", model.intercept_.round(2), "likeness and ahead", model.coef_.round(2))
    for folder in SETS:
        rows = _episodes(embeddings[folder], others, 2)
        said = model.predict_proba(rows[:, :2])[:, 1]
        right, taught = rows[:, 2] == 1, rows[:, 3] == 1
        print(
            f"{folder}: area under the ROC curve {roc_auc_score(right, said):.3f};"
            f" of what was taught {(right & (said >= 0.5))[taught].mean():.3f} told right,"
            f" {(~right & (said >= 0.5))[taught].mean():.3f} wrong; of the rest {(said < 0.5)[~taught].mean():.3f} none"
        )


def _embeddings(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each thing as it is seen, and as it is taught."""
    kept = folder / "embeddings.npz"
    if not kept.exists():
        from models.vision.pictures import decode_file
        from models.vision.sight import Sight

        sight, arrays = Sight.load(), {}
        for thing in sorted(path for path in folder.iterdir() if path.is_dir()):
            pictures = [decode_file(path.read_bytes()) for path in sorted(thing.glob("*.jpg"))]
            arrays[f"{thing.name} seen"] = np.stack([seen.embedding for seen in sight.look(pictures)])
            arrays[f"{thing.name} taught"] = np.stack(sight.examples(pictures))
        np.savez(kept, **arrays)
    found = np.load(kept)
    names = {name.rsplit(" ", 1)[0] for name in found.files}
    return {name: (found[f"{name} seen"], found[f"{name} taught"]) for name in names}


def _episodes(embeddings: dict[str, Any], things: list[str], seed: int, count: int = 1500) -> np.ndarray:
    """``[pictures, 4]``: likeness to the likest of what was taught, how far ahead it is, whether it is the right one,
    and whether the thing was taught. One to twelve things by one to five pictures, as many others."""
    from models.vision.prototypes import Prototypes

    chance, rows = np.random.default_rng(seed), []
    for _ in range(count):
        things_taught, shots = int(chance.choice([1, 2, 3, 5, 8, 12])), int(chance.choice([1, 2, 3, 5]))
        order = chance.permutation(things)[: 2 * things_taught]
        views = {name: chance.permutation(VIEWS) for name in order}
        taught = {name: embeddings[name][1][views[name][:shots]] for name in order[:things_taught]}
        prototypes = Prototypes(taught)
        for name in order:
            for view in views[name][shots : shots + 4]:
                best, likeness, ahead = prototypes.evidence(embeddings[name][0][view])
                rows.append((likeness, ahead, best == name, name in taught))
    return np.array(rows, float)


if __name__ == "__main__":
    (fit if __package__ else render)(Path(sys.argv[1]))
