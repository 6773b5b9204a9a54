//! What people see in a browser, and what is there that they do not see.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{ElementId, RequestData, SessionId, WebElement};

use super::hands::{control, quoted};
use super::{Browser, wait};

impl Browser {
    /// Runs a function's body in the page. What it returns may be a promise.
    pub(super) async fn run<T: DeserializeOwned>(&self, script: &str, arguments: Vec<Value>) -> T {
        let answer = self.driver().execute(script, arguments).await;
        answer.unwrap_or_else(|error| panic!("{error}: {script:.200}")).convert().unwrap()
    }

    /// Waits until these words are shown, in the open dialog if there is one.
    pub(super) async fn sees(&self, words: &str) {
        wait(words, async || {
            let text = self.text().await?;
            if text.contains(words) { Ok(()) } else { Err(format!("the page says {text:?}")) }
        })
        .await;
    }

    /// All that the page says now, in the open dialog if there is one, with single spaces.
    pub(super) async fn text(&self) -> Result<String, String> {
        let root =
            self.driver().find(thirtyfour::By::Css("dialog[open], body:not(:has(dialog[open]))")).await;
        let text =
            root.map_err(|error| error.to_string())?.text().await.map_err(|error| error.to_string())?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Demands that these words are not on the page now. A page that is being left is read again.
    pub(super) async fn misses(&self, words: &str) {
        let text = wait("the page can be read", async || self.text().await).await;
        assert!(!text.contains(words), "{words:?} is in {text:?}");
    }

    /// Waits until these words are gone.
    pub(super) async fn loses(&self, words: &str) {
        wait(words, async || {
            let text = self.text().await?;
            if text.contains(words) { Err("they are still there".to_owned()) } else { Ok(()) }
        })
        .await;
    }

    /// Waits until the page or the dialog has this heading.
    pub(super) async fn headed(&self, heading: &str) {
        let path = format!(
            "(//dialog[@open]//h2 | //body[not(descendant::dialog[@open])]//h1)[normalize-space(.)={}]",
            quoted(heading)
        );
        self.shown(&path, heading).await;
    }

    /// Waits until no dialog is open.
    pub(super) async fn no_dialog(&self) {
        wait("the dialog is closed", async || {
            let open = self.driver().find_all(thirtyfour::By::Css("dialog[open]")).await;
            if open.is_ok_and(|open| open.is_empty()) { Ok(()) } else { Err("it is open".to_owned()) }
        })
        .await;
    }

    /// What the row of a thing says.
    pub(super) async fn row(&self, name: &str) -> String {
        let path = format!("//tr[th//*[normalize-space(.)={}]]", quoted(name));
        let text = self.shown(&path, name).await.text().await.unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What the message beside a field says, once the answer to the form is there.
    pub(super) async fn error_beside(&self, label: &str) -> String {
        wait(label, async || self.error_now(label).await).await
    }

    async fn error_now(&self, label: &str) -> Result<String, String> {
        // The field may be replaced by the answer's own while it is looked at.
        let said = |error: thirtyfour::error::WebDriverError| error.to_string();
        let field = self.field(label).await;
        if field.attr("aria-invalid").await.map_err(said)?.as_deref() != Some("true") {
            return Err("it is not marked as invalid".to_owned());
        }
        let described = field.attr("aria-describedby").await.map_err(said)?.unwrap_or_default();
        let id = described.split(' ').find(|id| id.ends_with("-error"));
        let id = id.ok_or_else(|| format!("it is described by {described:?}"))?;
        self.shown(&format!("//*[@id='{id}']"), label).await.text().await.map_err(said)
    }

    /// The path of the page that is shown.
    pub(super) async fn path(&self) -> String {
        let url = self.driver().current_url().await.unwrap();
        url.as_str()
            .strip_prefix(&self.origin)
            .unwrap_or_else(|| panic!("{url} is not of {}", self.origin))
            .to_owned()
    }

    /// Waits until a path is shown.
    pub(super) async fn at(&self, path: &str) {
        wait(path, async || {
            let now = self.path().await;
            if now == path { Ok(()) } else { Err(format!("it is {now}")) }
        })
        .await;
    }

    /// How assistive technology calls the thing that has the focus.
    pub(super) async fn focused(&self) -> String {
        let element = self.driver().active_element().await.unwrap();
        self.name_of(&element).await
    }

    /// How assistive technology calls a button or a link that is found by that name.
    pub(super) async fn name_of_control(&self, name: &str) -> String {
        self.name_of(&self.shown(&control(name), name).await).await
    }

    async fn name_of(&self, element: &WebElement) -> String {
        let answer = self.driver().cmd(ComputedLabel(element.element_id())).await.unwrap();
        answer.value().unwrap()
    }

    /// Everything that the page holds, shown or not: its HTML, what stands in its fields, its storages and addresses.
    pub(super) async fn everything(&self) -> String {
        // Where the browser shows an error of its own there are no storages.
        let fields = "
            const kept = [location.href, history.state];
            try { kept.push(document.cookie, {...localStorage}, {...sessionStorage}); } catch {}
            return JSON.stringify([...kept, [...document.querySelectorAll('input, textarea, select')].map((field) => field.value)]);";
        let source = self.driver().source().await.unwrap();
        let fields: String = self.run(fields, vec![]).await;
        format!("{source}{fields}")
    }

    /// Sets the size of the window's inside, the colours that the system asks for, and that nothing moves.
    pub(super) async fn look_as(&self, width: u32, height: u32, theme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!([
            { "name": "prefers-color-scheme", "value": theme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }
}

/// The name of an element as the accessibility tree has it.
#[derive(Debug)]
struct ComputedLabel(ElementId);

impl FormatRequestData for ComputedLabel {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(http::Method::GET, format!("session/{session}/element/{}/computedlabel", self.0))
    }
}
