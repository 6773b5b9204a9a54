//! Visits every page and dialog and checks each one.

use serde_json::json;
use thirtyfour::Key;

use super::steps::{KEYS, MODELS, PROJECTS, start_server};
use super::test_images::{BLUE, RED, TestImages};
use super::{Browser, BrowserKind};
use crate::harness::{SLUG, Server, text};

struct Walkthrough {
    server: Server,
    browser: Browser,
    viewport: String,
}

/// Visits all pages in a window of this size, in this theme.
pub(super) async fn walk_through(width: u32, height: u32, theme: &str) {
    let server = start_server(BrowserKind::Usual).await;
    let browser = Browser::open(BrowserKind::Usual, &server).await;
    browser.set_viewport(width, height, theme).await;
    let walkthrough = Walkthrough { server, browser, viewport: format!("{theme}-{width}") };
    walkthrough.visit_setup().await;
    walkthrough.visit_key_creation().await;
    walkthrough.visit_key().await;
    walkthrough.visit_key_lists().await;
    walkthrough.visit_projects().await;
    walkthrough.visit_images().await;
    walkthrough.visit_classifier().await;
    // Training a detector takes long, so it runs once for each width and theme.
    if (theme, width) == ("light", 1440) || (theme, width) == ("dark", 360) {
        walkthrough.visit_detector().await;
    }
    walkthrough.visit_other_pages().await;
}

impl Walkthrough {
    async fn check(&self, name: &str) {
        self.browser.save_screenshot(&format!("{}-{name}", self.viewport)).await;
        self.browser.check_page(&format!("{name} ({})", self.viewport)).await;
    }

    async fn visit_setup(&self) {
        let browser = &self.browser;
        browser.goto(self.server.setup_link.as_deref().unwrap()).await;
        self.check("setup").await;
        browser.click("Create workspace").await;
        browser.error_beside("Email").await;
        self.check("setup-errors").await;
        crate::harness::setup(&self.server.data()).run().await.assert_succeeded();
        browser.goto(KEYS).await;
        self.check("sign-in").await;
        browser.fill("Email", "somebody@example.org").await;
        browser.fill("Password", "something else").await;
        browser.click("Sign in").await;
        browser.wait_for_text("Incorrect email or password.").await;
        self.check("sign-in-refused").await;
        browser.sign_in().await;
        self.check("keys-empty").await;
    }

    async fn visit_key_creation(&self) {
        let browser = &self.browser;
        browser.click("Add New Key").await;
        browser.wait_for_heading("Add New Key").await;
        self.check("new").await;
        browser.expand("dialog .fold").await;
        browser.pick("Expiration", "On a date").await;
        browser.click("Generate Key").await;
        browser.wait_for_text("Choose Project or Inference.").await;
        self.check("new-errors").await;
        browser.fill("Name", "Conveyor 2 counter").await;
        browser.choose("Inference").await;
        browser.pick("Expiration", "In 90 days").await;
        browser.click("Generate Key").await;
        browser.wait_for_heading("Copy your secret key").await;
        self.check("reveal").await;
        browser.press(Key::Escape).await;
        browser.wait_for_text("You haven't copied the secret key.").await;
        self.check("reveal-asks").await;
        browser.press(Key::Enter).await;
        browser.click("Done").await;
        browser.wait_until_dialog_is_closed().await;
        browser.row_text("Conveyor 2 counter").await;
        browser.goto(&format!("{KEYS}/new")).await;
        self.check("new-page").await;
    }

