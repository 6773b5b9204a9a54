//! Charts of usage over time as SVG: stacked bars of allowed requests, and a second plane with denied requests. The SVG
//! stretches with the page, so its numbers are text next to it, and a table repeats them for screen readers.

#![expect(clippy::cast_precision_loss, reason = "bars have fewer dots than a number has bits")]

mod plot;

use std::fmt::Write as _;

pub(in crate::web) use plot::{Plot, plot};

/// A chart with its axes, legend, and numbers.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// A summary such as "1,204 calls in 30 days: 1,180 let through, 24 refused. Most on 14 November: 120."
    pub(crate) summary: String,
    pub(crate) allowed: ChartPlane,
    /// The plane of denied requests. `None` if no request was denied.
    pub(crate) denied: Option<ChartPlane>,
    /// The legend, in the order of the stack from the bottom up.
    pub(crate) series: Vec<ChartSeries>,
    /// The labels of the horizontal axis, from left to right.
    pub(crate) x_labels: Vec<String>,
    /// The headings of the table, without the first column.
    pub(crate) headings: Vec<String>,
    /// The rows of the table, newest first. Times without requests are left out.
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

/// Bars within [`WIDTH`] × [`HEIGHT`].
#[derive(Clone, Debug)]
pub(crate) struct ChartPlane {
    /// One path per series.
    pub(crate) paths: Vec<BarPath>,
    /// The labels of the vertical axis, from the top down.
    pub(crate) y_labels: Vec<String>,
}

/// All bars of one color, as one SVG path.
#[derive(Clone, Debug)]
pub(crate) struct BarPath {
    /// The CSS class with the color: `chart-0` to `chart-6`, or `chart-refused`.
    pub(crate) class: String,
    pub(crate) path: String,
}

/// One entry of the legend.
#[derive(Clone, Debug)]
pub(crate) struct ChartSeries {
    pub(crate) class: String,
    /// The name of the permission, such as "make predictions".
    pub(crate) name: String,
    /// The number of requests, such as "1,180".
    pub(crate) total: String,
}

/// The requests in one hour or on one day.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChartBar {
    /// The time, such as "26 November, 14:00".
    pub(crate) label: String,
    /// The numbers of allowed requests, by series.
    pub(crate) allowed: Vec<u64>,
    pub(crate) denied: u64,
}

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;
/// The part of a bar's width that stays empty.
const GAP: f64 = 0.22;
/// The smallest height of a bar that is not empty, so that it is visible.
const LEAST: f64 = 3.0;

/// Draws `bars`. `names` are the color and the name of each series.
pub(crate) fn chart(summary: String, names: &[(usize, String)], bars: &[ChartBar]) -> Chart {
    let totals = (0..names.len()).map(|at| bars.iter().map(|bar| bar.allowed[at]).sum::<u64>());
    let mut series: Vec<_> = names
        .iter()
        .zip(totals)
        .map(|((tone, name), total)| ChartSeries {
            class: format!("chart-{tone}"),
            name: name.clone(),
            total: keyrack_core::numbers::grouped(total),
        })
        .collect();
    let denied: u64 = bars.iter().map(|bar| bar.denied).sum();
    let classes: Vec<_> = series.iter().map(|one| one.class.clone()).collect();
    let stacks: Vec<_> = bars.iter().map(|bar| bar.allowed.clone()).collect();
    let denied_stacks: Vec<_> = bars.iter().map(|bar| vec![bar.denied]).collect();
    let mut headings: Vec<_> = series.iter().map(|one| one.name.clone()).collect();
    headings.push("denied".to_owned());
    let plane_below = (denied > 0).then(|| plane(&["chart-refused".to_owned()], &denied_stacks, 2));
    if denied > 0 {
        series.push(ChartSeries {
            class: "chart-refused".to_owned(),
            name: "denied".to_owned(),
            total: keyrack_core::numbers::grouped(denied),
        });
    }
    Chart {
        summary,
        allowed: plane(&classes, &stacks, 3),
        denied: plane_below,
        series,
        x_labels: x_labels(bars),
        headings,
        rows: rows(bars),
    }
}

fn plane(classes: &[String], stacks: &[Vec<u64>], ticks: u32) -> ChartPlane {
    let most = stacks.iter().map(|stack| stack.iter().sum::<u64>()).max().unwrap_or(0);
    let top = round_up(most);
    let mut paths = vec![String::new(); classes.len()];
    let column = WIDTH / stacks.len().max(1) as f64;
    for (place, stack) in stacks.iter().enumerate() {
        let left = column * (place as f64 + GAP / 2.0);
        let mut ground = HEIGHT;
        for (path, value) in paths.iter_mut().zip(stack).filter(|(_, value)| **value > 0) {
            let height = (*value as f64 / top as f64 * HEIGHT).max(LEAST).min(ground);
            let width = column * (1.0 - GAP);
            // Writing to a `String` cannot fail.
            let _ = write!(path, "M{left:.1} {ground:.1}h{width:.1}v-{height:.1}h-{width:.1}z");
            ground -= height;
        }
    }
    let paths =
        classes.iter().zip(paths).map(|(class, path)| BarPath { class: class.clone(), path }).collect();
    let tick =
        |at: u32| keyrack_core::numbers::grouped(top * u64::from(ticks - 1 - at) / u64::from(ticks - 1));
    ChartPlane { paths, y_labels: (0..ticks).map(tick).collect() }
}

