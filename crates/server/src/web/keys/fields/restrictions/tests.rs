use proptest::prelude::*;

use super::*;

const PROJECT: &str = "prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
const MODEL: &str = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";

fn typed(networks: &str) -> Result<String, String> {
    let form = RestrictionsForm { networks: Some(networks.to_owned()), ..RestrictionsForm::default() };
    match form.parse_with(&Restrictions::NONE) {
        Ok(own) => Ok(lines(&own.networks)),
        Err(invalid) => Err(invalid.of(NETWORKS).unwrap()),
    }
}

#[test]
fn invalid_network_line_is_named_with_a_suggestion() {
    assert_eq!(typed(" \n203.0.113.7\r\n\r\n10.4.0.0/16 ").as_deref(), Ok("10.4.0.0/16\n203.0.113.7/32"));
    let message = typed("10.4.0.0/16\n\n10.4.0.17/16").unwrap_err();
    assert!(message.starts_with("line 3, “10.4.0.17/16”: ") && message.contains("10.4.0.0/16"), "{message}");
    assert!(typed("10.4.0.0/16, 10.5.0.0/16").unwrap_err().starts_with("line 1, "));
    assert_eq!(typed(&"10.4.0.0/16\n".repeat(101)).unwrap_err(), "Enter 100 lines or fewer.");
    let message = typed(&format!("\u{202E}{}", "x".repeat(5_000))).unwrap_err();
    assert!(message.len() < 300 && message.contains('…') && !message.contains('\u{202E}'), "{message}");
}

#[test]
fn saving_an_unchanged_form_keeps_empty_lists() {
    let nothing = Restrictions {
        projects: Allowlist::Only([].into()),
        models: Allowlist::Only([].into()),
        networks: Allowlist::Only([].into()),
        origins: Allowlist::Only([].into()),
        ..Restrictions::NONE
    };
    assert_eq!(RestrictionsForm::of(&nothing).parse_with(&nothing).unwrap(), nothing);
    assert_eq!(RestrictionsForm::of(&Restrictions::NONE).parse_with(&nothing).unwrap(), Restrictions::NONE);
    assert_eq!(
        RestrictionsForm::default().parse_with(&nothing).unwrap(),
        nothing,
        "missing fields keep their restriction"
    );
}

#[test]
fn selected_list_without_entries_is_rejected() {
    let form = |ticked: &[&str]| RestrictionsForm {
        only_projects: Some("these".to_owned()),
        ticked: ticked.iter().map(|id| ((*id).to_owned(), "on".to_owned())).collect(),
        ..RestrictionsForm::default()
    };
    let invalid = form(&[MODEL, "prj_x", "nonsense"]).parse_with(&Restrictions::NONE).unwrap_err();
    assert!(invalid.of(PROJECTS).unwrap().contains("Select at least one project"));
    let own = form(&[PROJECT, MODEL]).parse_with(&Restrictions::NONE).unwrap();
    assert_eq!(own.projects, Allowlist::Only([PROJECT.parse().unwrap()].into()));
    assert!(own.models.is_any(), "the choice of all models ignores ticked models");
}

#[test]
fn image_size_parses_megabytes_to_the_byte() {
    let bytes = |text: &str| size(text).map(|size| size.map(NonZeroU32::get));
    assert_eq!(bytes(" "), Ok(None));
    for (text, expected) in [
        ("2", 2_000_000),
        ("0.5", 500_000),
        ("0,25", 250_000),
        ("1.", 1_000_000),
        ("0.000001", 1),
        ("007", 7_000_000),
    ] {
        assert_eq!(bytes(text), Ok(Some(expected)), "{text}");
    }
    for wrong in [
        "0",
        "0.0",
        "-1",
        "+1",
        ".5",
        "1e3",
        "2 MB",
        "0.0000001",
        "99999999999999999999",
        "4295",
        "1.2.3",
        "٣",
    ] {
        assert!(bytes(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn restrictions_survive_their_form(
        names in (any::<bool>(), any::<bool>()),
        networks in prop::option::of(prop::collection::btree_set((any::<u32>(), 0_u8..=32), 0..4)),
        origins in prop::option::of(prop::collection::btree_set("https://[a-z]{1,9}\\.example", 0..4)),
        size in prop::option::of(1_u32..),
    ) {
        let network = |(address, prefix): (u32, u8)| {
            ipnet::IpNet::new(std::net::Ipv4Addr::from(address).into(), prefix).unwrap().trunc()
        };
        let these = |texts: std::collections::BTreeSet<String>| texts.iter().map(|text| text.parse().unwrap()).collect();
        let own = Restrictions {
            projects: if names.0 { Allowlist::Only([PROJECT.parse().unwrap()].into()) } else { Allowlist::Any },
            models: if names.1 { Allowlist::Only([MODEL.parse().unwrap()].into()) } else { Allowlist::Any },
            networks: networks.map_or(Allowlist::Any, |all| Allowlist::Only(all.into_iter().map(network).collect())),
            origins: origins.map_or(Allowlist::Any, |texts| Allowlist::Only(these(texts))),
            max_image_bytes: size.and_then(NonZeroU32::new),
            ..Restrictions::NONE
        };
        prop_assert_eq!(RestrictionsForm::of(&own).parse_with(&own).unwrap(), own);
    }

    #[test]
    fn arbitrary_text_does_not_panic(text: String, many in prop::collection::vec("[ -~]{0,12}", 0..9)) {
        let _ = typed(&text);
        let _ = typed(&many.join("\n"));
        let _ = size(&text);
    }
}
