//! A way past every page and dialog, which stops at each to see whether it is fit.

use serde_json::json;
use thirtyfour::Key;

use super::painted::{BLUE, Painted, RED};
use super::steps::{KEYS, MODELS, PROJECTS, served_to};
use super::{Browser, Kind};
use crate::harness::{SLUG, Server, text};

struct Tour {
    server: Server,
    browser: Browser,
    look: String,
}

/// Walks through a window of this size, in this theme.
pub(super) async fn tour(width: u32, height: u32, theme: &str) {
    let server = served_to(Kind::Usual).await;
    let browser = Browser::open(Kind::Usual, &server).await;
    browser.look_as(width, height, theme).await;
    let tour = Tour { server, browser, look: format!("{theme}-{width}") };
    tour.setup().await;
    tour.making_a_key().await;
    tour.a_key().await;
    tour.lists_of_keys().await;
    tour.projects().await;
    tour.pictures().await;
    tour.a_model().await;
    // Training one takes long: each width and each theme sees it once.
    if (theme, width) == ("light", 1440) || (theme, width) == ("dark", 360) {
        tour.a_detector().await;
    }
    tour.the_rest().await;
}

impl Tour {
    async fn stop(&self, name: &str) {
        self.browser.picture(&format!("{}-{name}", self.look)).await;
        self.browser.is_fit(&format!("{name} ({})", self.look)).await;
    }

    async fn setup(&self) {
        let browser = &self.browser;
        browser.goto(self.server.setup_link.as_deref().unwrap()).await;
        self.stop("setup").await;
        browser.click("Create workspace").await;
        browser.error_beside("Email").await;
        self.stop("setup-errors").await;
        crate::harness::setup(&self.server.data()).run().await.succeeded();
        browser.goto(KEYS).await;
        self.stop("sign-in").await;
        browser.fill("Email", "somebody@example.org").await;
        browser.fill("Password", "something else").await;
        browser.click("Sign in").await;
        browser.sees("do not match").await;
        self.stop("sign-in-refused").await;
        browser.sign_in().await;
        self.stop("keys-empty").await;
    }

    async fn making_a_key(&self) {
        let browser = &self.browser;
        browser.click("Add New Key").await;
        browser.headed("Add New Key").await;
        self.stop("new").await;
        browser.unfold("dialog .fold").await;
        browser.pick("Expiration", "On a date").await;
        browser.click("Generate Key").await;
        browser.sees("Pick Project or Inference.").await;
        self.stop("new-errors").await;
        browser.fill("Name", "Conveyor 2 counter").await;
        browser.choose("Inference").await;
        browser.pick("Expiration", "In 90 days").await;
        browser.click("Generate Key").await;
        browser.headed("Copy your secret key").await;
        self.stop("reveal").await;
        browser.press(Key::Escape).await;
        browser.sees("You haven't copied the secret key.").await;
        self.stop("reveal-asks").await;
        browser.press(Key::Enter).await;
        browser.click("Done").await;
        browser.no_dialog().await;
        browser.row("Conveyor 2 counter").await;
        browser.goto(&format!("{KEYS}/new")).await;
        self.stop("new-page").await;
    }

