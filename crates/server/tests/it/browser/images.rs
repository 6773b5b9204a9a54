//! Images and models in a browser: upload, label, train, and test.

use std::time::{Duration, Instant};

use thirtyfour::By;

use super::steps::{PROJECTS, signed_in};
use super::test_images::{BLUE, RED, TestImages};
use super::{Browser, BrowserKind};

/// The longest training time on a machine that runs other tests at the same time.
const TRAINING: Duration = Duration::from_mins(5);

impl Browser {
    /// Creates a project of this type and opens it.
    pub(super) async fn project(&self, name: &str, kind: &str) {
        self.goto(&format!("{PROJECTS}/new")).await;
        self.fill("Name", name).await;
        self.choose(kind).await;
        self.click("Create project").await;
        self.wait_for_text(&format!("{name} created.")).await;
        self.wait_for_heading(name).await;
        self.wait_for_text("Upload images").await;
    }

    /// Uploads images to the open project and labels all unlabeled images with `class`.
    pub(super) async fn upload_class(&self, class: &str, files: &[std::path::PathBuf]) {
        let before = self.path().await;
        self.drop_files(files).await;
        self.wait_for_text(&format!("No label {}", files.len())).await;
        self.driver()
            .find(thirtyfour::By::XPath("//a[contains(@href, 'show=unlabelled')]"))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        self.wait_for_text(&format!("{} images", files.len())).await;
        self.choose("Select all on this page").await;
        self.wait_for_text(&format!("{} images selected", files.len())).await;
        self.fill("New label", class).await;
        self.click("Apply label").await;
        self.wait_for_text(&format!("{} images labeled {class}.", files.len())).await;
        self.goto(before.split('?').next().unwrap()).await;
    }

    /// Opens the first image in the grid.
    pub(super) async fn open_first_image(&self) {
        let image = self.driver().find(thirtyfour::By::Css(".tile-picture")).await.unwrap();
        image.click().await.unwrap();
        self.wait_for_text("Dimensions").await;
    }

    /// Starts a training in the open project.
    pub(super) async fn train(&self) {
        self.click("Train model").await;
        self.wait_for_text("20% are held out").await;
        self.click("Train model").await;
        self.wait_for_heading("Model 1").await;
    }

    /// Uploads images with one box each to the open project, and opens the training form.
    async fn train_detector_without_script(&self, images: &TestImages, pictures: usize) {
        self.choose_files(&[images.box_archive(pictures)]).await;
        self.click("Upload").await;
        super::wait("the import ends", async || {
            self.reload().await;
            let text = self.text().await?;
            if text.contains(&format!("{pictures} images added")) { Ok(()) } else { Err(text) }
        })
        .await;
        self.click("View images").await;
        self.wait_for_text(&format!("lid {pictures}")).await;
        self.click("Train model").await;
    }

