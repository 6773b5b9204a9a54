//! Archives that are taken in while servers stop and are killed: in the end each of their images is there, once.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Answer, Server, send, text, until};
use crate::raw;
use crate::visitor::Visitor;

const IMAGES: usize = 120;
const CLASSES: usize = 3;

/// A server with an owner's project, and a key that reads it.
struct Site {
    server: Server,
    cookie: String,
    slug: String,
    key: String,
    project: String,
}

impl Site {
    async fn open() -> Self {
        let server = Server::set_up().await;
        let key = server.key(&["project"]).await;
        let visitor = Visitor::sign_in(&server).await;
        let (cookie, slug) = (visitor.cookie.clone(), visitor.slug.clone());
        let project = visitor.project("Bottle caps").await;
        Self { server, cookie, slug, key, project }
    }

    fn url(&self) -> String {
        format!("/w/{}/projects/{}", self.slug, self.project)
    }

    async fn page(&self, path: &str) -> Answer {
        send(self.server.request(Method::GET, path).header("cookie", &self.cookie)).await
    }

    /// Sends an archive in the form of the page. Returns the path of the import's page.
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

    /// Sends the first half of a form with an archive, until its import is known.
    async fn begin(&self, body: &[u8]) -> TcpStream {
        let stream = self.send_half(body).await;
        let url = self.url();
        until("the import is known", async || {
            self.page(&url).await.text.contains("The archive is being uploaded.").then_some(())
        })
        .await;
        stream
    }

