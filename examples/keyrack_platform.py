"""What the examples share: projects and trainings over Keyrack's API. Uploads and predictions are the public client's.

    pip install epigos==2.1.0
    export KEYRACK_URL=http://127.0.0.1:8080 KEY=kr_sk_…    # a key with the scope Project
"""

import os
import sys
import time

import httpx
from epigos import Epigos

FINAL = ("ready", "failed", "cancelled")


class Platform:
    """A Keyrack server, as a Project key sees it."""

    def __init__(self, url=None, key=None):
        url = (url or os.environ.get("KEYRACK_URL", "http://127.0.0.1:8080")).rstrip("/") + "/api/v1"
        key = key or os.environ.get("KEY") or sys.exit("set KEY to an API key with the scope Project")
        self.http = httpx.Client(base_url=url, headers={"X-Api-Key": key}, timeout=30)
        self.client = Epigos(key, base_url=url)

    def call(self, method, path, **body):
        """The answer of one call; what went wrong, in the server's words, where it did."""
        answer = self.http.request(method, path, json=body or None)
        if answer.is_error:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.json().get('message', answer.text)}")
        return answer.json() if answer.content else None

    def project(self, name, project_type):
        """Makes a project, and loads it through the public client."""
        made = self.call("POST", "/projects/", name=f"{name} {time.strftime('%H:%M:%S')}", projectType=project_type)
        return self.client.project(made["id"])

    def train(self, project_id, **settings):
        """Trains a model to its end, says how far it is, and answers with it and the seconds that it took."""
        started = time.monotonic()
        model = self.call("POST", f"/projects/{project_id}/models/", settings=settings)
        said = None
        while model["status"] not in FINAL:
            time.sleep(0.5)
            model = self.call("GET", f"/models/{model['id']}/")
            progress = model.get("progress") or {}
            now = (model["status"], progress.get("phase"), (progress.get("percent") or 0) // 10)
            if now != said:
                said = now
                print(f"  {model['status']} {progress.get('phase') or ''} {progress.get('percent') or 0:.0f} %", flush=True)
        if model["status"] != "ready":
            sys.exit(f"the training {model['status']}: {model.get('reason')}")
        return model, time.monotonic() - started
