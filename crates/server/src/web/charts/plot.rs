//! Line charts as SVG. The SVG stretches with the page, so its numbers are text next to it, and a table repeats
//! them for screen readers.

/// A line chart with its axes.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(crate) title: String,
    /// A summary such as "fell from 2.31 to 0.42".
    pub(crate) summary: String,
    /// The labels of the vertical axis, from the top down.
    pub(crate) y_labels: Vec<String>,
    /// The labels of the horizontal axis, from left to right.
    pub(crate) x_labels: Vec<String>,
    /// The unit of the horizontal axis, such as "steps".
    pub(crate) unit: String,
    /// The line as an SVG path within [`WIDTH`] × [`HEIGHT`].
    pub(crate) path: String,
    /// The rows of the table: some of the points.
    pub(crate) rows: Vec<(String, String)>,
}

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;
/// More points than pixels would only slow down the page.
const MOST_POINTS: usize = 300;
const MOST_ROWS: usize = 8;

/// Draws points with increasing `x`. Returns `None` for fewer than two points. `up_to` fixes the top of
/// the vertical axis.
pub(crate) fn plot(title: &str, unit: &str, points: &[(f64, f64)], up_to: Option<f64>) -> Option<Plot> {
    let points: Vec<_> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let (first, last) = (*points.first()?, *points.last()?);
    if points.len() < 2 || last.0 <= first.0 {
        return None;
    }
    let most = points.iter().map(|(_, y)| *y).fold(0.0, f64::max);
    let top = up_to.unwrap_or_else(|| round_up(most));
    let at = |(x, y): (f64, f64)| {
        let along = (x - first.0) / (last.0 - first.0) * WIDTH;
        (along, HEIGHT - (y / top).clamp(0.0, 1.0) * HEIGHT)
    };
    let path = thinned(&points, MOST_POINTS).into_iter().map(at).enumerate().fold(
        String::new(),
        |path, (number, (x, y))| {
            let letter = if number == 0 { "M" } else { "L" };
            format!("{path}{letter}{x:.1} {y:.1}")
        },
    );
    let (from, to) = (number(first.1), number(last.1));
    let summary = match (from == to, last.1 < first.1) {
        (true, _) => format!("ended at {to}, as at the start"),
        (_, true) => format!("fell from {from} to {to}"),
        (_, false) => format!("rose from {from} to {to}"),
    };
    Some(Plot {
        title: title.to_owned(),
        summary,
        y_labels: [1.0, 0.5, 0.0].map(|part| number(top * part)).into(),
        x_labels: [0.0, 0.5, 1.0].map(|part| format!("{:.0}", first.0 + (last.0 - first.0) * part)).into(),
        unit: unit.to_owned(),
        path,
        rows: thinned(&points, MOST_ROWS).into_iter().map(|(x, y)| (format!("{x:.0}"), number(y))).collect(),
    })
}

/// At most `most` of the points, including the first and the last.
fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most {
        return points.to_vec();
    }
    (0..most).map(|at| points[at * (points.len() - 1) / (most - 1)]).collect()
}

/// The next round number for the top of the axis.
fn round_up(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let ten = 10f64.powf(most.log10().floor());
    [1.0, 2.0, 4.0, 5.0, 10.0].into_iter().map(|step| step * ten).find(|top| *top >= most).unwrap_or(most)
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 0.01 => format!("{value:.4}"),
        small if small < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plot_spans_its_area_and_summarizes_the_trend() {
        let drawn = plot("Loss", "steps", &[(0.0, 2.0), (50.0, 1.0), (100.0, 0.5)], None).unwrap();
        assert_eq!(drawn.path, "M0.0 0.0L300.0 100.0L600.0 150.0");
        assert_eq!(drawn.summary, "fell from 2.00 to 0.50");
        assert_eq!(drawn.y_labels, ["2.00", "1.00", "0"]);
        assert_eq!(drawn.x_labels, ["0", "50", "100"]);
        assert_eq!(drawn.rows.len(), 3);
        let flat = plot("Loss", "steps", &[(0.0, 0.0), (50.0, 1.0), (100.0, 0.0)], None).unwrap();
        assert_eq!(flat.summary, "ended at 0, as at the start");
    }

    #[test]
    fn plot_without_two_points_is_not_drawn() {
        assert!(plot("Loss", "steps", &[], None).is_none());
        assert!(plot("Loss", "steps", &[(1.0, 2.0)], None).is_none());
        assert!(plot("Loss", "steps", &[(1.0, 2.0), (1.0, f64::NAN)], None).is_none());
    }

    #[test]
    fn long_plot_is_thinned_and_keeps_its_ends() {
        let points: Vec<_> = (0..5000).map(|x| (f64::from(x), 1.0)).collect();
        let drawn = plot("Loss", "steps", &points, Some(1.0)).unwrap();
        assert_eq!(drawn.path.matches('L').count(), MOST_POINTS - 1);
        assert_eq!(drawn.rows.len(), MOST_ROWS);
        assert_eq!((drawn.rows[0].0.as_str(), drawn.rows[MOST_ROWS - 1].0.as_str()), ("0", "4999"));
    }
}
