//! Bytes that nobody vouches for: kept as the pictures that they are, or refused with nothing of them left.

use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;

use super::{Site, painted};
use crate::harness::Answer;

/// What the decoder would show in wrong colors, and what it cannot show.
const FINER_CHROMA: &[u8] =
    include_bytes!("../../../../vision/tests/pictures/coding/chroma-finer-than-luma.jpg");
const CGBI: &[u8] = include_bytes!("../../../../vision/tests/pictures/coding/cgbi.png");

/// What the server takes unless told otherwise.
const MOST: usize = 10_000_000;

#[tokio::test]
async fn what_is_no_usable_picture_is_refused_and_leaves_nothing_behind() {
    let site = Site::open().await;
    let jpeg = painted::jpeg(64, 64);
    let page = b"<!doctype html><script>alert(1)</script>".to_vec();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    let webp = painted::LOSSY_WEBP;
    for (what, bytes, status, code) in [
        ("a page", page.clone(), 415, "not_an_image"),
        ("a drawing", svg, 415, "not_an_image"),
        ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 415, "not_an_image"),
        ("a page behind a start of a JPEG", [&b"\xFF\xD8\xFF"[..], &page].concat(), 422, "broken_image"),
        ("half a JPEG", jpeg[..jpeg.len() / 2].to_vec(), 422, "broken_image"),
        ("half a PNG", painted::png(64, 64)[..300].to_vec(), 422, "broken_image"),
        ("half a WebP", webp[..webp.len() / 2].to_vec(), 422, "broken_image"),
        ("an animated WebP", painted::ANIMATED_WEBP.to_vec(), 422, "broken_image"),
        ("an animated PNG", painted::animated_png(), 422, "broken_image"),
        ("no pixels", painted::announcing(100, 100), 422, "broken_image"),
        ("a size without area", painted::announcing(0, 0), 422, "broken_image"),
        ("colors finer than brightness", FINER_CHROMA.to_vec(), 422, "unsupported_image"),
        ("Apple's PNG", CGBI.to_vec(), 422, "unsupported_image"),
        ("a bomb", painted::announcing(30_000, 30_000), 413, "image_too_large"),
        ("a larger bomb", painted::announcing(1 << 30, 1 << 30), 413, "image_too_large"),
        ("a thread", painted::announcing(1, 50_000), 413, "image_too_large"),
        ("a ribbon", painted::announcing(50_000, 1), 413, "image_too_large"),
        ("as much as is taken, of nothing", vec![0; MOST], 415, "not_an_image"),
    ] {
        println!("{what}");
        site.try_picture(&bytes).await.refused(status, code);
        nothing_is_left(&site).await;
    }
}

#[tokio::test]
async fn a_refused_picture_can_be_sent_again_to_the_same_place() {
    let site = Site::open().await;
    let asked = site.ask().await;
    site.put(&asked, b"no picture").await.ok();
    site.record_of(&asked.uri).await.refused(415, "not_an_image");
    site.record_of(&asked.uri).await.refused(409, "not_uploaded");
    site.put(&asked, &painted::jpeg(8, 8)).await.ok();
    assert_eq!(site.record_of(&asked.uri).await.status, 201);
}

#[tokio::test]
async fn too_many_bytes_and_none_at_all_are_refused_on_the_way_in() {
    let site = Site::open().await;
    let asked = site.ask().await;
    site.put(&asked, &vec![0; MOST + 1]).await.refused(413, "image_too_large");
    site.put(&asked, b"").await.names_field("body");
    let chunk = |_| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![0; 500_000])));
    let chunks = StreamBody::new(futures_util::stream::iter((0..=20).map(chunk)));
    let request = site.desk.server.request(reqwest::Method::PUT, &asked.path);
    let unannounced = crate::harness::send(request.body(reqwest::Body::wrap(chunks))).await;
    unannounced.refused(413, "image_too_large");
    nothing_is_left(&site).await;
    site.record_of(&asked.uri).await.refused(409, "not_uploaded");
}

#[tokio::test]
async fn a_picture_is_what_its_bytes_say_and_as_large_as_it_is_shown() {
    let site = Site::open().await;
    for (what, bytes, kind, width, height) in [
        ("JPEG", painted::jpeg(33, 21), "image/jpeg", 33, 21),
        ("PNG", painted::png(7, 3), "image/png", 7, 3),
        ("one pixel", painted::png(1, 1), "image/png", 1, 1),
        ("16 bits", painted::deep_png(), "image/png", 9, 5),
        ("on its side", painted::turned(), "image/jpeg", 16, 32),
    ] {
        let record = site.picture(&bytes).await;
        let says = (&record["contentType"], &record["width"], &record["height"], &record["size"]);
        let is = (&kind.into(), &width.into(), &height.into(), &bytes.len().into());
        assert_eq!(says, is, "{what}");
    }
    for (bytes, kind) in [(painted::CMYK, "image/jpeg"), (painted::LOSSY_WEBP, "image/webp")] {
        assert_eq!(site.picture(bytes).await["contentType"], kind);
    }
}

#[tokio::test]
async fn a_file_may_be_called_what_file_systems_allow() {
    let site = Site::open().await;
    for (name, shown) in
        [("../../etc/passwd", "../../etc/passwd"), ("a\nb\u{202E}.jpg", "a_b_.jpg"), (" 工.jpg", "工.jpg")]
    {
        let asked = site.ask().await;
        site.put(&asked, &painted::jpeg(8, 8)).await.ok();
        let body = serde_json::json!({ "name": name, "source": asked.uri });
        assert_eq!(site.post("datasets/records", body).await.ok().json()["name"], shown);
    }
    for wrong in ["", " ", &"x".repeat(256)] {
        let asked = site.ask().await;
        let answer: Answer =
            site.post("datasets/records", serde_json::json!({ "name": wrong, "source": asked.uri })).await;
        answer.names_field("name");
    }
    let root = site.desk.server.data().join("objects");
    assert!(site.objects().iter().all(|file| root.join(file).starts_with(root.join("projects"))));
}

async fn nothing_is_left(site: &Site) {
    assert!(site.objects().is_empty(), "{:?}", site.objects());
    assert!(site.found("").await.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_in_the_data_folder_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt;

    let site = Site::open().await;
    site.picture(&painted::jpeg(8, 8)).await;
    let staged = site.ask().await;
    assert_eq!(site.put(&staged, &painted::jpeg(9, 9)).await.status, 204);
    let mut open = vec![site.desk.server.data()];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        // Background work removes objects meanwhile.
        let Ok(data) = std::fs::symlink_metadata(&path) else { continue };
        assert_eq!(data.permissions().mode() & 0o077, 0, "{}", path.display());
        seen += 1;
        if data.is_dir() {
            open.extend(std::fs::read_dir(&path).into_iter().flatten().map(|entry| entry.unwrap().path()));
        }
    }
    // The database, its log, the socket, the lock, three objects and their folders.
    assert!(seen > 12, "{seen}");
}
