//! Every page and dialog, for all eyes and on all screens.

use super::tour::tour;

#[tokio::test]
async fn every_page_is_fit_for_everybody_on_a_wide_light_screen() {
    tour(1440, 900, "light").await;
}

#[tokio::test]
async fn every_page_is_fit_for_everybody_on_a_wide_dark_screen() {
    tour(1440, 900, "dark").await;
}

#[tokio::test]
async fn every_page_is_fit_for_everybody_on_a_narrow_light_screen() {
    tour(360, 740, "light").await;
}

#[tokio::test]
async fn every_page_is_fit_for_everybody_on_a_narrow_dark_screen() {
    tour(360, 740, "dark").await;
}
