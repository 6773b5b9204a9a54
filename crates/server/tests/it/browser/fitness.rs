//! Every page and dialog, for all eyes and on all screens.

use super::looks::{NARROW, WIDE, looks};
use super::tour::tour;

#[tokio::test]
async fn every_page_is_fit_for_everybody_on_a_wide_screen() {
    for (width, theme) in looks().iter().filter(|(width, _)| *width == WIDE) {
        tour(*width, 900, theme).await;
    }
}

#[tokio::test]
async fn every_page_is_fit_for_everybody_on_a_narrow_screen() {
    for (width, theme) in looks().iter().filter(|(width, _)| *width == NARROW) {
        tour(*width, 740, theme).await;
    }
}
