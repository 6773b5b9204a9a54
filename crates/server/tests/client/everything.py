"""Calls every function of the public Epigos client against a running Keyrack, with generated images.

    python everything.py URL PROJECT_KEY INFERENCE_KEY

Exits with an error at the first failed check. The client is the published package, unmodified.
"""

import json
import random
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import httpx
from epigos import Epigos
from epigos.exceptions import EpigosException
from epigos.typings import BoxFormat
from PIL import Image, ImageDraw

SIDE = 160
SHAPES = {"disc": (200, 40, 40), "square": (40, 60, 200)}
CLASSES = {"brick": (170, 70, 50), "meadow": (60, 150, 60), "sky": (90, 150, 220)}
RANDOM = random.Random(7)


def main(url, project_key, inference_key):
    base = f"{url}/api/v1"
    http = httpx.Client(base_url=base, headers={"X-Api-Key": project_key}, timeout=30)
    project = Epigos(project_key, base_url=base)
    inference = Epigos(inference_key, base_url=base)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        classifier = train_classifier(http, project, folder / "classification")
        detector = train_detector(http, project, folder / "detection")
        for client in (project, inference):
            check_predictions(client, classifier, detector, folder)
        check_inference_key_is_denied(inference, classifier, detector, folder)
    print("all checks passed")


def train_classifier(http, client, folder):
    """Uploads single images and a folder with one subfolder for each class, and trains a classifier."""
    for name, colour in CLASSES.items():
        for number in range(10):
            noisy_image(colour).save(create_folder(folder / "set" / name) / f"{name}-{number}.png")
    loaded = new_project(http, client, "classification")
    assert loaded.is_classification and loaded.name == "classification", vars(loaded)
    bare = loaded.upload(folder / "set/sky/sky-0.png")
    assert bare["id"] and bare["annotations"] == [], bare
    classed = loaded.upload(folder / "set/sky/sky-1.png", use_folder_as_class_name=True, batch_name="by hand")
    assert len(classed["annotations"]) == 1, classed
    answers = list(loaded.upload_classification_dataset(folder / "set"))
    assert len(answers) == 30 and all(len(one["response"]["annotations"]) == 1 for one in answers), answers
    batches = {one["name"]: one["id"] for one in http.get(f"/projects/{loaded.project_id}/batches").json()["items"]}
    assert set(batches) == {"sdk-upload", "by hand"}, batches
    records = all_records(http, loaded, batchId=batches["sdk-upload"])
    assert len(records) == 31, len(records)
    assert all((one["width"], one["height"], one["contentType"]) == (SIDE, SIDE, "image/jpeg") for one in records), records[0]
    return train(http, loaded, {})


def train_detector(http, client, folder):
    """Uploads images with boxes in each of the three formats, single and as datasets, and trains a detector."""
    scenes = {f"scene-{number}.png": scene() for number in range(24)}
    for name, (image, _) in scenes.items():
        image.save(create_folder(folder / "pictures") / name)
    write_voc(scenes, create_folder(folder / "voc"))
    write_yolo(scenes, create_folder(folder / "yolo"))
    (folder / "coco.json").write_text(json.dumps(coco(scenes)))
    (folder / "data.yaml").write_text("names: [disc, square, never used]\n")

    loaded = new_project(http, client, "object_detection")
    assert loaded.is_object_detection
    pictures = folder / "pictures"
    first, (_, objects) = next(iter(scenes.items()))
    stem = Path(first).stem
    formats = [
        (BoxFormat.pascal_voc, folder / f"voc/{stem}.xml"),
        (BoxFormat.coco, folder / "coco.json"),
        (BoxFormat.yolo, folder / f"yolo/{stem}.txt"),
    ]
    for box_format, annotations in formats:
        record = loaded.upload(
            pictures / first, annotation_path=annotations, box_format=box_format, yolo_labels_map=dict(enumerate(SHAPES))
        )
        assert len(record["annotations"]) == len(objects), (box_format, record)
        assert_boxes_are_near(http, loaded, record["id"], objects)
    sets = [
        loaded.upload_coco_dataset(pictures, folder / "coco.json", batch_name="coco"),
        loaded.upload_pascal_voc_dataset(pictures, folder / "voc", batch_name="voc"),
        loaded.upload_yolo_dataset(pictures, folder / "yolo", folder / "data.yaml", batch_name="yolo"),
    ]
    for one in sets:
        answers = list(one)
        assert len(answers) == len(scenes) and all(answer["response"]["annotations"] for answer in answers), answers
    labels = http.get(f"/projects/{loaded.project_id}/annotations/labels").json()["items"]
    assert {label["name"] for label in labels} == {"disc", "square", "never used"}, labels
    return train(http, loaded, {"inputSize": 128, "steps": 120})


def check_predictions(client, classifier, detector, folder):
    """Predicts, which both scopes allow."""
    result = client.classification(classifier).predict(str(folder / "classification/set/sky/sky-3.png"))
    assert result.category == "sky" and 0.5 < result.confidence <= 1, result
    path = folder / "detection/pictures/scene-1.png"
    found = client.object_detection(detector).detect(str(path), confidence=0.1)
    assert found.get_image().size == (SIDE, SIDE), found.get_image()
    assert found.detections and {one["label"] for one in found.detections} <= set(SHAPES), found
    assert all(0 <= one["x"] and one["x"] + one["width"] <= SIDE + 0.01 for one in found.detections), found


