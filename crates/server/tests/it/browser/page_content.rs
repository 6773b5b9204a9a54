//! The content of a page, visible and hidden.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::error::{WebDriverErrorInner, WebDriverResult};
use thirtyfour::{ElementId, RequestData, SessionId, WebElement};

use super::input::{control, quoted};
use super::{Browser, wait};

impl Browser {
    /// Runs a function body in the page. The result may be a promise.
    pub(super) async fn run<T: DeserializeOwned>(&self, script: &str, arguments: Vec<Value>) -> T {
        let answer = self.driver().execute(script, arguments).await;
        answer.unwrap_or_else(|error| panic!("{error}: {script:.200}")).convert().unwrap()
    }

    /// Waits until this text is visible, in the open dialog if there is one.
    pub(super) async fn wait_for_text(&self, words: &str) {
        wait(words, async || {
            let text = self.text().await?;
            if text.contains(words) { Ok(()) } else { Err(format!("the page shows {text:?}")) }
        })
        .await;
    }

    /// The visible text with single spaces, of the open dialog if there is one.
    pub(super) async fn text(&self) -> Result<String, String> {
        let root =
            self.driver().find(thirtyfour::By::Css("dialog[open], body:not(:has(dialog[open]))")).await;
        let text =
            root.map_err(|error| error.to_string())?.text().await.map_err(|error| error.to_string())?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Panics if this text is visible now. Retries while the browser is navigating.
    pub(super) async fn assert_no_text(&self, words: &str) {
        let text = wait("the page can be read", async || self.text().await).await;
        assert!(!text.contains(words), "{words:?} is in {text:?}");
    }

    /// Waits until this text is no longer visible.
    pub(super) async fn wait_until_text_is_gone(&self, words: &str) {
        wait(words, async || {
            let text = self.text().await?;
            if text.contains(words) { Err("the text is still visible".to_owned()) } else { Ok(()) }
        })
        .await;
    }

    /// Waits until the page or the open dialog has this heading.
    pub(super) async fn wait_for_heading(&self, heading: &str) {
        let path = format!(
            "(//dialog[@open]//h2 | //body[not(descendant::dialog[@open])]//h1)[normalize-space(.)={}]",
            quoted(heading)
        );
        self.wait_for_element(&path, heading).await;
    }

    /// Waits until no dialog is open and the page below it is up to date.
    pub(super) async fn wait_until_dialog_is_closed(&self) {
        wait("the dialog is closed", async || {
            let open = self.driver().find_all(thirtyfour::By::Css("dialog, body[aria-busy]")).await;
            if open.is_ok_and(|open| open.is_empty()) {
                Ok(())
            } else {
                Err("a dialog is open or a page is loading".to_owned())
            }
        })
        .await;
    }

    /// The text of the table row with this name.
    pub(super) async fn row_text(&self, name: &str) -> String {
        let path = format!("//tr[th//*[normalize-space(.)={}]]", quoted(name));
        let row = self.wait_for_element(&path, name).await.to_json().unwrap();
        let script = "const on_hover = [...arguments[0].querySelectorAll('.chip-state, [role=tooltip] > span')];
            return [arguments[0].innerText, ...on_hover.map((one) => one.title || one.textContent)].join(' ');";
        let text: String = self.driver().execute(script, vec![row]).await.unwrap().convert().unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The error message of a field. Waits until the response to the form is shown.
    pub(super) async fn error_beside(&self, label: &str) -> String {
        wait(label, async || self.error_now(label).await).await
    }

    async fn error_now(&self, label: &str) -> Result<String, String> {
        // The response can replace the field in between.
        let message = |error: thirtyfour::error::WebDriverError| error.to_string();
        let field = self.field(label).await;
        if field.attr("aria-invalid").await.map_err(message)?.as_deref() != Some("true") {
            return Err("the field is not marked as invalid".to_owned());
        }
        let described = field.attr("aria-describedby").await.map_err(message)?.unwrap_or_default();
        let id = described.split(' ').find(|id| id.ends_with("-error"));
        let id = id.ok_or_else(|| format!("the field is described by {described:?}"))?;
        self.wait_for_element(&format!("//*[@id='{id}']"), label).await.text().await.map_err(message)
    }

    /// The path of the current page.
    pub(super) async fn path(&self) -> String {
        let url = self.driver().current_url().await.unwrap();
        url.as_str()
            .strip_prefix(&self.origin)
            .unwrap_or_else(|| panic!("{url} is not of {}", self.origin))
            .to_owned()
    }

    /// Waits until the current page has this path.
    pub(super) async fn wait_for_path(&self, path: &str) {
        wait(path, async || {
            let now = self.path().await;
            if now == path { Ok(()) } else { Err(format!("the path is {now}")) }
        })
        .await;
    }

    /// The accessible name of the focused element. Looks again if a new page replaced the element in between.
    pub(super) async fn focused_name(&self) -> String {
        loop {
            let element = self.driver().active_element().await.unwrap();
            match self.name_of(&element).await {
                Err(error) if matches!(*error, WebDriverErrorInner::StaleElementReference(_)) => {}
                name => return name.unwrap(),
            }
        }
    }

    /// The accessible name of the control that [`control`] finds by `name`.
    pub(super) async fn name_of_control(&self, name: &str) -> String {
        self.name_of(&self.wait_for_element(&control(name), name).await).await.unwrap()
    }

    async fn name_of(&self, element: &WebElement) -> WebDriverResult<String> {
        self.driver().cmd(ComputedLabel(element.element_id())).await?.value()
    }

    /// All content of the page, visible or not: HTML, field values, storages, history state, and address.
    pub(super) async fn all_content(&self) -> String {
        // A browser error page has no storages.
        let fields = "
            const kept = [location.href, history.state];
            try { kept.push(document.cookie, {...localStorage}, {...sessionStorage}); } catch {}
            return JSON.stringify([...kept, [...document.querySelectorAll('input, textarea, select')].map((field) => field.value)]);";
        let source = self.driver().source().await.unwrap();
        let fields: String = self.run(fields, vec![]).await;
        format!("{source}{fields}")
    }

    /// Sets the size of the viewport and the color scheme, and disables animations.
    pub(super) async fn set_viewport(&self, width: u32, height: u32, theme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!([
            { "name": "prefers-color-scheme", "value": theme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }
}

/// The WebDriver command that returns an element's accessible name.
#[derive(Debug)]
struct ComputedLabel(ElementId);

impl FormatRequestData for ComputedLabel {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(http::Method::GET, format!("session/{session}/element/{}/computedlabel", self.0))
    }
}
