//! What the paths in an archive say: whether to believe them, what to pass over, and which folder is a class.

/// Folders that well-known exports divide their pictures by, or put them all into.
const SPLITS: [&str; 8] = ["train", "training", "valid", "validation", "val", "test", "testing", "images"];

/// Longer paths are refused.
const MOST_BYTES: usize = 1000;

/// A path as tools mean it: slashes forward, no `./` in front.
pub(super) fn plain(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut rest = path.as_str();
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter;
    }
    rest.to_owned()
}

/// Why a path is not taken, for people. It never names a file on a disk; a path that leads out of its archive is
/// made by nobody who means well, and would be shown to people as a name.
pub(super) fn refusal(path: &str) -> Option<&'static str> {
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.len() > MOST_BYTES {
        Some("its path is longer than 1,000 bytes")
    } else if path.is_empty() || path.contains('\0') {
        Some("its path is no path")
    } else if path.starts_with('/') || drive {
        Some("its path is absolute")
    } else if path.split('/').any(|part| part == "..") {
        Some("its path leads out of the archive")
    } else {
        None
    }
}

/// What systems leave in archives, and nobody put there.
pub(super) fn is_litter(path: &str) -> bool {
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

/// The folder around all pictures, with its slash; empty where there is none.
pub(super) fn top<'a>(paths: &(impl Iterator<Item = &'a str> + Clone)) -> &'a str {
    let pictures = || paths.clone().filter(|path| has_ending(path, &["jpg", "jpeg", "png", "webp"]));
    let first_folder =
        |path: &'a str| path.split_inclusive('/').next().filter(|folder| folder.ends_with('/'));
    let Some(top) = pictures().next().and_then(first_folder) else { return "" };
    if pictures().all(|path| path.starts_with(top)) { top } else { "" }
}

/// The class that a picture's folder names: the nearest one, after the top folder and those of a split are
/// passed over.
pub(super) fn class(path: &str, top: &str) -> Option<String> {
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
        let top = top(&paths.iter().copied());
        paths.iter().map(|path| class(path, top)).collect()
    }

    #[test]
    fn the_nearest_folder_is_the_class() {
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
    fn paths_are_not_believed() {
        for path in
            ["../a.jpg", "a/../../b.jpg", "/etc/passwd", "C:/a.jpg", "c:a", "", "a\0b", &"a/".repeat(501)]
        {
            assert!(refusal(path).is_some(), "{path}");
        }
        for path in ["a.jpg", "a..b/c...jpg", "ordner/ä ö.jpg"] {
            assert_eq!(refusal(path), None, "{path}");
        }
        assert_eq!(plain(r".\..\a.jpg"), "../a.jpg");
        assert!(is_litter("__MACOSX/._a.jpg") && is_litter("a/.DS_Store") && is_litter("a/Thumbs.db"));
        assert!(!is_litter("a/b.jpg") && is_json("a/b.JSON") && !is_json("json"));
    }

    proptest! {
        #[test]
        fn any_paths_have_classes(paths in proptest::collection::vec("[a/.\\\\é]{0,8}(jpg)?", 0..6)) {
            let plain: Vec<String> = paths.iter().map(|path| plain(path)).collect();
            let top = top(&plain.iter().map(String::as_str));
            for path in &plain {
                prop_assert!(class(path, top).is_none_or(|class| !class.is_empty() && !class.contains('/')));
            }
        }
    }
}
