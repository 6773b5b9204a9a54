//! The widths and themes in which the tests check each page.

use super::Browser;

pub(super) const WIDE: u32 = 1440;
pub(super) const NARROW: u32 = 360;

/// Each width and each theme once; with `./test --long`, each width in each theme.
pub(super) fn viewports() -> &'static [(u32, &'static str)] {
    const VIEWPORTS: [(u32, &str); 4] =
        [(WIDE, "light"), (NARROW, "dark"), (NARROW, "light"), (WIDE, "dark")];
    if std::env::var_os("KEYRACK_LONG").is_some() { &VIEWPORTS } else { &VIEWPORTS[..2] }
}

impl Browser {
    /// Checks the current page in each viewport and saves a screenshot of each.
    pub(super) async fn check_page_in_each_viewport(&self, name: &str) {
        for (width, theme) in viewports() {
            self.set_viewport(*width, 900, theme).await;
            self.save_screenshot(&format!("{theme}-{width}-{name}")).await;
            self.check_page(&format!("{name} ({theme}-{width})")).await;
        }
        self.set_viewport(WIDE, 900, "light").await;
    }
}
