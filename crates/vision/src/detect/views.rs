//! Averages the outputs for an image and for its mirror image, whose random errors differ.

use ndarray::Array2;

use super::net::BOX;

/// Returns the mean of both outputs, in the cells of the plain square.
pub(super) fn average_views(mut plain: Array2<f32>, mirrored: &Array2<f32>, side: usize) -> Array2<f32> {
    let to_the_right = plain.nrows() - BOX;
    for (number, (mut row, other)) in plain.rows_mut().into_iter().zip(mirrored.rows()).enumerate() {
        let sign = if number == to_the_right { -1.0 } else { 1.0 };
        for (cell, answer) in row.iter_mut().enumerate() {
            let (x, y) = (cell % side, cell / side);
            *answer = 0.5 * (*answer + sign * other[y * side + side - 1 - x]);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrored_output_averages_to_the_plain_output() {
        let side = 4;
        let mut plain = Array2::zeros((1 + BOX, side * side));
        let mut mirrored = plain.clone();
        // At the second cell of the third row, a quarter of a cell right of its center and half a cell below.
        for (answer, cell, right) in [(&mut plain, 9, 0.25), (&mut mirrored, 10, -0.25)] {
            answer[(0, cell)] = 3.0;
            answer[(1, cell)] = right;
            answer[(2, cell)] = 0.5;
        }
        assert_eq!(average_views(plain.clone(), &mirrored, side), plain);
    }
}
