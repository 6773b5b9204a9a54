//! The colors of classes. People with color vision deficiency can distinguish them.

use image::Rgb;

/// The palette of Okabe and Ito, "Color Universal Design" (2008), without black.
const SET: [[u8; 3]; 7] = [
    [0xE6, 0x9F, 0x00],
    [0x56, 0xB4, 0xE9],
    [0x00, 0x9E, 0x73],
    [0xF0, 0xE4, 0x42],
    [0xD5, 0x5E, 0x00],
    [0xCC, 0x79, 0xA7],
    [0x00, 0x72, 0xB2],
];

/// Returns the color of a class. Colors repeat after seven classes.
pub(super) fn of(class: usize) -> Rgb<u8> {
    Rgb(SET[class % SET.len()])
}

/// Returns black or white, whichever has more contrast on `ground`. The contrast is at least 4.58:1 on any color.
pub(super) fn on(ground: Rgb<u8>) -> Rgb<u8> {
    let light = luminance(ground);
    // Both contrast ratios of WCAG 2.2.
    if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) { Rgb([0; 3]) } else { Rgb([255; 3]) }
}

/// The relative luminance of WCAG 2.2.
fn luminance(color: Rgb<u8>) -> f64 {
    let linear = color.0.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_contrast_on_every_palette_color() {
        for class in 0..SET.len() {
            let (ground, letters) = (luminance(of(class)), luminance(on(of(class))));
            let ratio = (ground.max(letters) + 0.05) / (ground.min(letters) + 0.05);
            assert!(ratio >= 4.5, "{class}: {ratio}");
        }
        assert_eq!(of(usize::MAX), of(usize::MAX % 7));
    }
}
