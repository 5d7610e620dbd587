use std::time::Duration;

use http::HeaderMap;

/// How many requests a registry still answers, as it says in `RateLimit-Limit` and `RateLimit-Remaining`.
///
/// Docker Hub writes `100;w=21600`: 100 in six hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests in a window.
    pub limit: Option<u64>,
    /// Requests left in the window.
    pub remaining: Option<u64>,
    /// The length of the window.
    pub window: Option<Duration>,
    /// How long until the window ends.
    pub reset: Option<Duration>,
}

impl RateLimit {
    /// What the headers of a response say; none when they say nothing.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let limit = text("ratelimit-limit").unwrap_or_default();
        let remaining = text("ratelimit-remaining").unwrap_or_default();
        let found = Self {
            limit: count(limit),
            remaining: count(remaining),
            window: window(limit).or_else(|| window(remaining)),
            reset: text("ratelimit-reset").and_then(count).map(Duration::from_secs),
        };
        (found != Self::default()).then_some(found)
    }
}

fn count(text: &str) -> Option<u64> {
    text.split([';', ',']).next()?.trim().parse().ok()
}

fn window(text: &str) -> Option<Duration> {
    let mut parameters = text.split(';').skip(1);
    let seconds = parameters.find_map(|parameter| parameter.trim().strip_prefix("w="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&'static str, &str)]) -> Option<RateLimit> {
        let headers = pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        RateLimit::from_headers(&headers.collect())
    }

    #[test]
    fn reads_what_docker_hub_writes() {
        let found = parse(&[("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")]).unwrap();
        assert_eq!((found.limit, found.remaining, found.reset), (Some(100), Some(76), None));
        assert_eq!(found.window, Some(Duration::from_secs(21600)));
    }

    #[test]
    fn is_not_there_when_the_headers_say_nothing() {
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[("ratelimit-limit", "many")]), None);
    }
}