    async fn visit_key(&self) {
        let browser = &self.browser;
        let created = self.server.create_key(&["inference"], &["--expires", "2h"]).await;
        let id = text(&created["id"]);
        let name = text(&created["name"]);
        self.server.post("/api/v1/verify", &text(&created["secret"]), json!({ "workspace": SLUG })).await;
        browser.goto(KEYS).await;
        for (action, words, check_name) in [
            ("Edit Scopes of", "The secret key stays the same.", "edit"),
            ("Rotate", "Creates a new secret key.", "rotate"),
            ("Delete", "Requests with this key will fail immediately.", "delete"),
        ] {
            browser.click_action(action, &name).await;
            browser.wait_for_text(words).await;
            self.check(check_name).await;
            browser.press(Key::Escape).await;
            browser.wait_until_dialog_is_closed().await;
        }
        browser.click_action("Edit Scopes of", &name).await;
        browser.choose("Project").await;
        browser.click("Save changes").await;
        browser.wait_for_text("This change also lets the key:").await;
        self.check("edit-widening").await;
        browser.click("Save with more access").await;
        browser.wait_for_text("updated").await;
        self.check("keys-notice").await;
        browser.click_action("Rotate", &name).await;
        browser.choose("24 hours").await;
        browser.click("Rotate Key").await;
        browser.wait_for_heading("Copy your secret key").await;
        self.check("rotate-reveal").await;
        browser.click("Copy Secret Key").await;
        browser.click("Done").await;
        browser.wait_until_dialog_is_closed().await;
        browser.goto(&format!("{KEYS}/{id}")).await;
        self.check("key").await;
        browser.goto(&format!("{KEYS}/{id}/rotate")).await;
        browser.wait_for_text("is still in its grace period").await;
        self.check("rotate-page").await;
        for page in ["edit", "delete"] {
            browser.goto(&format!("{KEYS}/{id}/{page}")).await;
            self.check(&format!("{page}-page")).await;
        }
    }

    async fn visit_key_lists(&self) {
        let browser = &self.browser;
        browser.goto(KEYS).await;
        self.check("keys").await;
        browser.goto(&format!("{KEYS}?q=no+such+key")).await;
        browser.wait_for_text("No matching keys").await;
        self.check("keys-no-results").await;
        for status in ["expired", "deleted"] {
            browser.goto(&format!("{KEYS}?status={status}")).await;
            self.check(&format!("keys-{status}-empty")).await;
        }
        let expired = self.server.create_key(&["project"], &["--expires", "1s"]).await;
        let expired = text(&expired["id"]);
        super::wait("the key expires", async || {
            browser.goto(&format!("{KEYS}?status=expired")).await;
            let text = browser.text().await?;
            if text.contains("1 key") { Ok(()) } else { Err(text) }
        })
        .await;
        self.check("keys-expired").await;
        browser.goto(&format!("{KEYS}/{expired}/delete")).await;
        browser.fill("Reason", "found in a public repository").await;
        browser.click("Delete Key").await;
        browser.wait_for_text(" deleted.").await;
        browser.goto(&format!("{KEYS}?status=deleted")).await;
        self.check("keys-deleted").await;
        browser.goto(&format!("{KEYS}/{expired}")).await;
        browser.wait_for_text("found in a public repository").await;
        self.check("key-deleted").await;
        browser.goto(&format!("{KEYS}/{expired}/edit")).await;
        self.check("key-gone").await;
    }

    async fn visit_projects(&self) {
        let browser = &self.browser;
        browser.goto(PROJECTS).await;
        self.check("projects-empty").await;
        browser.click("New project").await;
        browser.wait_for_heading("New project").await;
        self.check("project-new").await;
        browser.click("Create project").await;
        browser.error_beside("Name").await;
        self.check("project-new-errors").await;
        browser.fill("Name", "Bottle caps").await;
        browser.fill("Description", "Is the cap on, and is it straight?").await;
        browser.choose("Object detection").await;
        browser.click("Create project").await;
        browser.wait_until_dialog_is_closed().await;
        browser.goto(PROJECTS).await;
        self.check("projects").await;
        for (name, check_name) in
            [("Rename Bottle caps", "project-rename"), ("Delete Bottle caps", "project-delete")]
        {
            browser.click(name).await;
            browser.wait_for_text("Cancel").await;
            self.check(check_name).await;
            browser.press(Key::Escape).await;
            browser.wait_until_dialog_is_closed().await;
        }
    }

