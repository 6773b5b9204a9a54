//! Archive imports while the server is stopped or killed: in the end, each image is stored exactly once.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Answer, Server, send, text, wait_until};
use crate::raw_http;
use crate::web_client::WebClient;

const IMAGES: usize = 120;
const CLASSES: usize = 3;

/// A server with a project, and a key that reads it.
struct ImportFixture {
    server: Server,
    cookie: String,
    slug: String,
    key: String,
    project: String,
}

impl ImportFixture {
    async fn start() -> Self {
        let server = Server::set_up().await;
        let key = server.create_secret(&["project"]).await;
        let web = WebClient::sign_in(&server).await;
        let (cookie, slug) = (web.cookie.clone(), web.slug.clone());
        let project = web.project("Bottle caps").await;
        Self { server, cookie, slug, key, project }
    }

    fn url(&self) -> String {
        format!("/w/{}/projects/{}", self.slug, self.project)
    }

    async fn page(&self, path: &str) -> Answer {
        send(self.server.request(Method::GET, path).header("cookie", &self.cookie)).await
    }

    /// Submits an archive with the form and returns the path of the import's page.
    async fn send(&self, archive: &[u8]) -> String {
        let answer = self.send_to(&self.url(), archive).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.header("location").to_owned()
    }

    async fn send_to(&self, project: &str, archive: &[u8]) -> Answer {
        let request = self.server.request(Method::POST, &format!("{project}/images"));
        let request = request.header("cookie", &self.cookie).header("origin", &self.server.url);
        let request = request.header("content-type", "multipart/form-data; boundary=x");
        send(request.body(form(archive))).await
    }

    /// Sends the first half of a form and waits until the page shows the import.
    async fn begin_upload(&self, body: &[u8]) -> TcpStream {
        let stream = self.send_half(body).await;
        let url = self.url();
        wait_until("the page shows the import", async || {
            self.page(&url).await.text.contains("Uploading the archive…").then_some(())
        })
        .await;
        stream
    }

    async fn send_half(&self, body: &[u8]) -> TcpStream {
        let mut stream = raw_http::connect(&self.server.url).await;
        let head = format!(
            "POST {}/images HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\norigin: {}\r\n\
             content-type: multipart/form-data; boundary=x\r\ncontent-length: {}\r\n\r\n",
            self.url(),
            self.server.url.trim_start_matches("http://"),
            self.cookie,
            self.server.url,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..body.len() / 2]).await.unwrap();
        stream
    }

    /// The number of processed images from the import's page. `None` if the import has ended.
    async fn processed_images(&self, import: &str) -> Option<usize> {
        let page = self.page(import).await;
        assert_eq!(page.status, 200, "the import has a page: {page:?}");
        if page.text.contains("View images") {
            return None;
        }
        let before = page.text.split(" images processed").next().filter(|text| text.len() < page.text.len());
        Some(before.and_then(|text| text.rsplit('>').next()).map_or(0, |number| number.parse().unwrap()))
    }

    async fn wait_until_ended(&self, import: &str) -> String {
        wait_until("the import ends", async || self.processed_images(import).await.is_none().then_some(()))
            .await;
        self.page(import).await.text
    }

    /// The names and labels of all records.
    async fn records(&self) -> Vec<(String, Vec<String>)> {
        let (mut records, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/projects/{}/datasets/records?limit=100{cursor}", self.project);
            let page = self.server.get(&path, &self.key).await.ok().json();
            for record in page["items"].as_array().unwrap() {
                let labels = record["annotations"].as_array().unwrap().iter();
                records.push((text(&record["name"]), labels.map(label).collect()));
            }
            match &page["nextCursor"] {
                Value::String(next) => cursor = format!("&cursor={next}"),
                _ => return records,
            }
        }
    }

    /// Panics unless each image of [`archive`] is stored once, with its class, and nothing else is stored.
    async fn assert_complete(&self) {
        let records = self.records().await;
        let names: BTreeSet<_> = records.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, (0..IMAGES).map(name).collect(), "all images are stored");
        assert_eq!(records.len(), IMAGES, "each image is stored once");
        let classes: BTreeSet<_> = records.iter().flat_map(|(_, labels)| labels.clone()).collect();
        assert_eq!(classes.len(), CLASSES);
        assert!(records.iter().all(|(_, labels)| labels.len() == 1), "{records:?}");
        // Neither the archive nor objects of failed attempts are left.
        wait_until("only the objects of the records are left", async || {
            let files = files(&self.server.data().join("objects"));
            (files.len() == 2 * IMAGES).then_some(())
        })
        .await;
    }
}

