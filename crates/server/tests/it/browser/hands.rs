//! What people do in a browser: go somewhere, click what has a name, fill in what has a label, press keys.

use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, Key, WebElement};

use super::{Browser, wait};

/// What can be reached: the open dialog alone, where there is one.
const REACH: &str = "(//dialog[@open] | //body[not(descendant::dialog[@open])])";

impl Browser {
    /// Opens a path of the server, or a whole address.
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

    /// Clicks a button, a link or a tab by its name.
    pub(super) async fn click(&self, name: &str) {
        self.act(name, &control(name), async |element| element.click().await).await;
    }

    /// Opens what folds out.
    pub(super) async fn unfold(&self, selector: &str) {
        let all = self.driver().find_all(By::Css(format!("{selector} > summary"))).await.unwrap();
        for summary in all {
            if summary.is_displayed().await.unwrap() {
                // Where a bar lies over it, a person scrolls.
                let arguments = vec![summary.to_json().unwrap()];
                self.driver()
                    .execute("arguments[0].scrollIntoView({ block: 'center' })", arguments)
                    .await
                    .unwrap();
                return summary.click().await.unwrap();
            }
        }
        panic!("nothing folds out: {selector}");
    }

    /// Clicks a choice or a box by the words beside it.
    pub(super) async fn choose(&self, label: &str) {
        let path = format!("//label[span[normalize-space(.)={}]]", quoted(label));
        self.act(label, &path, async |element| element.click().await).await;
    }

    /// Picks from a list by what it says.
    pub(super) async fn pick(&self, label: &str, option: &str) {
        let field = self.field(label).await;
        let option = field.find(By::XPath(format!("./option[normalize-space(.)={}]", quoted(option)))).await;
        option.unwrap().click().await.unwrap();
    }

    /// Types into a field in place of what stood there.
    pub(super) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// What stands in a field.
    pub(super) async fn value(&self, label: &str) -> String {
        self.field(label).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// The field with this label.
    pub(super) async fn field(&self, label: &str) -> WebElement {
        let label = format!("{REACH}//label[normalize-space(text()[1])={}]", quoted(label));
        let path = format!("//*[@id = {label}/@for]");
        self.shown(&path, &label).await
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

    /// What the clipboard holds, pasted into the search field of a page that has one, and taken out again.
    pub(super) async fn pasted(&self) -> String {
        let field = self.field("Search by name or last 4 characters").await;
        field.click().await.unwrap();
        self.press_ctrl('v').await;
        let pasted = wait("something is pasted", async || {
            let value = field.prop("value").await.ok().flatten().unwrap_or_default();
            if value.is_empty() { Err("the field is empty".to_owned()) } else { Ok(value) }
        });
        let pasted = pasted.await;
        field.clear().await.unwrap();
        pasted
    }

    /// Does something with an element, again if the page changed under it.
    async fn act(&self, what: &str, path: &str, act: impl AsyncFn(WebElement) -> WebDriverResult<()>) {
        let path = format!("{REACH}{path}");
        wait(what, async || {
            let element = self.look(&path).await?;
            let acted = act(element.clone()).await.map_err(|error| error.to_string());
            if acted.is_err() {
                // Where something lies over it, a person scrolls.
                let to_the_middle = "arguments[0].scrollIntoView({ block: 'center' })";
                let arguments = vec![element.to_json().map_err(|error| error.to_string())?];
                let _ = self.driver().execute(to_the_middle, arguments).await;
            }
            acted
        })
        .await;
    }

    /// The one element at a path that is shown, when it is.
    pub(super) async fn shown(&self, path: &str, what: &str) -> WebElement {
        wait(what, async || self.look(path).await).await
    }

    async fn look(&self, path: &str) -> Result<WebElement, String> {
        let all = self.driver().find_all(By::XPath(path)).await.map_err(|error| error.to_string())?;
        let mut shown = Vec::new();
        for element in all {
            if element.is_displayed().await.unwrap_or(false) {
                shown.push(element);
            }
        }
        match shown.len() {
            1 => Ok(shown.remove(0)),
            0 => Err(format!("nothing is shown at {path}")),
            many => Err(format!("{many} things are shown at {path}")),
        }
    }
}

/// Buttons, links and the like of this accessible name.
pub(super) fn control(name: &str) -> String {
    let name = quoted(name);
    format!(
        "//*[self::a or self::button or self::summary]\
         [@aria-label={name} or (not(@aria-label) and normalize-space(.)={name})]"
    )
}

pub(super) fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "no XPath string: {text}");
    format!("\"{text}\"")
}