    async fn a_key(&self) {
        let browser = &self.browser;
        let made = self.server.make_key(&["inference"], &["--expires", "2h"]).await;
        let id = text(&made["id"]);
        let name = text(&made["name"]);
        self.server.post("/api/v1/verify", &text(&made["secret"]), json!({ "workspace": SLUG })).await;
        browser.goto(KEYS).await;
        for (action, words, stop) in [
            ("Edit Scopes of", "The secret key stays the same.", "edit"),
            ("Rotate", "Creates a new secret key.", "rotate"),
            ("Delete", "Requests with this key will fail immediately.", "delete"),
        ] {
            browser.click(&format!("{action} {name}")).await;
            browser.sees(words).await;
            self.stop(stop).await;
            browser.press(Key::Escape).await;
            browser.no_dialog().await;
        }
        browser.click(&format!("Edit Scopes of {name}")).await;
        browser.choose("Project").await;
        browser.click("Save changes").await;
        browser.sees("This change also lets the key:").await;
        self.stop("edit-widening").await;
        browser.click("Save with more access").await;
        browser.sees("was changed").await;
        self.stop("keys-notice").await;
        browser.click(&format!("Rotate {name}")).await;
        browser.choose("24 hours").await;
        browser.click("Rotate Key").await;
        browser.headed("Copy your secret key").await;
        self.stop("rotate-reveal").await;
        browser.click("Copy Secret Key").await;
        browser.click("Done").await;
        browser.no_dialog().await;
        browser.goto(&format!("{KEYS}/{id}")).await;
        self.stop("key").await;
        browser.goto(&format!("{KEYS}/{id}/rotate")).await;
        browser.sees("is still in its grace period").await;
        self.stop("rotate-page").await;
        for page in ["edit", "delete"] {
            browser.goto(&format!("{KEYS}/{id}/{page}")).await;
            self.stop(&format!("{page}-page")).await;
        }
    }

    async fn lists_of_keys(&self) {
        let browser = &self.browser;
        browser.goto(KEYS).await;
        self.stop("keys").await;
        browser.goto(&format!("{KEYS}?q=no+such+key")).await;
        browser.sees("No matching keys").await;
        self.stop("keys-no-results").await;
        for status in ["expired", "deleted"] {
            browser.goto(&format!("{KEYS}?status={status}")).await;
            self.stop(&format!("keys-{status}-empty")).await;
        }
        let gone = self.server.make_key(&["project"], &["--expires", "1s"]).await;
        let gone = text(&gone["id"]);
        super::wait("the key expires", async || {
            browser.goto(&format!("{KEYS}?status=expired")).await;
            let text = browser.text().await?;
            if text.contains("1 key") { Ok(()) } else { Err(text) }
        })
        .await;
        self.stop("keys-expired").await;
        browser.goto(&format!("{KEYS}/{gone}/delete")).await;
        browser.fill("Reason", "found in a public repository").await;
        browser.click("Delete Key").await;
        browser.sees("was deleted.").await;
        browser.goto(&format!("{KEYS}?status=deleted")).await;
        self.stop("keys-deleted").await;
        browser.goto(&format!("{KEYS}/{gone}")).await;
        browser.sees("found in a public repository").await;
        self.stop("key-deleted").await;
        browser.goto(&format!("{KEYS}/{gone}/edit")).await;
        self.stop("key-gone").await;
    }

    async fn projects(&self) {
        let browser = &self.browser;
        browser.goto(PROJECTS).await;
        self.stop("projects-empty").await;
        browser.click("New project").await;
        browser.headed("New project").await;
        self.stop("project-new").await;
        browser.click("Create project").await;
        browser.error_beside("Name").await;
        self.stop("project-new-errors").await;
        browser.fill("Name", "Bottle caps").await;
        browser.fill("Description", "Is the cap on, and is it straight?").await;
        browser.choose("Object detection").await;
        browser.click("Create project").await;
        browser.no_dialog().await;
        browser.goto(PROJECTS).await;
        self.stop("projects").await;
        for (name, stop) in
            [("Rename Bottle caps", "project-rename"), ("Delete Bottle caps", "project-delete")]
        {
            browser.click(name).await;
            browser.sees("Cancel").await;
            self.stop(stop).await;
            browser.press(Key::Escape).await;
            browser.no_dialog().await;
        }
    }

