//! A chart of the cost of a check per number of keys.

use std::fmt::Write as _;

use super::SizeResult;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 120.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 48.0;

/// A line of the chart: its name, its color, and its cost in nanoseconds.
type ChartLine = (&'static str, &'static str, fn(&SizeResult) -> f64);

const LINES: [ChartLine; 3] = [
    ("allowed", "#0f766e", |size| size.allowed),
    ("unknown", "#b45309", |size| size.unknown),
    ("one SHA-256", "#64748b", |size| size.floor),
];

/// Draws the chart as SVG. Lines appear if there are at least two sizes.
pub(super) fn svg(sizes: &[SizeResult]) -> String {
    let most = sizes.iter().flat_map(|size| LINES.map(|(_, _, cost)| cost(size))).fold(1.0, f64::max);
    let step = 10_f64.powf(most.log10().floor());
    let step = if most / step < 3.0 { step / 2.0 } else { step };
    let top = (most / step).ceil() * step;
    let (first, last) = (sizes.first().map_or(1.0, log), sizes.last().map_or(1.0, log));
    let x =
        |size: &SizeResult| LEFT + (log(size) - first) / (last - first).max(1e-9) * (WIDTH - LEFT - RIGHT);
    let y = |cost: f64| HEIGHT - BOTTOM - cost / top * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <title>Cost of a check against the number of keys</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"16\" font-weight=\"600\" fill=\"#0f172a\">A check of a random key, in nanoseconds</text>\n"
    );
    // Writing to a `String` cannot fail.
    for cost in std::iter::successors(Some(0.0), |cost| Some(cost + step)).take_while(|cost| *cost <= top) {
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\" stroke=\"#e2e8f0\"/><text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\" fill=\"#475569\">{cost:.0}</text>",
            WIDTH - RIGHT,
            y(cost),
            LEFT - 8.0,
            y(cost) + 4.0
        );
    }
    for size in sizes {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#475569\">{}</text>",
            x(size),
            HEIGHT - BOTTOM + 20.0,
            words(size.keys)
        );
    }
    for (name, color, cost) in LINES {
        let points: Vec<_> =
            sizes.iter().map(|size| format!("{:.1},{:.1}", x(size), y(cost(size)))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        if let Some(size) = sizes.last() {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{name} {:.0}</text>",
                x(size) + 8.0,
                y(cost(size)) + 4.0,
                cost(size)
            );
        }
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#475569\">keys in memory</text>\n</svg>",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - 8.0
    );
    svg
}

#[expect(clippy::cast_precision_loss, reason = "far fewer keys than 2^52")]
fn log(size: &SizeResult) -> f64 {
    (size.keys as f64).log10()
}

fn words(keys: usize) -> String {
    match keys {
        millions if millions % 1_000_000 == 0 => format!("{} M", millions / 1_000_000),
        thousands if thousands % 1_000 == 0 => format!("{},000", thousands / 1_000),
        other => other.to_string(),
    }
}
