"""Uploads the train and val images of a Pascal VOC folder with the public client, trains a detector with the API, and prints
mAP@0.5 per class on the folder's test images, which weren't used for training.

    python examples/detection.py FOLDER [--steps N] [--seed N]

FOLDER contains JPEGImages/, Annotations/, and ImageSets/Main/{train,val,test}.txt. The script leaves out boxes without area,
which the client can't read, and prints their images.
"""

import argparse
import shutil
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

from keyrack_platform import Platform


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--steps", type=int)
    arguments.add_argument("--seed", type=int)
    given = arguments.parse_args()
    settings = {name: value for name in ("steps", "seed") if (value := getattr(given, name)) is not None}

    platform = Platform()
    project = platform.project(given.folder.resolve().name, "object_detection")
    learning = names(given.folder, "train") + names(given.folder, "val")
    testing = names(given.folder, "test")
    with tempfile.TemporaryDirectory() as staged:
        pictures, annotations = stage(given.folder, learning, Path(staged))
        uploaded = list(project.upload_pascal_voc_dataset(pictures, annotations))
    failed = [str(one["img_path"]) for one in uploaded if "response" not in one]
    print(f"{len(uploaded) - len(failed)} of {len(uploaded)} images uploaded", *failed)

    model, seconds = platform.train(project.project_id, **settings)
    print(f"trained on {len(learning)} images in {seconds:.0f} s: model {model['id']}")

    detector = platform.client.object_detection(model["id"])
    found = {name: detector.detect(str(picture(given.folder, name)), confidence=0.0).detections for name in testing}
    truth = {name: boxes(ET.parse(annotation(given.folder, name)))[0] for name in testing}
    report(found, truth)


def names(folder, part):
    return (folder / f"ImageSets/Main/{part}.txt").read_text().split()


def picture(folder, name):
    return folder / f"JPEGImages/{name}.jpg"


def annotation(folder, name):
    return folder / f"Annotations/{name}.xml"


def stage(folder, wanted, into):
    """Copies the images and annotations into separate folders, as the client requires."""
    pictures, annotations = into / "pictures", into / "annotations"
    pictures.mkdir(), annotations.mkdir()
    for name in wanted:
        shutil.copy(picture(folder, name), pictures)
        tree = ET.parse(annotation(folder, name))
        for node in boxes(tree)[1]:
            print(f"{name}: left out a box without area or outside the image")
            tree.getroot().remove(node)
        tree.write(annotations / f"{name}.xml")
    return pictures, annotations


def boxes(tree):
    """Returns labels with (left, top, right, bottom), and the nodes of invalid boxes."""
    root = tree.getroot()
    width, height = (int(root.find(f"size/{side}").text) for side in ("width", "height"))
    good, bad = [], []
    for node in root.findall("object"):
        left, top, right, bottom = (float(node.find(f"bndbox/{edge}").text) for edge in ("xmin", "ymin", "xmax", "ymax"))
        inside = 0 <= left < right <= width and 0 <= top < bottom <= height
        good.append((node.find("name").text, (left, top, right, bottom))) if inside else bad.append(node)
    return good, bad


def report(found, truth):
    labels = sorted({label for objects in truth.values() for label, _ in objects})
    precisions = []
    for label in labels:
        average, objects, given, right = precision(found, truth, label)
        precisions.append(average)
        print(f"{label:>12}  AP@0.5 {average:.3f}  {objects:5} objects  at 0.7: {right} of {given} boxes right")
    print(f"{'mean':>12}  mAP@0.5 {sum(precisions) / len(precisions):.3f}  on {len(truth)} pictures")


def precision(found, truth, label):
    """Returns the average precision as in Pascal VOC since 2010: each object counts as found once."""
    there = {name: [box for own, box in objects if own == label] for name, objects in truth.items()}
    objects, taken = sum(map(len, there.values())), set()
    guesses = [(one["confidence"], name, edges(one)) for name, all in found.items() for one in all if one["label"] == label]
    hits, given, right = [], 0, 0
    for confidence, name, box in sorted(guesses, reverse=True):
        overlaps = [overlap(one, box) for one in there[name]]
        best = max(overlaps, default=0.0)
        which = (name, overlaps.index(best) if overlaps else None)
        hit = best >= 0.5 and which not in taken
        taken.add(which) if hit else None
        hits.append(hit)
        given, right = given + (confidence >= 0.7), right + (hit and confidence >= 0.7)
    return area(hits, objects), objects, given, right


def area(hits, objects):
    """Returns the area under the precision-recall curve, with the best precision at that recall or above."""
    total, true, best = 0.0, sum(hits), 0.0
    for rank in range(len(hits), 0, -1):
        best = max(best, true / rank)
        if hits[rank - 1]:
            total += best / objects
            true -= 1
    return total


def edges(one):
    return (one["x"], one["y"], one["x"] + one["width"], one["y"] + one["height"])


def overlap(a, b):
    """Returns the intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


if __name__ == "__main__":
    main()
