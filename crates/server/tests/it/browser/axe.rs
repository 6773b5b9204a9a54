//! What every page must be: open to everybody, no wider than its window, and quiet.

use std::path::Path;

use serde_json::Value;

use super::Browser;

/// axe-core, which `./test` puts there.
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

/// A dialog scrolls when the window is too low for it, and never else.
const SCROLLS_WITHOUT_NEED: &str = "
    const dialog = document.querySelector('dialog[open]');
    return !!dialog && dialog.scrollHeight > dialog.clientHeight && dialog.offsetHeight < innerHeight - 33;";

const FROM_ELSEWHERE: &str = "
    return performance.getEntriesByType('resource').map((one) => one.name)
        .filter((name) => new URL(name).origin !== location.origin && !name.startsWith('data:'));";

impl Browser {
    /// Demands of the page as it stands now what every page must be. `name` is for whoever reads the failure.
    pub(super) async fn is_fit(&self, name: &str) {
        let axe = std::fs::read_to_string(AXE)
            .unwrap_or_else(|error| panic!("cannot read axe-core ({error}): ./test puts it to {AXE}"));
        self.run::<Value>(&format!("if (!window.axe) {{ {axe} }}"), vec![]).await;
        let violations: Vec<String> =
            self.run(&format!("return (async () => {{ {CHECK} }})()"), vec![]).await;
        assert!(violations.is_empty(), "axe on {name}:\n{}", violations.join("\n"));
        let wide: Vec<String> = self.run(WIDER_THAN_THE_WINDOW, vec![]).await;
        assert!(wide.is_empty(), "{name} scrolls sideways: {wide:?}");
        let scrolls: bool = self.run(SCROLLS_WITHOUT_NEED, vec![]).await;
        assert!(!scrolls, "the dialog of {name} scrolls though there is room");
        let foreign: Vec<String> = self.run(FROM_ELSEWHERE, vec![]).await;
        assert!(foreign.is_empty(), "{name} loads from elsewhere: {foreign:?}");
        self.is_quiet(name).await;
    }

    /// Demands that nothing has gone wrong in the browser since it was asked last: no script error, nothing that the
    /// Content-Security-Policy refused.
    pub(super) async fn is_quiet(&self, name: &str) {
        let log = self.driver().browser_log().await.unwrap();
        // An answer such as 422 is logged as an error though the page is made for it.
        let expected = |text: &str| text.contains("the server responded with a status of 4");
        let loud: Vec<_> =
            log.iter().filter(|entry| entry.level != "INFO" && !expected(&entry.message)).collect();
        assert!(loud.is_empty(), "the browser complains on {name}: {loud:#?}");
    }

    /// Keeps a picture of what is shown, if `KEYRACK_SCREENSHOTS` names a folder for them.
    pub(super) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("KEYRACK_SCREENSHOTS") else { return };
        std::fs::create_dir_all(&folder).unwrap();
        self.driver().screenshot(&Path::new(&folder).join(format!("{name}.png"))).await.unwrap();
    }
}