def check_inference_key_is_denied(client, classifier, detector, folder):
    """Checks that an Inference key is denied with the client's own exception and our message."""
    assert_denied(lambda: client.project("prj_00000000000000000000000000000000"), 403, "Project")
    assert_denied(lambda: client.make_get("/projects/"), 403, "Project")
    assert_denied(lambda: client.make_post("/projects/", json={"name": "x", "projectType": "classification"}), 403, "Project")
    assert_denied(lambda: client.make_post(f"/models/{classifier}/cancel/"), 403, "Project")
    assert_denied(lambda: client.make_get(f"/models/{detector}/"), 403, "Project")
    path = str(folder / "detection/pictures/scene-1.png")
    assert_denied(lambda: client.classification("mdl_00000000000000000000000000000000").predict(path), 404, "Model")
    assert_denied(lambda: client.classification(detector).predict(path), None, "detect")


def assert_denied(call, status, word):
    try:
        answer = call()
    except EpigosException as error:
        assert status in (None, error.status_code) and 400 <= error.status_code < 500, error
        assert word in str(error) and "None" not in str(error).split("\n")[0], error
    else:
        raise AssertionError(f"the call was not denied: {answer}")


def new_project(http, client, project_type):
    answer = http.post("/projects", json={"name": project_type, "projectType": project_type})
    assert answer.status_code == 201, answer.text
    return client.project(answer.json()["id"])


def all_records(http, project, **query):
    records, cursor = [], None
    while True:
        answer = http.get(f"/projects/{project.project_id}/datasets/records", params={**query, "limit": 20, "cursor": cursor} if cursor else {**query, "limit": 20})
        assert answer.status_code == 200, answer.text
        records += answer.json()["items"]
        cursor = answer.json()["nextCursor"]
        if cursor is None:
            return records


def assert_boxes_are_near(http, project, record, objects):
    annotations = http.get(f"/projects/{project.project_id}/datasets/records/{record}").json()["annotations"]
    places = sorted(tuple(one["annotation"][edge] for edge in ("left", "top", "width", "height")) for one in annotations)
    # YOLO files have six digits, and the client truncates coordinates to integers.
    for place, (_, (left, top, width, height)) in zip(places, sorted(objects, key=lambda one: one[1])):
        assert all(abs(a - b) <= 1 for a, b in zip(place, (left, top, width, height))), (places, objects)


def train(http, project, settings):
    answer = http.post(f"/projects/{project.project_id}/models", json={"settings": settings})
    assert answer.status_code == 202, answer.text
    model, until = answer.json(), time.monotonic() + 240
    while model["status"] in ("queued", "running"):
        assert time.monotonic() < until, model
        time.sleep(0.1)
        model = http.get(f"/models/{model['id']}").json()
    assert model["status"] == "ready", model
    return model["id"]


def create_folder(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def noisy_image(colour):
    """An image of one color with random noise."""
    image = Image.new("RGB", (SIDE, SIDE), colour)
    draw = ImageDraw.Draw(image)
    for _ in range(200):
        x, y = RANDOM.randrange(SIDE), RANDOM.randrange(SIDE)
        draw.rectangle((x, y, x + 6, y + 3), fill=tuple(max(0, min(255, part + RANDOM.randint(-40, 40))) for part in colour))
    return image


def scene():
    """An image with a disc at the left and a square at the right, and their boxes: left, top, width, height."""
    image = noisy_image((205, 200, 190))
    draw, objects = ImageDraw.Draw(image), []
    for (name, colour), start in zip(SHAPES.items(), (0, SIDE // 2)):
        size = RANDOM.randint(36, 60)
        left, top = start + RANDOM.randrange(SIDE // 2 - size), RANDOM.randrange(SIDE - size)
        edges = (left, top, left + size, top + size)
        draw.ellipse(edges, fill=colour) if name == "disc" else draw.rectangle(edges, fill=colour)
        objects.append((name, (left, top, size, size)))
    return image, objects


def write_voc(scenes, folder):
    for file, (_, objects) in scenes.items():
        root = ET.Element("annotation")
        size = ET.SubElement(root, "size")
        for edge in ("width", "height"):
            ET.SubElement(size, edge).text = str(SIDE)
        for name, (left, top, width, height) in objects:
            node = ET.SubElement(root, "object")
            ET.SubElement(node, "name").text = name
            box = ET.SubElement(node, "bndbox")
            for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), (left, top, left + width, top + height)):
                ET.SubElement(box, edge).text = str(value)
        ET.ElementTree(root).write(folder / f"{Path(file).stem}.xml")


def write_yolo(scenes, folder):
    numbers = {name: number for number, name in enumerate(SHAPES)}
    for file, (_, objects) in scenes.items():
        lines = (
            f"{numbers[name]} {(left + width / 2) / SIDE:.6f} {(top + height / 2) / SIDE:.6f} {width / SIDE:.6f} {height / SIDE:.6f}"
            for name, (left, top, width, height) in objects
        )
        (folder / f"{Path(file).stem}.txt").write_text("\n".join(lines) + "\n")


def coco(scenes):
    numbers = {name: number for number, name in enumerate(SHAPES, 1)}
    files = list(scenes)
    return {
        "images": [{"id": at, "file_name": file, "width": SIDE, "height": SIDE} for at, file in enumerate(files)],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": [
            {"id": 100 * at + which, "image_id": at, "category_id": numbers[name], "bbox": list(box)}
            for at, file in enumerate(files)
            for which, (name, box) in enumerate(scenes[file][1])
        ],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
