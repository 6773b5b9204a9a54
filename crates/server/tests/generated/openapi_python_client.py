"""Runs a client from openapi-python-client against a running server.

Arguments: the folder of the generated package, the server's URL, secret keys with the scopes Project, Keys and Inference, a ready
classification model, and an image file.
"""

import base64
import sys
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

package, url, project_key, keys_key, inference_key, model, image_file = sys.argv[1:]
sys.path.insert(0, package)

from keyrack_client import AuthenticatedClient, Client  # noqa: E402
from keyrack_client.api.datasets import create_record, create_upload, upload_image  # noqa: E402
from keyrack_client.api.keys import create_key, delete_key, list_keys  # noqa: E402
from keyrack_client.api.predictions import classify  # noqa: E402
from keyrack_client.api.projects import create_project, list_projects  # noqa: E402
from keyrack_client.api.verification import verify_key  # noqa: E402
from keyrack_client.models import (  # noqa: E402
    ClassifyRequest,
    CreateKeyRequest,
    CreateProjectRequest,
    CreateRecordRequest,
    CreateUploadRequest,
    KeyRestrictions,
    PermissionName,
    Problem,
    ProjectType,
    RateLimit,
    ScopeName,
    VerifyKeyRequest,
)
from keyrack_client.types import File  # noqa: E402


def client(secret: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=f"{url}/api/v1", token=secret)


image = Path(image_file).read_bytes()
owner = client(project_key)

project = create_project.sync(
    client=owner, body=CreateProjectRequest(name="Generated client", project_type=ProjectType.CLASSIFICATION)
)
assert project.project_type == ProjectType.CLASSIFICATION and project.created_at.tzinfo, project
assert project.id in [one.id for one in list_projects.sync(client=owner, limit=200).items]

taken = create_project.sync(
    client=owner, body=CreateProjectRequest(name="Generated client", project_type=ProjectType.CLASSIFICATION)
)
assert isinstance(taken, Problem) and (taken.status, taken.code) == (409, "name_taken"), taken

upload = create_upload.sync(project.id, client=owner, body=CreateUploadRequest(name="cap.jpg"))
address = urlsplit(upload.upload_url)
sent = upload_image.sync_detailed(
    address.path.rsplit("/", 1)[1],
    client=Client(base_url=f"{url}/api/v1"),
    body=File(payload=BytesIO(image)),
    signature=parse_qs(address.query)["signature"][0],
)
assert sent.status_code == 204, sent
record = create_record.sync(project.id, client=owner, body=CreateRecordRequest(name="cap.jpg", source=upload.uri))
assert record.size == len(image) and record.annotations == [], record

restrictions = KeyRestrictions(rate=RateLimit(requests=10, seconds=60))
key = create_key.sync(
    client=client(keys_key),
    body=CreateKeyRequest(name="Made by a generated client", scopes=[ScopeName.INFERENCE], restrictions=restrictions),
)
assert key.secret.startswith("kr_sk_") and key.permissions == [PermissionName.MODELSPREDICT], key
listed = list_keys.sync(client=client(keys_key), scope=ScopeName.INFERENCE)
assert key.id in [one.id for one in listed.items], listed

question = VerifyKeyRequest(workspace="northfield-vision", permission=PermissionName.MODELSPREDICT)
verified = verify_key.sync(client=client(key.secret), body=question)
assert verified.valid and verified.key.id == key.id and verified.limits.rate.requests == 10, verified

found = classify.sync(model, client=client(key.secret), body=ClassifyRequest(image=base64.b64encode(image).decode()))
assert found.category and 0 <= found.confidence <= 1, found
denied = create_project.sync(
    client=client(inference_key), body=CreateProjectRequest(name="No", project_type=ProjectType.CLASSIFICATION)
)
assert isinstance(denied, Problem) and denied.code == "insufficient_scope" and denied["key"].startswith("key_"), denied

deleted = delete_key.sync(key.id, client=client(keys_key))
assert deleted.propagation.confirmed == deleted.propagation.nodes, deleted
after = verify_key.sync(client=client(key.secret), body=question)
assert isinstance(after, Problem) and after.code == "deleted_key", after
print("all checks passed")
