//! The General page: the workspace's name, and a policy that its keys obey.

use super::Kind;
use super::steps::{KEYS, signed_in};

/// Where the page is.
pub(super) const GENERAL: &str = "/w/northfield-vision/settings/general";

#[tokio::test]
async fn a_policy_is_set_and_the_form_of_a_key_says_it() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.key("for ever", "Inference").await;
    browser.click("General").await;
    browser.headed("General").await;
    browser.sees("Keys don't expire unless you set an expiration.").await;
    browser.click("Edit").await;
    browser.headed("Edit settings").await;
    browser.fill("Maximum key lifetime (days)", "a month").await;
    browser.click("Save changes").await;
    let says = browser.error_beside("Maximum key lifetime (days)").await;
    assert!(says.contains("a whole number of days from 1 to 3650"), "{says}");
    browser.fill("Maximum key lifetime (days)", "45").await;
    browser.fill("Rotate keys every (days)", "30").await;
    browser.fill("Name", "Northfield 2").await;
    browser.click("Save changes").await;
    browser.sees("The settings were saved.").await;
    browser.no_dialog().await;
    browser.sees("Northfield 2").await;
    browser.sees("45 days").await;
    // What exists stays as it is, and is named.
    browser.sees("Keys outside the policy").await;
    browser.click("for ever").await;
    browser.headed("for ever").await;

    browser.goto(KEYS).await;
    browser.click("Add New Key").await;
    browser.headed("Add New Key").await;
    browser.sees("Expires in 45 days").await;
    browser.unfold("dialog .fold").await;
    browser.sees("This workspace lets a key live for 45 days at most.").await;
    let offered: Vec<String> = browser
        .run(
            "return [...document.querySelectorAll('dialog #f-expiry option')].map((one) => one.text)",
            vec![],
        )
        .await;
    assert_eq!(offered, ["In 30 days", "In 45 days, the longest here", "On a date"]);
    browser.fill("Name", "as usual").await;
    browser.choose("Inference").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your secret key").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    let row = browser.row("as usual").await;
    assert!(row.contains("in 45 days"), "{row}");

    browser.click("Edit Scopes of for ever").await;
    browser.headed("Edit Scopes").await;
    browser.fill("Name", "still for ever").await;
    browser.click("Save changes").await;
    browser.sees("still for ever was changed.").await;
    let row = browser.row("still for ever").await;
    // Neither used nor ending.
    assert_eq!(row.matches("Never").count(), 2, "{row}");
    browser.is_quiet("a policy").await;
}

#[tokio::test]
async fn without_javascript_it_is_set_too_and_a_later_end_is_refused() {
    let (_server, browser) = signed_in(Kind::WithoutScript).await;
    browser.click("General").await;
    browser.click("Edit").await;
    browser.fill("Maximum key lifetime (days)", "7").await;
    browser.click("Save changes").await;
    browser.sees("The settings were saved.").await;
    browser.sees("7 days").await;
    browser.click("API Keys").await;
    browser.click("Add New Key").await;
    browser.unfold(".fold").await;
    browser.fill("Name", "too long").await;
    browser.choose("Inference").await;
    browser.pick("Expiration", "On a date").await;
    // A date field takes the order of the country: month, day, year.
    browser.field("Expiration date (UTC)").await.send_keys("12312030").await.unwrap();
    browser.click("Generate Key").await;
    let says = browser.error_beside("Expiration date (UTC)").await;
    assert!(says.contains("at most 7 days ahead") || says.contains("At most 7 days ahead"), "{says}");
}
