//! Charts of usage over time as SVG: stacked bars of allowed requests with the denied requests on top. The SVG stretches
//! with the page, so its numbers are text next to it, and a table repeats them for screen readers.

#![expect(clippy::cast_precision_loss, reason = "bars have fewer dots than a number has bits")]

mod plot;

use std::fmt::Write as _;

use keyrack_core::numbers::grouped;

pub(in crate::web) use plot::{Plot, plot};

/// A chart with its axes, legend, and numbers.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// A summary such as "1,204 calls in 30 days: 1,180 let through, 24 refused. Most on 14 November: 120."
    pub(crate) summary: String,
    /// The bars within [`WIDTH`] × [`HEIGHT`], one path per series.
    pub(crate) paths: Vec<BarPath>,
    /// The labels of the vertical axis, from the top down.
    pub(crate) y_labels: Vec<String>,
    /// One column per time, from left to right.
    pub(crate) columns: Vec<ChartColumn>,
    /// The legend, in the order of the stack from the bottom up.
    pub(crate) series: Vec<ChartSeries>,
    /// The labels of the horizontal axis, from left to right.
    pub(crate) x_labels: Vec<String>,
    /// The headings of the table, without the first column.
    pub(crate) headings: Vec<String>,
    /// The rows of the table, newest first. Times without requests are left out.
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

/// The full height of the chart at one time. A pointer within it shows the values.
#[derive(Clone, Debug)]
pub(crate) struct ChartColumn {
    pub(crate) left: String,
    pub(crate) width: String,
    /// The time and a line per series, such as "26 November\nmake predictions: 1,180\ndenied: 3".
    pub(crate) values: String,
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
    let denied: u64 = bars.iter().map(|bar| bar.denied).sum();
    let totals = (0..names.len()).map(|at| bars.iter().map(|bar| bar.allowed[at]).sum::<u64>());
    let entry = |class: String, name: &str, total: u64| ChartSeries {
        class,
        name: name.to_owned(),
        total: grouped(total),
    };
    let mut series: Vec<_> = names
        .iter()
        .zip(totals)
        .map(|((tone, name), total)| entry(format!("chart-{tone}"), name, total))
        .collect();
    let mut headings: Vec<_> = names.iter().map(|(_, name)| name.clone()).collect();
    headings.push("denied".to_owned());
    if denied > 0 {
        series.push(entry("chart-refused".to_owned(), "denied", denied));
    }
    let top = round_up(bars.iter().map(ChartBar::total).max().unwrap_or(0));
    Chart {
        summary,
        paths: paths(&series, bars, top),
        y_labels: [top, top / 2, 0].map(grouped).into(),
        columns: columns(&headings, bars),
        series,
        x_labels: x_labels(bars),
        headings,
        rows: rows(bars),
    }
}

impl ChartBar {
    fn total(&self) -> u64 {
        self.values().sum()
    }

    /// The numbers from the bottom up.
    fn values(&self) -> impl Iterator<Item = u64> {
        self.allowed.iter().copied().chain([self.denied])
    }
}

fn paths(series: &[ChartSeries], bars: &[ChartBar], top: u64) -> Vec<BarPath> {
    let mut paths: Vec<_> =
        series.iter().map(|one| BarPath { class: one.class.clone(), path: String::new() }).collect();
    let column = WIDTH / bars.len().max(1) as f64;
    for (place, bar) in bars.iter().enumerate() {
        let left = column * (place as f64 + GAP / 2.0);
        let mut ground = HEIGHT;
        for (path, value) in paths.iter_mut().zip(bar.values()).filter(|(_, value)| *value > 0) {
            let height = (value as f64 / top as f64 * HEIGHT).max(LEAST);
            let width = column * (1.0 - GAP);
            // Writing to a `String` cannot fail.
            let _ = write!(path.path, "M{left:.1} {ground:.1}h{width:.1}v-{height:.1}h-{width:.1}z");
            ground -= height;
        }
    }
    paths
}

fn columns(names: &[String], bars: &[ChartBar]) -> Vec<ChartColumn> {
    let width = WIDTH / bars.len().max(1) as f64;
    let column = |(place, bar): (usize, &ChartBar)| {
        let values = names.iter().zip(bar.values()).filter(|(_, value)| *value > 0);
        let mut lines: Vec<_> = values.map(|(name, value)| format!("{name}: {}", grouped(value))).collect();
        if lines.is_empty() {
            lines.push("No requests".to_owned());
        }
        ChartColumn {
            left: format!("{:.1}", width * place as f64),
            width: format!("{width:.1}"),
            values: format!("{}\n{}", bar.label, lines.join("\n")),
        }
    };
    bars.iter().enumerate().map(column).collect()
}