    async fn visit_images(&self) {
        let browser = &self.browser;
        let images = TestImages::new();
        browser.project("Lids", "Object detection").await;
        self.check("project-first").await;
        browser.choose_files(&[images.box_archive(3)]).await;
        browser.wait_for_heading("3 images added").await;
        self.check("import").await;
        browser.click("View images").await;
        browser.wait_for_text("lid 3").await;
        self.check("project-boxes").await;
        browser.click("Train model").await;
        browser.wait_for_text("more images.").await;
        self.check("train-not-yet").await;
        browser.click("Back to images").await;
        browser.wait_until_dialog_is_closed().await;
        browser.open_first_image().await;
        browser.wait_for_text("1 box").await;
        self.check("image-boxes").await;
    }

    async fn visit_classifier(&self) {
        let browser = &self.browser;
        let images = TestImages::new();
        browser.goto(MODELS).await;
        self.check("models-empty").await;
        browser.project("Painted caps", "Classification").await;
        browser.drop_files(&[images.file("broken.png", b"no picture")]).await;
        browser.wait_for_text("0 of 1 image added.").await;
        self.check("upload-refused").await;
        browser.reload().await;
        browser.upload_class("red", &images.solid_images("red", RED, 5)).await;
        browser.upload_class("blue", &images.solid_images("blue", BLUE, 5)).await;
        browser.choose("Select red-1.png").await;
        // Scroll to where the bar covers no image.
        let _: bool =
            browser.run("scrollTo(0, document.documentElement.scrollHeight); return true", vec![]).await;
        self.check("images-selected").await;
        browser.click("Delete").await;
        browser.wait_for_heading("Delete 1 image?").await;
        self.check("images-delete").await;
        browser.click("Cancel").await;
        browser.open_first_image().await;
        self.check("image-class").await;
        browser.back().await;
        browser.click("Train model").await;
        browser.wait_for_text("20% are held out").await;
        self.check("train").await;
        browser.click("Train model").await;
        browser.wait_for_heading("Model 1").await;
        self.check("model-live").await;
        browser.wait_until_trained("Accuracy").await;
        self.check("model-ready").await;
        browser.drop_files(&images.solid_images("other", BLUE, 1)).await;
        browser.wait_for_text("% sure.").await;
        self.check("model-tried").await;
        browser.goto(MODELS).await;
        self.check("models").await;
    }

    async fn visit_detector(&self) {
        let browser = &self.browser;
        let images = TestImages::new();
        browser.project("Jars", "Object detection").await;
        browser.choose_files(&[images.box_archive(24)]).await;
        browser.wait_for_heading("24 images added").await;
        browser.click("View images").await;
        browser.click("Train model").await;
        browser.wait_for_text("20% are held out").await;
        browser.expand("dialog .fold").await;
        browser.fill("Training steps", "5 or so").await;
        browser.click("Train model").await;
        browser.error_beside("Training steps").await;
        self.check("train-errors").await;
        browser.fill("Training steps", "10").await;
        browser.click("Train model").await;
        browser.wait_until_trained("Detection accuracy").await;
        self.check("detector-ready").await;
        browser.drop_files(&images.solid_images("other", BLUE, 1)).await;
        browser.wait_for_text("Boxes with a confidence of at least 30%.").await;
        self.check("detector-tried").await;
    }

    async fn visit_other_pages(&self) {
        let browser = &self.browser;
        browser.goto("/account").await;
        self.check("account").await;
        browser.goto("/workspaces/new").await;
        self.check("workspace-new").await;
        browser.goto("/docs").await;
        self.check("docs").await;
        browser.goto("/no/such/page").await;
        self.check("error-404").await;
        // A page of another site can submit this form.
        let form = "<form method=post action=ACTION><button>Win a prize</button></form>";
        let action = format!("{}{PROJECTS}/new", browser.origin);
        browser.goto(&format!("data:text/html,{}", form.replace("ACTION", &action))).await;
        browser.click("Win a prize").await;
        browser.wait_for_heading("You don't have access").await;
        self.check("error-403").await;
        browser.goto(PROJECTS).await;
        if self.viewport.ends_with("360") {
            browser.expand(".drawer").await;
        }
        browser.expand(".menu").await;
        self.check("menu").await;
    }
}
