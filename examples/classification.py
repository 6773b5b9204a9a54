"""Uploads four fifths of a folder of class folders through the public client, trains a classifier through the API, and
prints how many of the remaining fifth it names rightly, for several splits.

    python examples/classification.py FOLDER [--splits N]

FOLDER holds one folder for each class. Files of the same name in two classes count as one for the client, so give each
its own name.
"""

import argparse
import random
import shutil
import tempfile
from pathlib import Path

from keyrack_platform import Platform


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--splits", type=int, default=3)
    given = arguments.parse_args()
    platform = Platform()
    shares = []
    for seed in range(given.splits):
        learning, testing = split(given.folder, seed)
        project = platform.project(f"{given.folder.resolve().name} {seed}", "classification")
        with tempfile.TemporaryDirectory() as staged:
            for file in learning:
                own = Path(staged) / file.parent.name
                own.mkdir(exist_ok=True)
                shutil.copy(file, own)
            uploaded = sum("response" in one for one in project.upload_classification_dataset(staged))
        model, seconds = platform.train(project.project_id)
        classifier = platform.client.classification(model["id"])
        right = sum(classifier.predict(str(file)).category == file.parent.name for file in testing)
        shares.append(right / len(testing))
        print(f"split {seed}: {uploaded} uploaded, trained in {seconds:.0f} s, {right} of {len(testing)} right: {shares[-1]:.3f}")
    print(f"mean of {len(shares)} splits: {sum(shares) / len(shares):.3f}")


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
