//! Code examples for an upload. The user fills in the secret.

use keyrack_store::{Project, ProjectType};

use crate::web::text::Snippet;

/// Examples for Python with the Epigos client, and for curl with each request by hand.
pub(super) fn snippets(address: &str, secret: &str, project: &Project) -> Vec<Snippet> {
    let id = project.id;
    let all = match project.project_type {
        ProjectType::Classification => {
            "# a folder with one folder for each class\nfor done in project.upload_classification_dataset(\"images/\"):\n    print(done[\"img_path\"])"
        }
        ProjectType::ObjectDetection => {
            "# images and the COCO file with their boxes\nfor done in project.upload_coco_dataset(\"images/\", \"annotations.json\"):\n    print(done[\"img_path\"])"
        }
    };
    let python = format!(
        "from epigos import Epigos  # pip install epigos\n\n\
         client = Epigos(\"{secret}\", base_url=\"{address}/api/v1\")\n\
         project = client.project(\"{id}\")\n\n\
         project.upload(\"image.jpg\")\n\n{all}"
    );
    let curl = format!(
        "# 1. an upload URL for the image\ncurl {address}/api/v1/projects/{id}/upload \\\n  -H \"Authorization: Bearer {secret}\" \\\n  -H \"Content-Type: application/json\" \\\n  \
         -d '{{\"name\": \"image.jpg\", \"content_type\": \"image/jpeg\"}}'\n\n\
         # 2. the image, to the uploadUrl of the answer\ncurl -T image.jpg \"$UPLOAD_URL\"\n\n\
         # 3. its record, with the uri of the answer\ncurl {address}/api/v1/projects/{id}/datasets/records \\\n  -H \"Authorization: Bearer {secret}\" \\\n  -H \"Content-Type: application/json\" \\\n  \
         -d '{{\"name\": \"image.jpg\", \"source\": \"'\"$URI\"'\"}}'"
    );
    [("Python", python), ("curl", curl)].map(|(label, code)| Snippet { label: label.to_owned(), code }).into()
}
