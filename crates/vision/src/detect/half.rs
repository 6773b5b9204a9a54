//! Numbers in 16 bits (IEEE 754 binary16): features need no more, and take half the room.

/// 2^112 is what lies between the exponents of the two formats, subnormal numbers included.
const UP: f32 = f32::from_bits(0x7780_0000);
const DOWN: f32 = f32::from_bits(0x0780_0000);
/// The largest number there is in 16 bits.
const MOST: f32 = 65_504.0;

/// To the nearest; what is too large becomes the largest.
#[expect(clippy::cast_possible_truncation, reason = "15 bits are left, and the sign")]
pub(super) fn narrow(number: f32) -> u16 {
    let bits = (number.abs().min(MOST) * DOWN).to_bits();
    let rounded = (bits + 0xFFF + (bits >> 13 & 1)) >> 13;
    (rounded | number.to_bits() >> 16 & 0x8000) as u16
}

/// Exactly.
pub(super) fn widen(half: u16) -> f32 {
    let bits = u32::from(half);
    let size = f32::from_bits((bits & 0x7FFF) << 13) * UP;
    f32::from_bits(size.to_bits() | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_comes_back_and_others_go_to_the_nearest() {
        for half in (0..0x7C00u16).chain(0x8000..0xFC00) {
            assert_eq!(narrow(widen(half)), half);
        }
        for (number, half) in [(1.0, 0x3C00), (-2.0, 0xC000), (1e9, 0x7BFF), (6e-8, 1), (0.1, 0x2E66)] {
            assert_eq!(narrow(number), half, "{number}");
        }
        assert!((widen(narrow(2.345_678)) - 2.345_678).abs() < 1e-3);
    }
}
