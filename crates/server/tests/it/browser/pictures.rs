//! Images and models in a browser: dropped, given classes, trained on, tried.

use std::time::{Duration, Instant};

use super::painted::{BLUE, Painted, RED};
use super::steps::{PROJECTS, signed_in};
use super::{Browser, Kind};

/// A real training takes a while on a machine that runs other tests beside it.
const TRAINING: Duration = Duration::from_mins(5);

impl Browser {
    /// Makes a project of this type and opens it.
    pub(super) async fn project(&self, name: &str, kind: &str) {
        self.goto(&format!("{PROJECTS}/new")).await;
        self.fill("Name", name).await;
        self.choose(kind).await;
        self.click("Create project").await;
        self.sees(&format!("{name} was created.")).await;
        self.headed(name).await;
        self.sees("Upload images").await;
    }

    /// Uploads pictures to the project that is shown, and gives all that are without a label a class.
    pub(super) async fn class_of_pictures(&self, class: &str, files: &[std::path::PathBuf]) {
        let before = self.path().await;
        self.drop_files(files).await;
        self.sees(&format!("No label {}", files.len())).await;
        self.driver()
            .find(thirtyfour::By::XPath("//a[contains(@href, 'show=unlabelled')]"))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        self.sees(&format!("{} images", files.len())).await;
        self.choose("Select all on this page").await;
        self.sees(&format!("{} images selected", files.len())).await;
        self.fill("New label", class).await;
        self.click("Apply label").await;
        self.sees(&format!("{} images became {class}.", files.len())).await;
        self.goto(before.split('?').next().unwrap()).await;
    }

    /// Opens the image that stands first in the grid.
    pub(super) async fn open_first_image(&self) {
        let image = self.driver().find(thirtyfour::By::Css(".tile-picture")).await.unwrap();
        image.click().await.unwrap();
        self.sees("Dimensions").await;
    }

    /// Asks for a model of the project that is shown.
    pub(super) async fn train(&self) {
        self.click("Train model").await;
        self.sees("20% are held out").await;
        self.click("Train model").await;
        self.headed("Model 1").await;
    }

    /// Uploads so many pictures with a box each to the project that is shown, and comes to where a training begins.
    async fn train_detector_without_script(&self, painted: &Painted, pictures: usize) {
        self.choose_files(&[painted.boxes(pictures)]).await;
        self.click("Upload").await;
        super::wait("the import ends", async || {
            self.reload().await;
            let text = self.text().await?;
            if text.contains(&format!("{pictures} images were added")) { Ok(()) } else { Err(text) }
        })
        .await;
        self.click("View images").await;
        self.sees(&format!("lid {pictures}")).await;
        self.click("Train model").await;
    }

    /// Waits until the page of a model shows how good it is.
    pub(super) async fn is_ready_at_last(&self, heading: &str) {
        let started = Instant::now();
        while !self.text().await.is_ok_and(|text| text.contains(heading)) {
            assert!(started.elapsed() < TRAINING, "{:?}", self.text().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn of_three_pictures_that_are_dropped_the_broken_one_says_why_and_the_others_come_in() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.project("Caps", "Classification").await;
    let painted = Painted::new();
    let mut files = painted.pictures("red", RED, 2);
    files.insert(1, painted.file("broken.png", b"\x89PNG\r\n\x1a\nno picture at all"));
    browser.drop_files(&files).await;
    browser.sees("2 of 3 images were added.").await;
    browser.sees("broken.png").await;
    browser.click("View images").await;
    browser.sees("red-0.png").await;
    browser.misses("broken.png").await;
    browser.choose("Select red-0.png").await;
    browser.sees("1 image selected").await;
    browser.choose("Select red-1.png").await;
    browser.fill("New label", "straight").await;
    browser.click("Apply label").await;
    browser.sees("2 images became straight.").await;
    browser.sees("straight 2").await;
    browser.choose("Select red-1.png").await;
    browser.click("Delete").await;
    browser.headed("Delete 1 image?").await;
    browser.click("Delete").await;
    browser.sees("1 image deleted.").await;
    browser.misses("red-1.png").await;
}

#[tokio::test]
async fn a_model_is_trained_watched_and_tried() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.project("Caps", "Classification").await;
    let painted = Painted::new();
    browser.class_of_pictures("red", &painted.pictures("red", RED, 6)).await;
    browser.click("Train model").await;
    browser.sees("Caps isn't ready to train yet").await;
    browser.sees("at least two classes").await;
    browser.click("Back to images").await;
    browser.class_of_pictures("blue", &painted.pictures("blue", BLUE, 6)).await;
    browser.train().await;
    browser.is_ready_at_last("Accuracy").await;
    browser.sees("Confusion matrix").await;
    browser.drop_files(&painted.pictures("other", BLUE, 1)).await;
    browser.sees("% sure.").await;
    browser.drop_files(&[painted.file("x.png", b"no picture")]).await;
    browser.loses("% sure.").await;
    browser.is_quiet("a model").await;
}

#[tokio::test]
async fn an_archive_comes_in_with_its_classes_and_says_what_it_left_out() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.project("Caps", "Classification").await;
    let painted = Painted::new();
    let mut both = painted.pictures("red", RED, 1);
    both.push(painted.classes());
    browser.choose_files(&both).await;
    browser.sees("Nothing was sent: send one archive alone").await;
    browser.choose_files(&both[1..]).await;
    browser.headed("6 images were added").await;
    browser.sees("notes.txt").await;
    browser.reload().await;
    browser.headed("6 images were added").await;
    browser.click("View images").await;
    browser.sees("red 3").await;
    browser.sees("blue 3").await;
}

#[tokio::test]
async fn images_come_in_without_javascript() {
    let (_server, browser) = signed_in(Kind::WithoutScript).await;
    browser.project("Lids", "Object detection").await;
    let painted = Painted::new();
    let mut files = painted.pictures("blue", BLUE, 1);
    files.push(painted.file("broken.png", b"no picture"));
    browser.choose_files(&files).await;
    browser.click("Upload").await;
    browser.headed("1 of 2 images were added").await;
    browser.sees("broken.png").await;
    browser.click("Back to images").await;
    browser.train_detector_without_script(&painted, 3).await;
    browser.sees("more images with boxes are needed").await;
}

#[tokio::test]
async fn a_detector_is_trained_and_tried_without_javascript() {
    let (_server, browser) = signed_in(Kind::WithoutScript).await;
    browser.project("Lids", "Object detection").await;
    let painted = Painted::new();
    browser.train_detector_without_script(&painted, 24).await;
    browser.unfold(".fold").await;
    browser.fill("Training steps", "10").await;
    browser.click("Train model").await;
    browser.headed("Model 1").await;
    let started = Instant::now();
    while !browser.text().await.is_ok_and(|text| text.contains("Detection accuracy")) {
        assert!(started.elapsed() < TRAINING, "{:?}", browser.text().await);
        browser.click("Refresh").await;
    }
    browser.sees("Test images").await;
    browser.click("Run prediction").await;
    browser.sees("Choose an image, or give the address of one.").await;
    browser.choose_files(&painted.pictures("other", BLUE, 1)).await;
    browser.click("Run prediction").await;
    browser.sees("Boxes that are at least 30 % sure.").await;
    let address = "http://127.0.0.1:9/lid.png";
    browser.fill("Or image URL", address).await;
    browser.click("Run prediction").await;
    browser.sees("no picture could be fetched from this URL").await;
    assert_eq!(browser.value("Or image URL").await, address);
}
