//! The widths and themes in which a page is looked at.

use super::Browser;

pub(super) const WIDE: u32 = 1440;
pub(super) const NARROW: u32 = 360;

/// Each width and each theme once; with `./test --long`, each width in each theme.
pub(super) fn looks() -> &'static [(u32, &'static str)] {
    const LOOKS: [(u32, &str); 4] = [(WIDE, "light"), (NARROW, "dark"), (NARROW, "light"), (WIDE, "dark")];
    if std::env::var_os("KEYRACK_LONG").is_some() { &LOOKS } else { &LOOKS[..2] }
}

impl Browser {
    /// Demands in each look of what is shown now what every page must be, and keeps its pictures.
    pub(super) async fn is_fit_in_each_look(&self, name: &str) {
        for (width, theme) in looks() {
            self.look_as(*width, 900, theme).await;
            self.picture(&format!("{theme}-{width}-{name}")).await;
            self.is_fit(&format!("{name} ({theme}-{width})")).await;
        }
        self.look_as(WIDE, 900, "light").await;
    }
}