/// The labels of the first, the middle, and the last bar.
fn x_labels(bars: &[ChartBar]) -> Vec<String> {
    let at = |place: usize| bars.get(place).map(|bar| bar.label.clone()).unwrap_or_default();
    match bars.len() {
        0 => Vec::new(),
        1 => vec![at(0)],
        many => vec![at(0), at(many / 2), at(many - 1)],
    }
}

fn rows(bars: &[ChartBar]) -> Vec<(String, Vec<String>)> {
    let has_calls = |bar: &&ChartBar| bar.denied > 0 || bar.allowed.iter().any(|calls| *calls > 0);
    let row = |bar: &ChartBar| {
        let numbers =
            bar.allowed.iter().chain([&bar.denied]).map(|number| keyrack_core::numbers::grouped(*number));
        (bar.label.clone(), numbers.collect())
    };
    bars.iter().rev().filter(has_calls).map(row).collect()
}

/// The next round number for the top of the axis whose half is a whole number.
fn round_up(most: u64) -> u64 {
    let mut ten = 1;
    loop {
        if let Some(step) = [2, 4, 6, 10, 16].into_iter().find(|step| step * ten >= most) {
            return step * ten;
        }
        ten *= 10;
    }
}

/// Draws a sparkline: one bar per day, as an SVG path within 90 × 24.
pub(crate) fn spark(days: &[u64]) -> String {
    let most = days.iter().copied().max().unwrap_or(0).max(1);
    let column = 90.0 / days.len().max(1) as f64;
    let mut path = String::new();
    for (place, calls) in days.iter().enumerate().filter(|(_, calls)| **calls > 0) {
        let height = (*calls as f64 / most as f64 * 24.0).max(1.5);
        let (left, width) = (column * place as f64, column * 0.7);
        // Writing to a `String` cannot fail.
        let _ = write!(path, "M{left:.1} 24h{width:.1}v-{height:.1}h-{width:.1}z");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, allowed: &[u64], denied: u64) -> ChartBar {
        ChartBar { label: label.to_owned(), allowed: allowed.to_vec(), denied }
    }

    #[test]
    fn chart_stacks_allowed_requests_and_separates_denied_ones() {
        let names = [(3, "make predictions".to_owned()), (2, "train models".to_owned())];
        let bars = [bar("a", &[5, 5], 0), bar("b", &[0, 0], 0), bar("c", &[10, 0], 3)];
        let drawn = chart("15 requests".to_owned(), &names, &bars);
        assert_eq!(drawn.allowed.y_labels, ["10", "5", "0"]);
        assert_eq!(
            drawn.allowed.paths[0].path,
            "M22.0 200.0h156.0v-100.0h-156.0zM422.0 200.0h156.0v-200.0h-156.0z"
        );
        assert_eq!(drawn.allowed.paths[1].path, "M22.0 100.0h156.0v-100.0h-156.0z");
        let below = drawn.denied.unwrap();
        assert_eq!(
            (below.y_labels, below.paths[0].class.as_str()),
            (vec!["4".to_owned(), "0".to_owned()], "chart-refused")
        );
        assert_eq!(drawn.series.iter().map(|one| one.total.as_str()).collect::<Vec<_>>(), ["15", "5", "3"]);
        assert_eq!(drawn.x_labels, ["a", "b", "c"]);
        assert_eq!(
            drawn.rows,
            [
                ("c".to_owned(), vec!["10".into(), "0".into(), "3".into()]),
                ("a".to_owned(), vec!["5".into(), "5".into(), "0".into()])
            ]
        );
        assert!(chart(String::new(), &names, &bars[..2]).denied.is_none());
    }

    #[test]
    fn axis_ends_at_an_even_round_number() {
        assert_eq!([0, 1, 2, 3, 7, 11, 17, 120, 41_203].map(round_up), [2, 2, 2, 4, 10, 16, 20, 160, 60_000]);
        let _ = round_up(u64::MAX / 100);
    }

    #[test]
    fn sparkline_shows_small_values_and_hides_zero() {
        assert_eq!(spark(&[0; 30]), "");
        assert_eq!(spark(&[0, 1, 1_000]), "M30.0 24h21.0v-1.5h-21.0zM60.0 24h21.0v-24.0h-21.0z");
    }
}
