//! A plot of a few lines on logarithmic axes, as SVG.

use std::fmt::Write as _;

/// A picture of lines.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// Points that belong together.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 260.0;
const MARGIN: f64 = 45.0;
/// Told apart by people who see no red or green, too.
const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];
const COLUMNS: usize = 2;

/// Draws panels, two in a row.
#[expect(clippy::cast_precision_loss, reason = "there are a few panels")]
pub(super) fn svg(panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(COLUMNS);
    let (width, height) = (WIDTH * COLUMNS as f64, HEIGHT * rows as f64);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        let (x, y) = ((index % COLUMNS) as f64 * WIDTH, (index / COLUMNS) as f64 * HEIGHT);
        let _ = writeln!(text, "<g transform=\"translate({x},{y})\">\n{}</g>", panel.draw());
    }
    text + "</svg>\n"
}

impl Panel {
    fn draw(&self) -> String {
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let x = Axis::around(all().map(|point| point.0), MARGIN, WIDTH - 15.0);
        let y = Axis::around(all().map(|point| point.1), HEIGHT - MARGIN, 30.0);
        let mut text = format!("<text x=\"{MARGIN}\" y=\"18\" font-weight=\"bold\">{}</text>\n", self.title);
        for decade in x.decades() {
            let at = x.place(decade);
            let (top, bottom) = (y.end, y.start);
            let _ = writeln!(text, "<path d=\"M{at:.1} {bottom}V{top}\" stroke=\"#ddd\"/>");
            let _ =
                writeln!(text, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{decade}</text>", bottom + 15.0);
        }
        for decade in y.decades() {
            let at = y.place(decade);
            let _ = writeln!(text, "<path d=\"M{} {at:.1}H{}\" stroke=\"#ddd\"/>", x.start, x.end);
            let _ = writeln!(
                text,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{decade}</text>",
                x.start - 5.0,
                at + 4.0
            );
        }
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            text += &line.draw(&x, &y, colour);
        }
        text
    }
}

impl Line {
    fn draw(&self, x: &Axis, y: &Axis, colour: &str) -> String {
        let places: Vec<_> = self.points.iter().map(|point| (x.place(point.0), y.place(point.1))).collect();
        let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let mut text =
            format!("<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n", path.join(" "));
        for (x, y) in &places {
            let _ = writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        if let Some((x, y)) = places.last() {
            let (x, y) = (x - 6.0, y - 7.0);
            let _ = writeln!(
                text,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\" text-anchor=\"end\">{}</text>",
                self.name
            );
        }
        text
    }
}

/// A logarithmic axis of whole decades.
#[derive(Debug)]
struct Axis {
    low: i32,
    high: i32,
    start: f64,
    end: f64,
}

impl Axis {
    #[expect(clippy::cast_possible_truncation, reason = "no figure has so many digits")]
    fn around(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let (low, high) = values
            .filter(|value| *value > 0.0)
            .map(f64::log10)
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self { low: 0, high: 1, start, end };
        }
        let low = low.floor() as i32;
        Self { low, high: (high.ceil() as i32).max(low + 1), start, end }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        (self.end - self.start).mul_add(part, self.start)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_hold_whole_decades() {
        let axis = Axis::around([3.0, 450.0].into_iter(), 0.0, 300.0);
        assert_eq!(axis.decades().collect::<Vec<_>>(), [1.0, 10.0, 100.0, 1000.0]);
        assert!((axis.place(10.0) - 100.0).abs() < 1e-6);
        assert_eq!(Axis::around([].into_iter(), 0.0, 1.0).decades().count(), 2);
    }

    #[test]
    fn a_line_has_its_points_and_its_name() {
        let line = Line { name: "ours", points: vec![(1.0, 2.0), (10.0, 3.0)] };
        let text = svg(&[Panel { title: "seconds".to_owned(), lines: vec![line] }]);
        assert_eq!(text.matches("<circle").count(), 2);
        assert!(text.contains(">ours<") && text.ends_with("</svg>\n"));
    }
}
