//! Checks for every page: accessible, no wider than the window, and without errors in the console.

use std::path::Path;

use serde_json::Value;

use super::Browser;

/// The path of axe-core, which `./test` installs.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/axe.min.js");

const CHECK: &str = "
    const found = await axe.run(document, { resultTypes: ['violations'],
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return found.violations.map((one) => `${one.id}: ${one.help}\\n` +
        one.nodes.map((node) => `  ${node.target.join(' ')}: ${node.failureSummary}`).join('\\n'));";

const WIDER_THAN_THE_WINDOW: &str = "
    const roots = [document.documentElement, ...document.querySelectorAll('dialog[open]')];
    return roots.some((root) => root.scrollWidth > root.clientWidth)
        ? [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
            .map((one) => `${one.tagName}.${one.className}`).concat('too wide')
        : [];";

/// A dialog may scroll only if the window is too low for it.
const SCROLLS_WITHOUT_NEED: &str = "
    const dialog = document.querySelector('dialog[open]');
    return !!dialog && dialog.scrollHeight > dialog.clientHeight && dialog.offsetHeight < innerHeight - 33;";

const FROM_ELSEWHERE: &str = "
    return performance.getEntriesByType('resource').map((one) => one.name)
        .filter((name) => new URL(name).origin !== location.origin && !name.startsWith('data:'));";

impl Browser {
    /// Panics if the current page fails a check. `name` identifies the page in the failure.
    pub(super) async fn check_page(&self, name: &str) {
        let axe = std::fs::read_to_string(AXE)
            .unwrap_or_else(|error| panic!("cannot read axe-core ({error}): ./test installs it at {AXE}"));
        self.run::<Value>(&format!("if (!window.axe) {{ {axe} }}"), vec![]).await;
        let violations: Vec<String> =
            self.run(&format!("return (async () => {{ {CHECK} }})()"), vec![]).await;
        assert!(violations.is_empty(), "axe on {name}:\n{}", violations.join("\n"));
        let wide: Vec<String> = self.run(WIDER_THAN_THE_WINDOW, vec![]).await;
        assert!(wide.is_empty(), "{name} is wider than the window: {wide:?}");
        let scrolls: bool = self.run(SCROLLS_WITHOUT_NEED, vec![]).await;
        assert!(!scrolls, "the dialog of {name} scrolls although it fits");
        let foreign: Vec<String> = self.run(FROM_ELSEWHERE, vec![]).await;
        assert!(foreign.is_empty(), "{name} loads resources of other origins: {foreign:?}");
        self.check_console(name).await;
    }

    /// Panics if the console contains an error since the last call: no script errors, no violations of the
    /// Content-Security-Policy.
    pub(super) async fn check_console(&self, name: &str) {
        let log = self.driver().browser_log().await.unwrap();
        // Browsers log a 4xx response as an error, although the page expects it.
        let expected = |text: &str| text.contains("the server responded with a status of 4");
        let loud: Vec<_> =
            log.iter().filter(|entry| entry.level != "INFO" && !expected(&entry.message)).collect();
        assert!(loud.is_empty(), "the console has errors on {name}: {loud:#?}");
    }

    /// Saves a screenshot if `KEYRACK_SCREENSHOTS` names a folder.
    pub(super) async fn save_screenshot(&self, name: &str) {
        let Some(folder) = std::env::var_os("KEYRACK_SCREENSHOTS") else { return };
        std::fs::create_dir_all(&folder).unwrap();
        self.driver().screenshot(&Path::new(&folder).join(format!("{name}.png"))).await.unwrap();
    }
}
