//! Colours that classes are told apart by, also by eyes that see fewer of them.

use image::Rgb;

/// The set of Okabe and Ito, "Color Universal Design" (2008), without its black.
const SET: [[u8; 3]; 7] = [
    [0xE6, 0x9F, 0x00],
    [0x56, 0xB4, 0xE9],
    [0x00, 0x9E, 0x73],
    [0xF0, 0xE4, 0x42],
    [0xD5, 0x5E, 0x00],
    [0xCC, 0x79, 0xA7],
    [0x00, 0x72, 0xB2],
];

/// The colour of a class, by its index; the eighth class looks like the first.
pub(super) fn of(class: usize) -> Rgb<u8> {
    Rgb(SET[class % SET.len()])
}

/// Black or white, whichever reads better on `ground`: 4.58 : 1 at the very least, on any colour.
pub(super) fn on(ground: Rgb<u8>) -> Rgb<u8> {
    let light = luminance(ground);
    // Both ratios of WCAG 2.2, "contrast ratio".
    if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) { Rgb([0; 3]) } else { Rgb([255; 3]) }
}

/// WCAG 2.2, "relative luminance".
fn luminance(colour: Rgb<u8>) -> f64 {
    let linear = colour.0.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_out_from_every_colour_of_the_set() {
        for class in 0..SET.len() {
            let (ground, letters) = (luminance(of(class)), luminance(on(of(class))));
            let ratio = (ground.max(letters) + 0.05) / (ground.min(letters) + 0.05);
            assert!(ratio >= 4.5, "{class}: {ratio}");
        }
        assert_eq!(of(usize::MAX), of(usize::MAX % 7));
    }
}