/// The labels of up to five bars at equal distances, including the first and the last.
fn x_labels(bars: &[ChartBar]) -> Vec<String> {
    let most = bars.len().min(5);
    (0..most).map(|at| bars[at * (bars.len() - 1) / (most - 1).max(1)].label.clone()).collect()
}

fn rows(bars: &[ChartBar]) -> Vec<(String, Vec<String>)> {
    let row = |bar: &ChartBar| (bar.label.clone(), bar.values().map(grouped).collect());
    bars.iter().rev().filter(|bar| bar.total() > 0).map(row).collect()
}

/// The next round number for the top of the axis. Its half is a whole number, and the highest bar takes at least three
/// quarters of the axis.
fn round_up(most: u64) -> u64 {
    const STEPS: [u64; 15] = [10, 12, 14, 16, 20, 24, 28, 30, 36, 40, 50, 60, 70, 80, 90];
    if most <= STEPS[0] {
        return most.next_multiple_of(2).max(2);
    }
    let mut ten = 1;
    loop {
        if let Some(step) = STEPS.into_iter().find(|step| step * ten >= most) {
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
    fn chart_stacks_allowed_requests_below_denied_ones() {
        let names = [(3, "make predictions".to_owned()), (2, "train models".to_owned())];
        let bars = [bar("a", &[5, 5], 0), bar("b", &[0, 0], 0), bar("c", &[5, 0], 3)];
        let drawn = chart("18 requests".to_owned(), &names, &bars);
        assert_eq!(drawn.y_labels, ["10", "5", "0"]);
        let paths: Vec<_> =
            drawn.paths.iter().map(|path| (path.class.as_str(), path.path.as_str())).collect();
        assert_eq!(
            paths,
            [
                ("chart-3", "M22.0 200.0h156.0v-100.0h-156.0zM422.0 200.0h156.0v-100.0h-156.0z"),
                ("chart-2", "M22.0 100.0h156.0v-100.0h-156.0z"),
                ("chart-refused", "M422.0 100.0h156.0v-60.0h-156.0z"),
            ]
        );
        let columns: Vec<_> =
            drawn.columns.iter().map(|one| (one.left.as_str(), one.values.as_str())).collect();
        assert_eq!(
            columns,
            [
                ("0.0", "a\nmake predictions: 5\ntrain models: 5"),
                ("200.0", "b\nNo requests"),
                ("400.0", "c\nmake predictions: 5\ndenied: 3"),
            ]
        );
        assert_eq!(drawn.series.iter().map(|one| one.total.as_str()).collect::<Vec<_>>(), ["10", "5", "3"]);
        assert_eq!(drawn.x_labels, ["a", "b", "c"]);
        assert_eq!(
            drawn.rows,
            [
                ("c".to_owned(), vec!["5".into(), "0".into(), "3".into()]),
                ("a".to_owned(), vec!["5".into(), "5".into(), "0".into()])
            ]
        );
        assert_eq!(chart(String::new(), &names, &bars[..2]).series.len(), 2);
    }

    #[test]
    fn chart_without_allowed_requests_shows_denied_ones() {
        let drawn = chart(String::new(), &[], &[bar("a", &[], 4), bar("b", &[], 2)]);
        assert_eq!((drawn.paths.len(), drawn.y_labels[0].as_str()), (1, "4"));
        assert_eq!(drawn.columns[1].values, "b\ndenied: 2");
    }

    #[test]
    fn horizontal_axis_labels_first_and_last_bar() {
        let bars: Vec<_> = (1..=30).map(|day| bar(&day.to_string(), &[], 1)).collect();
        assert_eq!(x_labels(&bars), ["1", "8", "15", "22", "30"]);
        assert_eq!((x_labels(&bars[..1]), x_labels(&[])), (vec!["1".to_owned()], vec![]));
    }

    #[test]
    fn vertical_axis_ends_close_above_highest_bar() {
        let highest = [0, 1, 2, 3, 7, 11, 17, 120, 2_678, 41_203];
        assert_eq!(highest.map(round_up), [2, 2, 2, 4, 8, 12, 20, 120, 2_800, 50_000]);
        for most in 10..5_000 {
            let top = round_up(most);
            assert!(top >= most && top * 3 <= most * 4 && top.is_multiple_of(2), "{most}: {top}");
        }
        let _ = round_up(u64::MAX / 100);
    }

    #[test]
    fn sparkline_shows_small_values_and_hides_zero() {
        assert_eq!(spark(&[0; 30]), "");
        assert_eq!(spark(&[0, 1, 1_000]), "M30.0 24h21.0v-1.5h-21.0zM60.0 24h21.0v-24.0h-21.0z");
    }
}
