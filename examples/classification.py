"""Uploads four fifths of a folder of class folders through the public client, trains a classifier through the API, and
prints how many of the remaining fifth it names rightly, for several splits.

    python examples/classification.py FOLDER [--splits N]

FOLDER holds one folder for each class. Transparent pictures are flattened on white, since the client takes none, and each
gets a name of its own, since the client takes files of one name in two classes for one.
"""

import argparse
import random
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from keyrack_platform import Platform


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--splits", type=int, default=3)
    given = arguments.parse_args()
    platform = Platform()
    with tempfile.TemporaryDirectory() as scratch:
        whole = flattened(given.folder, Path(scratch) / "all")
        shares = [measure(platform, whole, seed, Path(scratch) / str(seed)) for seed in range(given.splits)]
    print(f"mean of {len(shares)} splits: {sum(shares) / len(shares):.3f}")


def measure(platform, folder, seed, staged):
    """The share of a split's tested pictures that are named rightly."""
    learning, testing = split(folder, seed)
    for file in learning:
        own = staged / file.parent.name
        own.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, own)
    project = platform.project(f"{folder.name} {seed}", "classification")
    uploaded = sum("response" in one for one in project.upload_classification_dataset(staged))
    model, seconds = platform.train(project.project_id)
    classifier = platform.client.classification(model["id"])
    right = sum(classifier.predict(str(file)).category == file.parent.name for file in testing)
    share = right / len(testing)
    print(f"split {seed}: {uploaded} uploaded, trained in {seconds:.0f} s, {right} of {len(testing)} right: {share:.3f}")
    return share


def flattened(folder, into):
    """The same class folders, each picture on white."""
    for number, file in enumerate(sorted(path for path in folder.glob("*/*") if path.is_file())):
        own = into / file.parent.name
        own.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as picture:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            Image.alpha_composite(white, picture).convert("RGB").save(own / f"{number}-{file.stem}.png")
    return into


def split(folder, seed):
    """A fifth of each class, rounded, is tested with."""
    chance = random.Random(seed)
    learning, testing = [], []
    for own in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(path for path in own.iterdir() if path.is_file())
        chance.shuffle(files)
        fifth = max(1, round(len(files) / 5))
        testing += files[:fifth]
        learning += files[fifth:]
    return learning, testing


if __name__ == "__main__":
    main()
