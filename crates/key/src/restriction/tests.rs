use super::*;
use proptest::prelude::*;

fn networks(texts: &[&str]) -> Restrictions {
    let networks = texts.iter().map(|text| text.parse().unwrap()).collect();
    Restrictions { networks: Allowlist::Only(networks), ..Restrictions::default() }
}

#[test]
fn empty_list_allows_nothing() {
    assert!(!networks(&[]).allow_address(Some([10, 0, 0, 1].into())));
    assert!(Restrictions::default().allow_address(None));
    assert!(!networks(&["0.0.0.0/0"]).allow_address(None));
}

#[test]
fn mapped_ipv4_address_matches_ipv4_network() {
    let mapped = "::ffff:10.4.0.17".parse().unwrap();
    assert!(networks(&["10.4.0.0/16"]).allow_address(Some(mapped)));
}

#[test]
fn unrestricted_and_empty_list_serialize_differently() {
    let nothing = networks(&[]);
    let text = serde_json::to_string(&nothing).unwrap();
    assert_eq!(text, r#"{"networks":[]}"#);
    assert_eq!(serde_json::from_str::<Restrictions>(&text).unwrap(), nothing);
    assert!(serde_json::from_str::<Restrictions>("{}").unwrap().is_none());
}

#[test]
fn unknown_restriction_is_rejected() {
    assert!(serde_json::from_str::<Restrictions>(r#"{"weekdays":["mon"]}"#).is_err());
}

#[test]
fn rate_is_within_equal_or_higher_rate_only() {
    let rate =
        |requests| Restrictions { rate: crate::Rate::new(requests, 60).ok(), ..Restrictions::default() };
    assert!(rate(10).is_within(&rate(10)) && rate(9).is_within(&rate(10)));
    assert!(!rate(11).is_within(&rate(10)));
    assert!(!Restrictions::default().is_within(&rate(10)));
    assert!(rate(10).is_within(&Restrictions::default()));
    assert!(!rate(10).is_none());
    assert_eq!(serde_json::to_string(&rate(10)).unwrap(), r#"{"rate":{"requests":10,"seconds":60}}"#);
}

#[test]
fn visitor_rate_is_within_key_or_visitor_rate() {
    let rate = |requests| crate::Rate::new(requests, 60).ok();
    let visitors = |visitor_rate| Restrictions { visitor_rate, ..Restrictions::default() };
    assert!(visitors(rate(10)).is_within(&visitors(rate(10))));
    assert!(!visitors(rate(11)).is_within(&visitors(rate(10))));
    assert!(!Restrictions::default().is_within(&visitors(rate(10))));
    let by_key = Restrictions { rate: rate(10), ..Restrictions::default() };
    assert!(by_key.is_within(&visitors(rate(10))));
    assert!(!visitors(rate(1)).is_within(&by_key), "many visitors come to more");
    let text = r#"{"visitorRate":{"requests":10,"seconds":60}}"#;
    assert_eq!(serde_json::to_string(&visitors(rate(10))).unwrap(), text);
    assert_eq!(serde_json::from_str::<Restrictions>(text).unwrap(), visitors(rate(10)));
    assert!(!visitors(rate(10)).is_none());
}

#[test]
fn quotas_count_as_restriction() {
    let text = r#"{"quotas":[{"of":"images","limit":3,"per":"month"}]}"#;
    let own = serde_json::from_str::<Restrictions>(text).unwrap();
    assert!(!own.is_none() && own.is_within(&own) && own.is_within(&Restrictions::NONE));
    assert!(!Restrictions::NONE.is_within(&own));
    assert_eq!(serde_json::to_string(&own).unwrap(), text);
}

const PROJECTS: [&str; 2] = ["prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f", "prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e10"];
const MODELS: [&str; 2] = ["mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f", "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e10"];

#[test]
fn model_is_covered_with_its_project_only() {
    let [project, other_project] = PROJECTS.map(|id| id.parse().unwrap());
    let [model, other] = MODELS.map(|id| id.parse().unwrap());
    let models = |these: &[ModelId]| Allowlist::Only(these.iter().copied().collect());
    let own = Restrictions { models: models(&[model]), ..Restrictions::default() };
    assert!(own.cover_model(project, model) && !own.cover_model(project, other));
    assert!(own.cover_project(other_project), "models say nothing of projects");
    let both = Restrictions { projects: Allowlist::Only([project].into()), ..own.clone() };
    assert!(both.cover_model(project, model) && !both.cover_model(other_project, model));
    let none = Restrictions { models: models(&[]), ..Restrictions::default() };
    assert!(!none.cover_model(project, model) && none.is_within(&own) && !own.is_within(&none));
    assert!(both.is_within(&own) && !own.is_within(&both) && !Restrictions::NONE.is_within(&own));
    let text = format!(r#"{{"models":["{model}"]}}"#);
    assert_eq!(serde_json::to_string(&own).unwrap(), text);
    assert_eq!(serde_json::from_str::<Restrictions>(&text).unwrap(), own);
    assert_eq!(serde_json::to_string(&none).unwrap(), r#"{"models":[]}"#);
}

#[test]
fn image_limit_is_within_equal_or_larger_limit_only() {
    let largest = |bytes| Restrictions { max_image_bytes: NonZeroU32::new(bytes), ..Restrictions::default() };
    assert!(largest(10).is_within(&largest(10)) && largest(9).is_within(&largest(10)));
    assert!(!largest(11).is_within(&largest(10)) && !Restrictions::NONE.is_within(&largest(10)));
    assert!(largest(10).is_within(&Restrictions::NONE) && !largest(10).is_none());
    let text = r#"{"maxImageBytes":500000}"#;
    assert_eq!(serde_json::to_string(&largest(500_000)).unwrap(), text);
    assert_eq!(serde_json::from_str::<Restrictions>(text).unwrap(), largest(500_000));
    // An invalid size must deny the key rather than remove the limit.
    for wrong in ["0", "-1", "4294967296", "1.5", "\"1\""] {
        assert!(serde_json::from_str::<Restrictions>(&format!("{{\"maxImageBytes\":{wrong}}}")).is_err());
    }
}

fn any_network() -> impl Strategy<Value = IpNet> {
    // Uses few addresses, so that networks overlap.
    (0_u8..4, 28_u8..=32)
        .prop_map(|(last, prefix)| IpNet::new(IpAddr::from([10, 0, 0, last]), prefix).unwrap().trunc())
}

fn any_networks() -> impl Strategy<Value = Restrictions> {
    prop_oneof![
        Just(Restrictions::default()),
        prop::collection::btree_set(any_network(), 0..4)
            .prop_map(|these| Restrictions { networks: Allowlist::Only(these), ..Restrictions::default() }),
    ]
}

/// Uses few models and sizes, so that restrictions overlap.
fn any_of_models() -> impl Strategy<Value = Restrictions> {
    let some = |ids: [&str; 2]| {
        prop::collection::btree_set(prop::sample::select(ids.map(str::to_owned).to_vec()), 0..=2)
    };
    let models = prop::option::of(some(MODELS));
    let projects = prop::option::of(some(PROJECTS));
    (models, projects, prop::option::of(1_u32..4)).prop_map(|(models, projects, size)| Restrictions {
        models: models.map_or(Allowlist::Any, |ids| {
            Allowlist::Only(ids.iter().map(|id| id.parse().unwrap()).collect())
        }),
        projects: projects.map_or(Allowlist::Any, |ids| {
            Allowlist::Only(ids.iter().map(|id| id.parse().unwrap()).collect())
        }),
        max_image_bytes: size.and_then(NonZeroU32::new),
        ..Restrictions::default()
    })
}

proptest! {
    #[test]
    fn narrower_restrictions_allow_no_more_models_or_bytes(
        inner in any_of_models(), outer in any_of_models(), size in 1_u32..5,
    ) {
        prop_assert!(inner.is_within(&inner));
        let takes = |own: &Restrictions| own.max_image_bytes.is_none_or(|most| size <= most.get());
        if inner.is_within(&outer) {
            for project in PROJECTS.map(|id| id.parse().unwrap()) {
                for model in MODELS.map(|id| id.parse().unwrap()) {
                    prop_assert!(outer.cover_model(project, model) || !inner.cover_model(project, model));
                }
            }
            prop_assert!(takes(&outer) || !takes(&inner));
        }
    }

    #[test]
    fn narrower_networks_allow_no_more_addresses(inner in any_networks(), outer in any_networks(), last: u8) {
        let address = Some(IpAddr::from([10, 0, 0, last]));
        if inner.is_within(&outer) && inner.allow_address(address) {
            prop_assert!(outer.allow_address(address));
        }
        prop_assert!(inner.is_within(&inner));
    }
}
