//! User input: navigate, click, fill in fields, press keys.

use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, Key, WebElement};

use super::{Browser, wait};

/// The part of the page that accepts input: the open dialog, or the page if no dialog is open.
const REACHABLE: &str = "(//dialog[@open] | //body[not(descendant::dialog[@open])])";

impl Browser {
    /// Opens a path of the server, or a full URL.
    pub(super) async fn goto(&self, path: &str) {
        let url = if path.contains(':') { path.to_owned() } else { format!("{}{path}", self.origin) };
        self.driver().goto(url).await.unwrap();
    }

    pub(super) async fn reload(&self) {
        self.driver().refresh().await.unwrap();
    }

    pub(super) async fn back(&self) {
        self.driver().back().await.unwrap();
    }

    /// Clicks a button, link, or tab by its accessible name.
    pub(super) async fn click(&self, name: &str) {
        self.act(name, &control(name), async |element| element.click().await).await;
    }

    /// Clicks an action of a key: a button on the page of the key, and an entry of the menu in the list of keys.
    pub(super) async fn click_action(&self, action: &str, key: &str) {
        if self.driver().current_url().await.unwrap().path().ends_with("/settings/api-keys") {
            self.click(&format!("More actions for {key}")).await;
        }
        self.click(&format!("{action} {key}")).await;
    }

    /// Expands the visible `details` elements that the selector finds.
    pub(super) async fn expand(&self, selector: &str) {
        let all = self.driver().find_all(By::Css(format!("{selector}:not([open]) > summary"))).await.unwrap();
        let mut expanded = 0;
        for summary in all {
            if summary.is_displayed().await.unwrap() {
                // The sticky bar can cover the element, so scroll first.
                let arguments = vec![summary.to_json().unwrap()];
                self.driver()
                    .execute("arguments[0].scrollIntoView({ block: 'center' })", arguments)
                    .await
                    .unwrap();
                summary.click().await.unwrap();
                expanded += 1;
            }
        }
        assert!(expanded > 0, "no visible details element: {selector}");
    }

    /// Clicks a radio button or checkbox by its label.
    pub(super) async fn choose(&self, label: &str) {
        let path = format!("//label[span[normalize-space(.)={}]]", quoted(label));
        self.act(label, &path, async |element| element.click().await).await;
    }

    /// Selects an option of a list by its text.
    pub(super) async fn pick(&self, label: &str, option: &str) {
        let field = self.field(label).await;
        let option = field.find(By::XPath(format!("./option[normalize-space(.)={}]", quoted(option)))).await;
        option.unwrap().click().await.unwrap();
    }

    /// Replaces the text of a field.
    pub(super) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// The value of a field.
    pub(super) async fn value(&self, label: &str) -> String {
        self.field(label).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// The field with this label.
    pub(super) async fn field(&self, label: &str) -> WebElement {
        let label = format!("{REACHABLE}//label[normalize-space(text()[1])={}]", quoted(label));
        let path = format!("//*[@id = {label}/@for]");
        self.wait_for_element(&path, &label).await
    }

    /// Presses one key.
    pub(super) async fn press(&self, key: impl Into<char>) {
        let key: char = key.into();
        self.driver().action_chain().send_keys(key.to_string()).perform().await.unwrap();
    }

    /// Presses one key while Ctrl is held.
    pub(super) async fn press_ctrl(&self, key: char) {
        let chain = self.driver().action_chain().key_down(Key::Control).send_keys(key.to_string());
        chain.key_up(Key::Control).perform().await.unwrap();
    }

    /// Pastes the clipboard into the search field, returns the text, and clears the field. Works only on a page that has a
    /// search field.
    pub(super) async fn clipboard_text(&self) -> String {
        // A field of the test's own, because the page reacts to text in its fields.
        let field = "const field = document.createElement('textarea');
                     document.body.append(field);
                     field.focus();
                     return field;";
        let field = self.driver().execute(field, vec![]).await.unwrap().element().unwrap();
        self.press_ctrl('v').await;
        let pasted = wait("the field has text", async || {
            let value = field.prop("value").await.ok().flatten().unwrap_or_default();
            if value.is_empty() { Err("the field is empty".to_owned()) } else { Ok(value) }
        });
        let pasted = pasted.await;
        let arguments = vec![field.to_json().unwrap()];
        self.driver().execute("arguments[0].remove()", arguments).await.unwrap();
        pasted
    }

    /// Performs `act` on an element. Repeats it if the page changed in between.
    async fn act(&self, what: &str, path: &str, act: impl AsyncFn(WebElement) -> WebDriverResult<()>) {
        let path = format!("{REACHABLE}{path}");
        wait(what, async || {
            let element = self.find_visible(&path).await?;
            let acted = act(element.clone()).await.map_err(|error| error.to_string());
            if acted.is_err() {
                // Another element can cover this one, so scroll before the next attempt.
                let to_the_middle = "arguments[0].scrollIntoView({ block: 'center' })";
                let arguments = vec![element.to_json().map_err(|error| error.to_string())?];
                let _ = self.driver().execute(to_the_middle, arguments).await;
            }
            acted
        })
        .await;
    }

    /// Waits until exactly one visible element matches the path.
    pub(super) async fn wait_for_element(&self, path: &str, what: &str) -> WebElement {
        wait(what, async || self.find_visible(path).await).await
    }

    async fn find_visible(&self, path: &str) -> Result<WebElement, String> {
        let all = self.driver().find_all(By::XPath(path)).await.map_err(|error| error.to_string())?;
        let mut shown = Vec::new();
        for element in all {
            if element.is_displayed().await.unwrap_or(false) {
                shown.push(element);
            }
        }
        match shown.len() {
            1 => Ok(shown.remove(0)),
            0 => Err(format!("no visible element at {path}")),
            many => Err(format!("{many} visible elements at {path}")),
        }
    }
}

/// The XPath of buttons, links, and summaries with this accessible name.
pub(super) fn control(name: &str) -> String {
    let name = quoted(name);
    format!(
        "//*[self::a or self::button or self::summary]\
         [@aria-label={name} or (not(@aria-label) and normalize-space(.)={name})]"
    )
}

pub(super) fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "not quotable for XPath: {text}");
    format!("\"{text}\"")
}
