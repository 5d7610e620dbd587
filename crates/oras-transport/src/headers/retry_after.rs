use std::time::{Duration, SystemTime};

use http::{HeaderMap, header::RETRY_AFTER};

/// How long a response asks to wait, from `now`: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3). A date in the
/// past is no wait.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let headers = [(http::header::RETRY_AFTER, "120".parse().unwrap())].into_iter().collect();
/// assert_eq!(oras_transport::retry_after(&headers, SystemTime::now()), Some(Duration::from_secs(120)));
/// ```
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than a u64 holds are still a wait.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seconds_and_dates() {
        let now = httpdate::parse_http_date("Fri, 06 Nov 2026 10:00:00 GMT").unwrap();
        for (text, expected) in [
            ("0", Some(0)),
            (" 60 ", Some(60)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Fri, 06 Nov 2026 10:01:30 GMT", Some(90)),
            ("Fri, 06 Nov 2026 09:00:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("880.092µs", None),
            ("soon", None),
            ("", None),
        ] {
            let value = http::HeaderValue::from_bytes(text.as_bytes()).unwrap();
            let headers = [(RETRY_AFTER, value)].into_iter().collect();
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
