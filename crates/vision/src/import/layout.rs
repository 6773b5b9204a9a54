//! Interprets the paths of an archive: which to reject, which to ignore, and which folder names a class.

/// Folders by which common exports split their images, or that hold all images.
const SPLITS: [&str; 8] = ["train", "training", "valid", "validation", "val", "test", "testing", "images"];

/// The most bytes of a path.
const PATH_BYTES_MAX: usize = 1000;

/// Normalizes a path: forward slashes, no leading `./`.
pub(super) fn normalize(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut rest = path.as_str();
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter;
    }
    rest.to_owned()
}

/// Returns why a path is rejected, for people, or `None` if the path is fine. Paths never name files on the disk, but
/// people see them as names, and only an attacker creates a path that leads out of the archive.
pub(super) fn path_error(path: &str) -> Option<&'static str> {
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.len() > PATH_BYTES_MAX {
        Some("The path is longer than 1,000 bytes.")
    } else if path.is_empty() || path.contains('\0') {
        Some("The path is invalid.")
    } else if path.starts_with('/') || drive {
        Some("The path is absolute.")
    } else if path.split('/').any(|part| part == "..") {
        Some("The path leads out of the archive.")
    } else {
        None
    }
}

/// Returns whether an operating system added the file, not a person.
pub(super) fn is_system_file(path: &str) -> bool {
    path.split('/').any(|part| {
        part == "__MACOSX"
            || part.starts_with('.')
            || matches!(part, "Thumbs.db" | "thumbs.db" | "desktop.ini")
    })
}

pub(super) fn is_json(path: &str) -> bool {
    has_ending(path, &["json"])
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| endings.iter().any(|one| ending.eq_ignore_ascii_case(one)))
}

/// Returns the folder that contains all images, with a trailing slash, or an empty string if there is none.
pub(super) fn common_folder<'a>(paths: &(impl Iterator<Item = &'a str> + Clone)) -> &'a str {
    let pictures = || paths.clone().filter(|path| has_ending(path, &["jpg", "jpeg", "png", "webp"]));
    let first_folder =
        |path: &'a str| path.split_inclusive('/').next().filter(|folder| folder.ends_with('/'));
    let Some(top) = pictures().next().and_then(first_folder) else { return "" };
    if pictures().all(|path| path.starts_with(top)) { top } else { "" }
}

/// Returns the class that the image's folder names: the innermost folder, without the top folder and a split folder.
pub(super) fn class_of(path: &str, top: &str) -> Option<String> {
    let inside = path.strip_prefix(top).unwrap_or(path);
    let mut folders: Vec<&str> = inside.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    folders.pop();
    let split = |folder: &&str| SPLITS.iter().any(|one| folder.eq_ignore_ascii_case(one));
    let from = usize::from(folders.first().is_some_and(split));
    let folders = folders.get(from..).unwrap_or_default();
    folders.last().filter(|folder| !folder.eq_ignore_ascii_case("images")).map(|&folder| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn classes(paths: &[&str]) -> Vec<Option<String>> {
        let top = common_folder(&paths.iter().copied());
        paths.iter().map(|path| class_of(path, top)).collect()
    }

    #[test]
    fn innermost_folder_is_the_class() {
        for (paths, expected) in [
            (&["cat/1.jpg", "dog/2.jpg"][..], &[Some("cat"), Some("dog")][..]),
            (&["pets/cat/1.jpg", "pets/dog/2.jpg", "readme.txt"], &[Some("cat"), Some("dog"), None]),
            (
                &["train/cat/1.jpg", "valid/dog/2.jpg", "Test/dog/3.jpg"],
                &[Some("cat"), Some("dog"), Some("dog")],
            ),
            (&["x/train/cat/1.JPG", "x/test/cat/2.png"], &[Some("cat"), Some("cat")]),
            (&["train/cat/1.jpg"], &[Some("cat")]),
            (&["1.jpg", "2.jpg"], &[None, None]),
            (&["holiday/1.jpg", "holiday/2.jpg"], &[None, None]),
            (&["1.jpg", "cat/2.jpg"], &[None, Some("cat")]),
            (&["train/images/1.jpg", "valid/images/1.jpg"], &[None, None]),
            (&["animals/a/big cat/1.jpg", "animals/b/dog/1.webp"], &[Some("big cat"), Some("dog")]),
        ] {
            let seen = classes(paths);
            assert_eq!(seen.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{paths:?}");
        }
    }

    #[test]
    fn dangerous_paths_are_rejected() {
        for path in
            ["../a.jpg", "a/../../b.jpg", "/etc/passwd", "C:/a.jpg", "c:a", "", "a\0b", &"a/".repeat(501)]
        {
            assert!(path_error(path).is_some(), "{path}");
        }
        for path in ["a.jpg", "a..b/c...jpg", "ordner/ä ö.jpg"] {
            assert_eq!(path_error(path), None, "{path}");
        }
        assert_eq!(normalize(r".\..\a.jpg"), "../a.jpg");
        assert!(
            is_system_file("__MACOSX/._a.jpg")
                && is_system_file("a/.DS_Store")
                && is_system_file("a/Thumbs.db")
        );
        assert!(!is_system_file("a/b.jpg") && is_json("a/b.JSON") && !is_json("json"));
    }

    proptest! {
        #[test]
        fn any_path_has_a_valid_class_or_none(paths in proptest::collection::vec("[a/.\\\\é]{0,8}(jpg)?", 0..6)) {
            let plain: Vec<String> = paths.iter().map(|path| normalize(path)).collect();
            let top = common_folder(&plain.iter().map(String::as_str));
            for path in &plain {
                prop_assert!(class_of(path, top).is_none_or(|class| !class.is_empty() && !class.contains('/')));
            }
        }
    }
}
