use super::*;

#[test]
fn workspace_slug_is_readable_and_short() {
    assert_eq!(slug("Northfield Vision", 0), "northfield-vision");
    assert_eq!(slug("  Äpfel & Birnen!  ", 0), "pfel-birnen");
    assert_eq!(slug("工場", 1), "workspace-2");
    assert!(slug(&"a".repeat(100), 0).len() <= 40);
}

#[test]
fn invalid_email_address_is_rejected() {
    assert!(email(" ada@example.org ").is_ok());
    for wrong in
        ["", "ada", "@example.org", "ada@", "ada@org", "a@b@c.org", "a b@c.org", "ada@.org", "ada@org."]
    {
        assert!(email(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn password_is_long_and_differs_from_email() {
    assert!(password("correct horse", "ada@example.org").is_ok());
    assert!(password("short", "ada@example.org").is_err());
    assert!(password("Ada@Example.org", "ada@example.org").is_err());
    assert!(password(&"a".repeat(257), "").is_err());
}
