"""Creates projects and trains models with Keyrack's API. The examples use the public client for uploads and predictions.

    pip install epigos==2.1.0
    export KEYRACK_URL=http://127.0.0.1:8080 KEY=kr_sk_…    # a key with the Project scope
"""

import os
import sys
import time

import httpx
from epigos import Epigos

FINAL = ("ready", "failed", "cancelled")


class Platform:
    """A Keyrack server, used with a key that has the Project scope."""

    def __init__(self, url=None, key=None):
        url = (url or os.environ.get("KEYRACK_URL", "http://127.0.0.1:8080")).rstrip("/") + "/api/v1"
        key = key or os.environ.get("KEY") or sys.exit("Set KEY to an API key with the Project scope.")
        self.http = httpx.Client(base_url=url, headers={"X-Api-Key": key}, timeout=30)
        self.client = Epigos(key, base_url=url)

    def call(self, method, path, **body):
        """Returns the response of a request. Exits with the server's message if the request fails."""
        answer = self.http.request(method, path, json=body or None)
        if answer.is_error:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.json().get('message', answer.text)}")
        return answer.json() if answer.content else None

    def project(self, name, project_type):
        """Creates a project and loads it with the public client."""
        made = self.call("POST", "/projects/", name=f"{name} {time.strftime('%H:%M:%S')}", projectType=project_type)
        return self.client.project(made["id"])

    def train(self, project_id, **settings):
        """Trains a model, prints the progress, and returns the model and the seconds that the training took."""
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
            sys.exit(f"Training {model['status']}: {model.get('failureReason')}")
        return model, time.monotonic() - started