    async fn pictures(&self) {
        let browser = &self.browser;
        let painted = Painted::new();
        browser.project("Lids", "Object detection").await;
        self.stop("project-first").await;
        browser.choose_files(&[painted.boxes(3)]).await;
        browser.headed("3 images were added").await;
        self.stop("import").await;
        browser.click("View images").await;
        browser.sees("lid 3").await;
        self.stop("project-boxes").await;
        browser.click("Train model").await;
        browser.sees("more images with boxes are needed").await;
        self.stop("train-not-yet").await;
        browser.click("Back to images").await;
        browser.no_dialog().await;
        browser.open_first_image().await;
        browser.sees("1 box").await;
        self.stop("image-boxes").await;
    }

    async fn a_model(&self) {
        let browser = &self.browser;
        let painted = Painted::new();
        browser.goto(MODELS).await;
        self.stop("models-empty").await;
        browser.project("Painted caps", "Classification").await;
        browser.drop_files(&[painted.file("broken.png", b"no picture")]).await;
        browser.sees("0 of 1 image was added.").await;
        self.stop("upload-refused").await;
        browser.reload().await;
        browser.class_of_pictures("red", &painted.pictures("red", RED, 5)).await;
        browser.class_of_pictures("blue", &painted.pictures("blue", BLUE, 5)).await;
        browser.choose("Select red-1.png").await;
        // Where the bar covers no image.
        let _: bool =
            browser.run("scrollTo(0, document.documentElement.scrollHeight); return true", vec![]).await;
        self.stop("images-selected").await;
        browser.click("Delete").await;
        browser.headed("Delete 1 image?").await;
        self.stop("images-delete").await;
        browser.click("Cancel").await;
        browser.open_first_image().await;
        self.stop("image-class").await;
        browser.back().await;
        browser.click("Train model").await;
        browser.sees("20% are held out").await;
        self.stop("train").await;
        browser.click("Train model").await;
        browser.headed("Model 1").await;
        self.stop("model-live").await;
        browser.is_ready_at_last("Accuracy").await;
        self.stop("model-ready").await;
        browser.drop_files(&painted.pictures("other", BLUE, 1)).await;
        browser.sees("% sure.").await;
        self.stop("model-tried").await;
        browser.goto(MODELS).await;
        self.stop("models").await;
    }

    async fn a_detector(&self) {
        let browser = &self.browser;
        let painted = Painted::new();
        browser.project("Jars", "Object detection").await;
        browser.choose_files(&[painted.boxes(24)]).await;
        browser.headed("24 images were added").await;
        browser.click("View images").await;
        browser.click("Train model").await;
        browser.sees("20% are held out").await;
        browser.unfold("dialog .fold").await;
        browser.fill("Training steps", "5 or so").await;
        browser.click("Train model").await;
        browser.error_beside("Training steps").await;
        self.stop("train-errors").await;
        browser.fill("Training steps", "10").await;
        browser.click("Train model").await;
        browser.is_ready_at_last("Detection accuracy").await;
        self.stop("detector-ready").await;
        browser.drop_files(&painted.pictures("other", BLUE, 1)).await;
        browser.sees("Boxes that are at least 30 % sure.").await;
        self.stop("detector-tried").await;
    }

    async fn the_rest(&self) {
        let browser = &self.browser;
        browser.goto("/account").await;
        self.stop("account").await;
        browser.goto("/workspaces/new").await;
        self.stop("workspace-new").await;
        browser.goto("/docs").await;
        self.stop("docs").await;
        browser.goto("/no/such/page").await;
        self.stop("error-404").await;
        // What somebody else's page can make a browser do.
        let form = "<form method=post action=ACTION><button>Win a prize</button></form>";
        let action = format!("{}{PROJECTS}/new", browser.origin);
        browser.goto(&format!("data:text/html,{}", form.replace("ACTION", &action))).await;
        browser.click("Win a prize").await;
        browser.headed("You may not do that").await;
        self.stop("error-403").await;
        browser.goto(PROJECTS).await;
        if self.look.ends_with("360") {
            browser.unfold(".drawer").await;
        }
        browser.unfold(".menu").await;
        self.stop("menu").await;
    }
}
