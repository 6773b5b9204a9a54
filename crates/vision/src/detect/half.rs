//! Converts numbers to and from 16 bits (IEEE 754 binary16). Features don't need more
//! precision, and take half the space.

/// 2^112, the ratio between the exponents of the two formats. It makes subnormal numbers work too.
const UP: f32 = f32::from_bits(0x7780_0000);
const DOWN: f32 = f32::from_bits(0x0780_0000);
/// The largest finite number in 16 bits.
const HALF_MAX: f32 = 65_504.0;

/// Rounds to the nearest number in 16 bits. Numbers that are too large become the largest one.
#[expect(clippy::cast_possible_truncation, reason = "15 bits are left, and the sign")]
pub(super) fn to_half(number: f32) -> u16 {
    let bits = (number.abs().min(HALF_MAX) * DOWN).to_bits();
    let rounded = (bits + 0xFFF + (bits >> 13 & 1)) >> 13;
    (rounded | number.to_bits() >> 16 & 0x8000) as u16
}

/// Converts without loss.
pub(super) fn from_half(half: u16) -> f32 {
    let bits = u32::from(half);
    let size = f32::from_bits((bits & 0x7FFF) << 13) * UP;
    f32::from_bits(size.to_bits() | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finite_halves_round_trip_and_others_round_to_nearest() {
        for half in (0..0x7C00u16).chain(0x8000..0xFC00) {
            assert_eq!(to_half(from_half(half)), half);
        }
        for (number, half) in [(1.0, 0x3C00), (-2.0, 0xC000), (1e9, 0x7BFF), (6e-8, 1), (0.1, 0x2E66)] {
            assert_eq!(to_half(number), half, "{number}");
        }
        assert!((from_half(to_half(2.345_678)) - 2.345_678).abs() < 1e-3);
    }
}
