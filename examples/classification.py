"""Uploads four fifths of a folder of class folders with the public client, trains a classifier with the API, and prints how
many images of the remaining fifth it classifies correctly, for several splits.

    python examples/classification.py FOLDER [--splits N]

FOLDER contains one folder per class. The script puts transparent images on white, since the client doesn't accept them, and
gives each image a unique name, since the client mixes up files with the same name in two classes.
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
    """Returns the share of a split's test images that are classified correctly."""
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
    print(f"split {seed}: {uploaded} uploaded, trained in {seconds:.0f} s, {right} of {len(testing)} correct: {share:.3f}")
    return share


def flattened(folder, into):
    """Copies the class folders, with each image on white."""
    for number, file in enumerate(sorted(path for path in folder.glob("*/*") if path.is_file())):
        own = into / file.parent.name
        own.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as picture:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            Image.alpha_composite(white, picture).convert("RGB").save(own / f"{number}-{file.stem}.png")
    return into


def split(folder, seed):
    """Splits the images: a fifth of each class, rounded, is for testing."""
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