    async fn send_half(&self, body: &[u8]) -> TcpStream {
        let mut stream = raw::connect(&self.server.url).await;
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

    /// How many images the import's page says were looked at.
    async fn looked_at(&self, import: &str) -> Option<usize> {
        let page = self.page(import).await;
        assert_eq!(page.status, 200, "the import is known: {page:?}");
        if page.text.contains("View images") {
            return None;
        }
        let before = page.text.split(" images processed").next().filter(|text| text.len() < page.text.len());
        Some(before.and_then(|text| text.rsplit('>').next()).map_or(0, |number| number.parse().unwrap()))
    }

    async fn until_ended(&self, import: &str) -> String {
        until("the import ends", async || self.looked_at(import).await.is_none().then_some(())).await;
        self.page(import).await.text
    }

    /// Names and labels of all records.
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

    /// Each image of [`archive`] is there once, with its class and nothing else.
    async fn is_complete(&self) {
        let records = self.records().await;
        let names: BTreeSet<_> = records.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, (0..IMAGES).map(name).collect(), "all are there");
        assert_eq!(records.len(), IMAGES, "and each once");
        let classes: BTreeSet<_> = records.iter().flat_map(|(_, labels)| labels.clone()).collect();
        assert_eq!(classes.len(), CLASSES);
        assert!(records.iter().all(|(_, labels)| labels.len() == 1), "{records:?}");
        // Nothing is left of the archive, nor of tries that came to nothing.
        until("three objects a record at most, and no archive", async || {
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

/// Images in folders by class, and two files that are none.
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
async fn the_import_of_another_workspace_comes_in_while_those_of_one_go_on() {
    let site = Site::open().await;
    let owner = Visitor::sign_in(&site.server).await.workspace("Other").await;
    let project = owner.project("Lids").await;
    let elsewhere = format!("/w/{}/projects/{project}", owner.slug);
    // Its archives have both workers.
    let images = 400;
    let (long, first) = (archive_of(images), site.send(&archive_of(images)).await);
    let second = site.send(&long).await;
    until("both are read", async || {
        let both = [site.looked_at(&first).await?, site.looked_at(&second).await?];
        both.iter().all(|done| *done > 0).then_some(())
    })
    .await;
    let answer = site.send_to(&elsewhere, &archive_of(3)).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let page = site.until_ended(answer.header("location")).await;
    assert!(page.contains("3 images were added"), "{page}");
    for long in [&first, &second] {
        assert!(site.looked_at(long).await.is_some(), "it is not at its end yet");
    }
    for long in [&first, &second] {
        let page = site.until_ended(long).await;
        assert!(page.contains(&format!("{images} images were added")), "{page}");
        assert_eq!(page.matches("outcome-refused").count(), 2, "each is said once: {page}");
    }
    assert_eq!(site.records().await.len(), 2 * images, "each image once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_sends_archives_without_end_leaves_imports_to_other_workspaces() {
    let site = Site::open().await;
    let owner = Visitor::sign_in(&site.server).await.workspace("Other").await;
    let project = owner.project("Lids").await;
    let elsewhere = format!("/w/{}/projects/{project}", owner.slug);
    // Archives of which only the first half arrives.
    let (body, mut arriving) = (form(&archive_of(9)), Vec::new());
    for _ in 0..10 {
        arriving.push(site.send_half(&body).await);
    }
    let denied = until("they hold the person's share", async || {
        let answer = site.send_to(&site.url(), &archive_of(1)).await;
        (answer.status != 303).then_some(answer)
    })
    .await;
    assert_eq!(denied.status, 422, "{denied:?}");
    assert!(denied.text.contains("already use your share"), "{denied:?}");
    let taken_in = site.send_to(&elsewhere, &archive_of(1)).await;
    assert_eq!(taken_in.status, 303, "{taken_in:?}");
    drop(arriving);
}

fn says_what_came_in(page: &str) {
    assert!(page.contains(&format!("{IMAGES} images were added")), "{page}");
    assert!(page.contains("notes.txt") && page.contains("last.txt"), "{page}");
    assert_eq!(page.matches("outcome-refused").count(), 2, "each is said once: {page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_servers_are_stopped_in_comes_to_its_end() {
    let mut site = Site::open().await;
    let import = site.send(&archive()).await;
    let mut stops = 0;
    while let Some(before) = site.looked_at(&import).await {
        until("it goes on", async || {
            let now = site.looked_at(&import).await;
            now.is_none_or(|now| now > before + 20).then_some(())
        })
        .await;
        if site.looked_at(&import).await.is_some() {
            assert!(site.server.stop().await.success());
            site.server.restart().await;
            stops += 1;
        }
    }
    assert!(stops > 1, "it was stopped on its way");
    says_what_came_in(&site.page(&import).await.text);
    site.is_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_servers_are_killed_in_comes_to_its_end_with_each_image_once() {
    let mut site = Site::open().await;
    let import = site.send(&archive()).await;
    let mut kills: u64 = 0;
    while let Some(before) = site.looked_at(&import).await {
        until("it goes on", async || {
            let now = site.looked_at(&import).await;
            now.is_none_or(|now| now > before + 3).then_some(())
        })
        .await;
        // Anywhere within the next image.
        tokio::time::sleep(Duration::from_micros(kills * 7_919 % 20_000)).await;
        site.server.kill();
        site.server.restart().await;
        kills += 1;
    }
    assert!(kills > 5, "it was killed on its way");
    println!("{kills} kills");
    says_what_came_in(&site.page(&import).await.text);
    site.is_complete().await;
}

#[tokio::test]
async fn an_archive_that_does_not_arrive_whole_is_a_failed_import_that_the_project_shows() {
    let mut site = Site::open().await;
    let body = form(&archive());
    // Once the client goes, once the server.
    drop(site.begin(&body).await);
    let url = site.url();
    until("the import has failed", async || {
        site.page(&url).await.text.contains("The import failed.").then_some(())
    })
    .await;
    let stream = site.begin(&body).await;
    site.server.kill();
    drop(stream);
    site.server.restart().await;
    let page = site.page(&url).await.ok().text;
    assert_eq!(page.matches("The import failed.").count(), 2, "{page}");
    let import = page.split("/imports/").nth(1).unwrap().split('"').next().unwrap();
    let import = site.page(&format!("{url}/imports/{import}")).await.ok().text;
    assert!(import.contains("Send it again."), "{import}");
    until("nothing is left of the archives", async || {
        files(&site.server.data().join("objects")).is_empty().then_some(())
    })
    .await;
    // Sent again, it is taken in.
    let import = site.send(&archive()).await;
    says_what_came_in(&site.until_ended(&import).await);
    site.is_complete().await;
}

#[tokio::test]
async fn an_archive_whose_sender_signs_out_before_its_last_byte_is_not_imported() {
    let site = Site::open().await;
    let body = form(&archive());
    let mut stream = site.begin(&body).await;
    let sign_out = site.server.request(Method::POST, "/sign-out").header("cookie", &site.cookie);
    send(sign_out.header("origin", &site.server.url)).await;
    stream.write_all(&body[body.len() / 2..]).await.unwrap();
    let mut answer = String::new();
    until("the server answers", async || {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
        answer.contains("\r\n\r\n").then_some(())
    })
    .await;
    assert!(!answer.contains("/imports/"), "no import has begun: {answer}");
    let cookie = Visitor::sign_in(&site.server).await.cookie;
    let page = async |path: &str| {
        send(site.server.request(Method::GET, path).header("cookie", &cookie)).await.ok().text
    };
    let url = site.url();
    until("the import has failed", async || page(&url).await.contains("The import failed.").then_some(()))
        .await;
    let import = page(&url).await.split("/imports/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let import = page(&format!("{url}/imports/{import}")).await;
    assert!(import.contains("signed out before all of it had arrived"), "{import}");
    assert!(site.records().await.is_empty());
    until("nothing is left of the archive", async || {
        files(&site.server.data().join("objects")).is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_import_ends_with_its_project() {
    let mut site = Site::open().await;
    let import = site.send(&archive()).await;
    until("it has begun", async || (site.looked_at(&import).await? > 0).then_some(())).await;
    let path = format!("/api/v1/projects/{}", site.project);
    site.server.delete(&path, &site.key).await.ok();
    assert_eq!(site.page(&import).await.status, 404);
    until("no object is left", async || files(&site.server.data().join("objects")).is_empty().then_some(()))
        .await;
    assert!(!site.server.output().contains("ERROR"), "{}", site.server.output());
    site.server.restart().await;
    assert!(files(&site.server.data().join("objects")).is_empty());
}
