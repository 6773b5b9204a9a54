//! Every page and dialog passes the page checks in each viewport.

use super::viewports::{NARROW, WIDE, viewports};
use super::walkthrough::walk_through;

#[tokio::test]
async fn every_page_on_wide_screen_passes_page_checks() {
    for (width, theme) in viewports().iter().filter(|(width, _)| *width == WIDE) {
        walk_through(*width, 900, theme).await;
    }
}

#[tokio::test]
async fn every_page_on_narrow_screen_passes_page_checks() {
    for (width, theme) in viewports().iter().filter(|(width, _)| *width == NARROW) {
        walk_through(*width, 740, theme).await;
    }
}
