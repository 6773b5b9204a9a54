//! Untrusted image bytes: the server stores valid images and rejects all others without leaving anything behind.

use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;

use super::{DatasetFixture, test_images};
use crate::harness::Answer;

/// The decoder would show the first image in wrong colors and cannot decode the second.
const FINER_CHROMA: &[u8] =
    include_bytes!("../../../../vision/tests/pictures/coding/chroma-finer-than-luma.jpg");
const CGBI: &[u8] = include_bytes!("../../../../vision/tests/pictures/coding/cgbi.png");

/// The default limit of the server.
const IMAGE_BYTES_MAX: usize = 10_000_000;

#[tokio::test]
async fn unusable_image_is_rejected_and_nothing_is_stored() {
    let dataset = DatasetFixture::start().await;
    let jpeg = test_images::jpeg(64, 64);
    let page = b"<!doctype html><script>alert(1)</script>".to_vec();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    let webp = test_images::LOSSY_WEBP;
    for (what, bytes, status, code) in [
        ("a page", page.clone(), 415, "not_an_image"),
        ("a drawing", svg, 415, "not_an_image"),
        ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 415, "not_an_image"),
        ("a page behind a start of a JPEG", [&b"\xFF\xD8\xFF"[..], &page].concat(), 422, "broken_image"),
        ("half a JPEG", jpeg[..jpeg.len() / 2].to_vec(), 422, "broken_image"),
        ("half a PNG", test_images::png(64, 64)[..300].to_vec(), 422, "broken_image"),
        ("half a WebP", webp[..webp.len() / 2].to_vec(), 422, "broken_image"),
        ("an animated WebP", test_images::ANIMATED_WEBP.to_vec(), 422, "broken_image"),
        ("an animated PNG", test_images::animated_png(), 422, "broken_image"),
        ("no pixels", test_images::png_header(100, 100), 422, "broken_image"),
        ("a size without area", test_images::png_header(0, 0), 422, "broken_image"),
        ("colors finer than brightness", FINER_CHROMA.to_vec(), 422, "unsupported_image"),
        ("Apple's PNG", CGBI.to_vec(), 422, "unsupported_image"),
        ("a bomb", test_images::png_header(30_000, 30_000), 413, "image_too_large"),
        ("a larger bomb", test_images::png_header(1 << 30, 1 << 30), 413, "image_too_large"),
        ("a thread", test_images::png_header(1, 50_000), 413, "image_too_large"),
        ("a ribbon", test_images::png_header(50_000, 1), 413, "image_too_large"),
        ("as much as is taken, of nothing", vec![0; IMAGE_BYTES_MAX], 415, "not_an_image"),
    ] {
        println!("{what}");
        dataset.upload_and_record(&bytes).await.assert_problem(status, code);
        assert_nothing_stored(&dataset).await;
    }
}

#[tokio::test]
async fn rejected_image_can_be_sent_to_same_url_again() {
    let dataset = DatasetFixture::start().await;
    let upload_url = dataset.request_upload().await;
    dataset.put(&upload_url, b"no picture").await.ok();
    dataset.create_record(&upload_url.uri).await.assert_problem(415, "not_an_image");
    dataset.create_record(&upload_url.uri).await.assert_problem(409, "not_uploaded");
    dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.ok();
    assert_eq!(dataset.create_record(&upload_url.uri).await.status, 201);
}

#[tokio::test]
async fn too_large_or_empty_upload_is_rejected() {
    let dataset = DatasetFixture::start().await;
    let upload_url = dataset.request_upload().await;
    dataset.put(&upload_url, &vec![0; IMAGE_BYTES_MAX + 1]).await.assert_problem(413, "image_too_large");
    dataset.put(&upload_url, b"").await.check_field_error("body");
    let chunk = |_| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![0; 500_000])));
    let chunks = StreamBody::new(futures_util::stream::iter((0..=20).map(chunk)));
    let request = dataset.api.server.request(reqwest::Method::PUT, &upload_url.path);
    let unannounced = crate::harness::send(request.body(reqwest::Body::wrap(chunks))).await;
    unannounced.assert_problem(413, "image_too_large");
    assert_nothing_stored(&dataset).await;
    dataset.create_record(&upload_url.uri).await.assert_problem(409, "not_uploaded");
}

#[tokio::test]
async fn image_type_and_size_come_from_its_bytes() {
    let dataset = DatasetFixture::start().await;
    for (what, bytes, kind, width, height) in [
        ("JPEG", test_images::jpeg(33, 21), "image/jpeg", 33, 21),
        ("PNG", test_images::png(7, 3), "image/png", 7, 3),
        ("one pixel", test_images::png(1, 1), "image/png", 1, 1),
        ("16 bits", test_images::png_16_bit(), "image/png", 9, 5),
        ("on its side", test_images::rotated_jpeg(), "image/jpeg", 16, 32),
    ] {
        let record = dataset.upload_image(&bytes).await;
        let expected = (&record["contentType"], &record["width"], &record["height"], &record["size"]);
        let values = (&kind.into(), &width.into(), &height.into(), &bytes.len().into());
        assert_eq!(expected, values, "{what}");
    }
    for (bytes, kind) in [(test_images::CMYK, "image/jpeg"), (test_images::LOSSY_WEBP, "image/webp")] {
        assert_eq!(dataset.upload_image(bytes).await["contentType"], kind);
    }
}

#[tokio::test]
async fn record_name_with_path_or_control_characters_is_safe() {
    let dataset = DatasetFixture::start().await;
    for (name, shown) in
        [("../../etc/passwd", "../../etc/passwd"), ("a\nb\u{202E}.jpg", "a_b_.jpg"), (" 工.jpg", "工.jpg")]
    {
        let upload_url = dataset.request_upload().await;
        dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.ok();
        let body = serde_json::json!({ "name": name, "source": upload_url.uri });
        assert_eq!(dataset.post("datasets/records", body).await.ok().json()["name"], shown);
    }
    for wrong in ["", " ", &"x".repeat(256)] {
        let upload_url = dataset.request_upload().await;
        let answer: Answer = dataset
            .post("datasets/records", serde_json::json!({ "name": wrong, "source": upload_url.uri }))
            .await;
        answer.check_field_error("name");
    }
    let root = dataset.api.server.data().join("objects");
    assert!(dataset.objects().iter().all(|file| root.join(file).starts_with(root.join("projects"))));
}

async fn assert_nothing_stored(dataset: &DatasetFixture) {
    assert!(dataset.objects().is_empty(), "{:?}", dataset.objects());
    assert!(dataset.find_records("").await.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn data_folder_is_not_readable_by_other_users() {
    use std::os::unix::fs::PermissionsExt;

    let dataset = DatasetFixture::start().await;
    dataset.upload_image(&test_images::jpeg(8, 8)).await;
    let staged = dataset.request_upload().await;
    assert_eq!(dataset.put(&staged, &test_images::jpeg(9, 9)).await.status, 204);
    let mut open = vec![dataset.api.server.data()];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        // Background work can delete objects in between.
        let Ok(data) = std::fs::symlink_metadata(&path) else { continue };
        assert_eq!(data.permissions().mode() & 0o077, 0, "{}", path.display());
        seen += 1;
        if data.is_dir() {
            open.extend(std::fs::read_dir(&path).into_iter().flatten().map(|entry| entry.unwrap().path()));
        }
    }
    // The database, its log, the socket, the lock, three objects, and their folders.
    assert!(seen > 12, "{seen}");
}
