//! What `cargo xtask bench` was asked for.

use std::path::PathBuf;

use super::site::Site;

/// Pairs below which a median says nothing.
const FULL_PAIRS: usize = 5;
/// As many as show that everything runs.
const QUICK_PAIRS: usize = 2;
/// The default of oras-go, so that both sides run as it does.
const CONCURRENCY: usize = 3;
/// Where answers come late, more are waited for at once.
const CONCURRENCY_OF_LATENCY: usize = 16;

/// The words after `bench`, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Names of cases; empty for all of them.
    pub(super) cases: Vec<String>,
    /// Only what runs against this registry.
    pub(super) site: Option<String>,
    /// Small sizes, and no verdict on time.
    pub(super) quick: bool,
    /// Rounds in which every client has its turn.
    pub(super) pairs: usize,
    /// Transfers at once within one copy, of both sides.
    pub(super) concurrency: usize,
    /// Whether crane, regctl and skopeo run too.
    pub(super) peers: bool,
    /// Where the figures go.
    pub(super) json: Option<PathBuf>,
    /// Whether `BENCHMARKS.md` gets the table.
    pub(super) write: bool,
    /// What is run.
    pub(super) series: Series,
}

/// What a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// The table of cases.
    Cases,
    /// More and more, larger and larger.
    Growth,
    /// A link where every answer takes its time.
    Latency,
}

impl Options {
    /// Understands the words.
    ///
    /// # Errors
    ///
    /// The word that makes no sense.
    pub(super) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let (mut pairs, mut concurrency) = (None, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or_else(|| word.clone());
            match word.as_str() {
                "--case" => options.cases.push(value()?),
                "--site" => options.site = Some(value()?),
                "--pairs" => pairs = Some(number(&value()?)?),
                "--concurrency" => concurrency = Some(number(&value()?)?),
                "--json" => options.json = Some(value()?.into()),
                "--quick" => options.quick = true,
                "--no-peers" => options.peers = false,
                "--write" => options.write = true,
                "--growth" => options.series = Series::Growth,
                "--latency" => options.series = Series::Latency,
                _ => return Err(word.clone()),
            }
        }
        options.pairs = pairs.unwrap_or(if options.quick { QUICK_PAIRS } else { FULL_PAIRS });
        let of_series = if options.series == Series::Latency { CONCURRENCY_OF_LATENCY } else { CONCURRENCY };
        options.concurrency = concurrency.unwrap_or(of_series);
        Ok(options)
    }

    /// Whether a case of this name was asked for.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|case| case == name)
    }

    /// Whether cases run against such a registry.
    pub(super) fn visits(&self, site: Site) -> bool {
        self.site.as_ref().is_none_or(|word| site.is_called(word))
    }

    /// Whether times of this run can be judged.
    pub(super) fn judges_time(&self) -> bool {
        !self.quick && self.pairs >= FULL_PAIRS
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cases: Vec::new(),
            site: None,
            quick: false,
            pairs: FULL_PAIRS,
            concurrency: CONCURRENCY,
            peers: true,
            json: None,
            write: false,
            series: Series::Cases,
        }
    }
}

fn number(word: &str) -> Result<usize, String> {
    word.parse().ok().filter(|number| *number > 0).ok_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn words_are_understood() {
        let options = parse("--case b --case h --pairs 7 --json out.json").unwrap();
        assert!(options.wants("b") && options.wants("h") && !options.wants("a"));
        assert_eq!((options.pairs, options.judges_time()), (7, true));
        assert_eq!(options.json, Some("out.json".into()));
        assert!(parse("").unwrap().wants("a"));
        assert_eq!(parse("--latency").unwrap().concurrency, 16);
        assert_eq!(parse("--latency --concurrency 4").unwrap().concurrency, 4);
    }

    #[test]
    fn quick_runs_and_few_pairs_judge_no_time() {
        assert!(!parse("--quick").unwrap().judges_time());
        assert!(!parse("--quick --pairs 9").unwrap().judges_time());
        assert!(!parse("--pairs 4").unwrap().judges_time());
    }

    #[test]
    fn the_word_that_makes_no_sense_is_named() {
        for (line, word) in [("--fast", "--fast"), ("--pairs", "--pairs"), ("--pairs 0", "0"), ("--pairs x", "x")] {
            assert_eq!(parse(line), Err(word.to_owned()), "{line}");
        }
    }
}