fn label(annotation: &Value) -> String {
    text(&annotation["labelId"])
}

fn name(number: usize) -> String {
    format!("class{}/{number}.png", number % CLASSES)
}

/// An archive with images in one folder for each class, and two files that are not images.
fn archive() -> Vec<u8> {
    archive_of(IMAGES)
}

fn archive_of(images: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    };
    for number in 0..images {
        let red = u8::try_from(number % 256).unwrap();
        let image = image::RgbImage::from_pixel(48, 48, image::Rgb([red, 9, 99]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        if number == images / 2 {
            add("class0/notes.txt", b"no image");
        }
        add(&name(number), bytes.get_ref());
    }
    add("class1/last.txt", b"no image either");
    zip.finish().unwrap().into_inner()
}

fn form(archive: &[u8]) -> Vec<u8> {
    let head = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"caps.zip\"\r\n\
                Content-Type: application/zip\r\n\r\n";
    [head.as_bytes(), archive, b"\r\n--x--\r\n"].concat()
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_of_other_workspace_runs_beside_long_imports() {
    let fixture = ImportFixture::start().await;
    let owner = WebClient::sign_in(&fixture.server).await.workspace("Other").await;
    let project = owner.project("Lids").await;
    let elsewhere = format!("/w/{}/projects/{project}", owner.slug);
    // The archives of this workspace occupy both workers.
    let images = 400;
    let (long, first) = (archive_of(images), fixture.send(&archive_of(images)).await);
    let second = fixture.send(&long).await;
    wait_until("both imports have started", async || {
        let both = [fixture.processed_images(&first).await?, fixture.processed_images(&second).await?];
        both.iter().all(|done| *done > 0).then_some(())
    })
    .await;
    let answer = fixture.send_to(&elsewhere, &archive_of(3)).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let page = fixture.wait_until_ended(answer.header("location")).await;
    assert!(page.contains("3 images added"), "{page}");
    for long in [&first, &second] {
        assert!(fixture.processed_images(long).await.is_some(), "the long import is still running");
    }
    for long in [&first, &second] {
        let page = fixture.wait_until_ended(long).await;
        assert!(page.contains(&format!("{images} images added")), "{page}");
        assert_eq!(page.matches("outcome-refused").count(), 2, "each skipped file is listed once: {page}");
    }
    assert_eq!(fixture.records().await.len(), 2 * images, "each image is stored once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_imports_of_one_user_stay_within_share() {
    let fixture = ImportFixture::start().await;
    let owner = WebClient::sign_in(&fixture.server).await.workspace("Other").await;
    let project = owner.project("Lids").await;
    let elsewhere = format!("/w/{}/projects/{project}", owner.slug);
    // Only the first half of these archives arrives.
    let (body, mut arriving) = (form(&archive_of(9)), Vec::new());
    for _ in 0..10 {
        arriving.push(fixture.send_half(&body).await);
    }
    let denied = wait_until("the uploads use up the share", async || {
        let answer = fixture.send_to(&fixture.url(), &archive_of(1)).await;
        (answer.status != 303).then_some(answer)
    })
    .await;
    assert_eq!(denied.status, 422, "{denied:?}");
    assert!(denied.text.contains("already use your share"), "{denied:?}");
    let taken_in = fixture.send_to(&elsewhere, &archive_of(1)).await;
    assert_eq!(taken_in.status, 303, "{taken_in:?}");
    drop(arriving);
}

fn assert_import_report(page: &str) {
    assert!(page.contains(&format!("{IMAGES} images added")), "{page}");
    assert!(page.contains("notes.txt") && page.contains("last.txt"), "{page}");
    assert_eq!(page.matches("outcome-refused").count(), 2, "each skipped file is listed once: {page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_interrupted_by_stops_completes() {
    let mut fixture = ImportFixture::start().await;
    let import = fixture.send(&archive()).await;
    let mut stops = 0;
    while let Some(before) = fixture.processed_images(&import).await {
        wait_until("the import makes progress", async || {
            let now = fixture.processed_images(&import).await;
            now.is_none_or(|now| now > before + 20).then_some(())
        })
        .await;
        if fixture.processed_images(&import).await.is_some() {
            assert!(fixture.server.stop().await.success());
            fixture.server.restart().await;
            stops += 1;
        }
    }
    assert!(stops > 1, "the import was interrupted by stops");
    assert_import_report(&fixture.page(&import).await.text);
    fixture.assert_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_interrupted_by_kills_adds_each_image_once() {
    let mut fixture = ImportFixture::start().await;
    let import = fixture.send(&archive()).await;
    let mut kills: u64 = 0;
    while let Some(before) = fixture.processed_images(&import).await {
        wait_until("the import makes progress", async || {
            let now = fixture.processed_images(&import).await;
            now.is_none_or(|now| now > before + 3).then_some(())
        })
        .await;
        // Kill at a random point within the next image.
        tokio::time::sleep(Duration::from_micros(kills * 7_919 % 20_000)).await;
        fixture.server.kill();
        fixture.server.restart().await;
        kills += 1;
    }
    assert!(kills > 5, "the import was interrupted by kills");
    println!("{kills} kills");
    assert_import_report(&fixture.page(&import).await.text);
    fixture.assert_complete().await;
}

#[tokio::test]
async fn truncated_archive_is_shown_as_failed_import() {
    let mut fixture = ImportFixture::start().await;
    let body = form(&archive());
    // First the client disconnects; then the server is killed.
    drop(fixture.begin_upload(&body).await);
    let url = fixture.url();
    wait_until("the import has failed", async || {
        fixture.page(&url).await.text.contains("The import failed.").then_some(())
    })
    .await;
    let stream = fixture.begin_upload(&body).await;
    fixture.server.kill();
    drop(stream);
    fixture.server.restart().await;
    let page = fixture.page(&url).await.ok().text;
    assert_eq!(page.matches("The import failed.").count(), 2, "{page}");
    let import = page.split("/imports/").nth(1).unwrap().split('"').next().unwrap();
    let import = fixture.page(&format!("{url}/imports/{import}")).await.ok().text;
    assert!(import.contains("Send it again."), "{import}");
    wait_until("nothing is left of the archives", async || {
        files(&fixture.server.data().join("objects")).is_empty().then_some(())
    })
    .await;
    // The same archive can be sent again.
    let import = fixture.send(&archive()).await;
    assert_import_report(&fixture.wait_until_ended(&import).await);
    fixture.assert_complete().await;
}

#[tokio::test]
async fn archive_of_signed_out_user_is_not_imported() {
    let fixture = ImportFixture::start().await;
    let body = form(&archive());
    let mut stream = fixture.begin_upload(&body).await;
    let sign_out = fixture.server.request(Method::POST, "/sign-out").header("cookie", &fixture.cookie);
    send(sign_out.header("origin", &fixture.server.url)).await;
    stream.write_all(&body[body.len() / 2..]).await.unwrap();
    let mut answer = String::new();
    wait_until("the server answers", async || {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
        answer.contains("\r\n\r\n").then_some(())
    })
    .await;
    assert!(!answer.contains("/imports/"), "no import was started: {answer}");
    let cookie = WebClient::sign_in(&fixture.server).await.cookie;
    let page = async |path: &str| {
        send(fixture.server.request(Method::GET, path).header("cookie", &cookie)).await.ok().text
    };
    let url = fixture.url();
    wait_until("the import has failed", async || {
        page(&url).await.contains("The import failed.").then_some(())
    })
    .await;
    let import = page(&url).await.split("/imports/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let import = page(&format!("{url}/imports/{import}")).await;
    assert!(import.contains("signed out before all of it was received"), "{import}");
    assert!(fixture.records().await.is_empty());
    wait_until("nothing is left of the archive", async || {
        files(&fixture.server.data().join("objects")).is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn import_of_deleted_project_stops() {
    let mut fixture = ImportFixture::start().await;
    let import = fixture.send(&archive()).await;
    wait_until("the import has started", async || {
        (fixture.processed_images(&import).await? > 0).then_some(())
    })
    .await;
    let path = format!("/api/v1/projects/{}", fixture.project);
    fixture.server.delete(&path, &fixture.key).await.ok();
    assert_eq!(fixture.page(&import).await.status, 404);
    wait_until("no object is left", async || {
        files(&fixture.server.data().join("objects")).is_empty().then_some(())
    })
    .await;
    assert!(!fixture.server.output().contains("ERROR"), "{}", fixture.server.output());
    fixture.server.restart().await;
    assert!(files(&fixture.server.data().join("objects")).is_empty());
}