    /// Waits until the page of a model shows its metrics under `heading`.
    pub(super) async fn wait_until_trained(&self, heading: &str) {
        let started = Instant::now();
        while !self.text().await.is_ok_and(|text| text.contains(heading)) {
            assert!(started.elapsed() < TRAINING, "{:?}", self.text().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn dropped_broken_image_is_reported_and_others_added() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.project("Caps", "Classification").await;
    let images = TestImages::new();
    let mut files = images.solid_images("red", RED, 2);
    files.insert(1, images.file("broken.png", b"\x89PNG\r\n\x1a\nno picture at all"));
    browser.drop_files(&files).await;
    browser.wait_for_text("2 of 3 images added.").await;
    browser.wait_for_text("broken.png").await;
    browser.click("View images").await;
    browser.wait_for_text("red-0.png").await;
    browser.assert_no_text("broken.png").await;
    browser.choose("Select red-0.png").await;
    browser.wait_for_text("1 image selected").await;
    browser.choose("Select red-1.png").await;
    browser.fill("New label", "straight").await;
    browser.click("Apply label").await;
    browser.wait_for_text("2 images labeled straight.").await;
    browser.wait_for_text("straight 2").await;
    browser.choose("Select red-1.png").await;
    browser.click("Delete").await;
    browser.wait_for_heading("Delete 1 image?").await;
    browser.click("Delete").await;
    browser.wait_for_text("1 image deleted.").await;
    browser.assert_no_text("red-1.png").await;
}

#[tokio::test]
async fn classifier_is_trained_and_tested_on_its_page() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.project("Caps", "Classification").await;
    let images = TestImages::new();
    browser.upload_class("red", &images.solid_images("red", RED, 6)).await;
    browser.click("Train model").await;
    browser.wait_for_text("Caps isn't ready to train yet").await;
    browser.wait_for_text("at least 2 labels").await;
    browser.click("Back to images").await;
    browser.upload_class("blue", &images.solid_images("blue", BLUE, 6)).await;
    browser.train().await;
    browser.wait_until_trained("Accuracy").await;
    browser.wait_for_text("Confusion matrix").await;
    browser.drop_files(&images.solid_images("other", BLUE, 1)).await;
    browser.wait_for_text("% sure.").await;
    browser.drop_files(&[images.file("x.png", b"no picture")]).await;
    browser.wait_until_text_is_gone("% sure.").await;
    browser.check_console("a model").await;
}

#[tokio::test]
async fn archive_import_adds_classes_and_reports_skipped_files() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.project("Caps", "Classification").await;
    let images = TestImages::new();
    let mut both = images.solid_images("red", RED, 1);
    both.push(images.class_archive());
    browser.choose_files(&both).await;
    browser.wait_for_text("Upload one .zip at a time").await;
    browser.choose_files(&both[1..]).await;
    browser.wait_for_heading("6 images added").await;
    browser.wait_for_text("notes.txt").await;
    browser.reload().await;
    browser.wait_for_heading("6 images added").await;
    browser.click("View images").await;
    browser.wait_for_text("red 3").await;
    browser.wait_for_text("blue 3").await;
}

#[tokio::test]
async fn images_are_uploaded_without_javascript() {
    let (_server, browser) = signed_in(BrowserKind::WithoutScript).await;
    browser.project("Lids", "Object detection").await;
    let images = TestImages::new();
    let mut files = images.solid_images("blue", BLUE, 1);
    files.push(images.file("broken.png", b"no picture"));
    browser.choose_files(&files).await;
    browser.click("Upload").await;
    browser.wait_for_heading("1 of 2 images added").await;
    browser.wait_for_text("broken.png").await;
    browser.click("Back to images").await;
    browser.train_detector_without_script(&images, 3).await;
    browser.wait_for_text("more images.").await;
}

#[tokio::test]
async fn detector_is_trained_and_tested_without_javascript() {
    let (_server, browser) = signed_in(BrowserKind::WithoutScript).await;
    browser.project("Lids", "Object detection").await;
    let images = TestImages::new();
    browser.train_detector_without_script(&images, 24).await;
    browser.expand(".fold").await;
    browser.fill("Training steps", "10").await;
    browser.click("Train model").await;
    browser.wait_for_heading("Model 1").await;
    let started = Instant::now();
    while !browser.text().await.is_ok_and(|text| text.contains("Detection accuracy")) {
        assert!(started.elapsed() < TRAINING, "{:?}", browser.text().await);
        browser.click("Refresh").await;
    }
    browser.wait_for_text("Test images").await;
    browser.click("Run prediction").await;
    browser.wait_for_text("Choose an image, or enter the URL of one.").await;
    browser.choose_files(&images.solid_images("other", BLUE, 1)).await;
    browser.click("Run prediction").await;
    browser.wait_for_text("Boxes with a confidence of at least 30%.").await;
    let address = "http://127.0.0.1:9/lid.png";
    browser.fill("Or image URL", address).await;
    browser.click("Run prediction").await;
    browser.wait_for_text("can't fetch an image from this URL").await;
    assert_eq!(browser.value("Or image URL").await, address);

    browser.click("Rename Model 1").await;
    browser.fill("Name", "Lids at night").await;
    browser.click("Save changes").await;
    browser.wait_for_heading("Lids at night").await;
    browser.click("Train again with the settings of Lids at night").await;
    assert_eq!(browser.value("Training steps").await, "10", "the setting is shown, in an open section");
    browser.goto(PROJECTS).await;
    let images = browser.driver().find_all(By::Css(".card-images img")).await.unwrap();
    assert_eq!(images.len(), 4, "the card of the project shows its newest images");
}
