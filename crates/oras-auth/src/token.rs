use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use serde_json::Value;

/// A token lives at least this long, whatever its server says (distribution specification, "Token Authentication").
const MIN_LIFE: Duration = Duration::from_secs(60);

/// So much of the end of a token's life is not used: the registry's clock may differ, and a request takes time.
const MARGIN: Duration = Duration::from_secs(10);

/// What a token server gave.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) secret: String,
    /// When it came.
    pub(crate) fetched: SystemTime,
    /// Until when it is used without being asked for again.
    pub(crate) fresh_until: SystemTime,
    /// When it ends by the server's own word, which may be sooner.
    pub(crate) expires: SystemTime,
    /// What to ask with the next time, where the server gave it.
    pub(crate) refresh_token: Option<String>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Value,
    #[serde(default)]
    access_token: Value,
    #[serde(default)]
    refresh_token: Value,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    issued_at: Value,
}

impl Token {
    /// Reads the answer of a token server that came at `now`; none when there is no token in it.
    pub(crate) fn parse(body: &[u8], now: SystemTime) -> Option<Self> {
        let answer: Answer = serde_json::from_slice(body).ok()?;
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let secret = text(&answer.access_token).or_else(|| text(&answer.token))?;
        let seconds = answer.expires_in.as_f64().or_else(|| answer.expires_in.as_str()?.trim().parse().ok());
        let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(MIN_LIFE);
        let issued = answer.issued_at.as_str().and_then(rfc3339).map_or(now, |issued| issued.min(now));
        // Nobody gives a token that has ended: then the clocks differ, and its life begins when it comes.
        let issued = if issued.checked_add(life.max(MIN_LIFE)).is_some_and(|end| end <= now) { now } else { issued };
        let end = |life: Duration| issued.checked_add(life).unwrap_or(now + MIN_LIFE);
        let (fresh_until, expires) = (end(life.max(MIN_LIFE)) - MARGIN, end(life));
        Some(Self { secret, fetched: now, fresh_until, expires, refresh_token: text(&answer.refresh_token) })
    }
}

/// What a token server says about why there is no token: the message of its error document, if it is short enough.
pub(crate) fn reason(body: &[u8]) -> Option<String> {
    const MAX_REASON: usize = 256;
    let document: Value = serde_json::from_slice(body).ok()?;
    let first = document.get("errors").and_then(|errors| errors.get(0)).unwrap_or(&document);
    let texts = ["error_description", "message", "details", "error", "code"];
    let text = texts.iter().find_map(|name| first.get(name).and_then(Value::as_str))?;
    let is_plain = text.len() <= MAX_REASON && !text.contains(char::is_control);
    is_plain.then(|| text.to_owned())
}

/// The instant of `2026-11-06T10:00:00.123Z` (RFC 3339); fractions are dropped.
fn rfc3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(at)?;
    let mut clock = clock.split('.').next()?.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..=23).contains(&hour)
        && (0..=59).contains(&minute)
        && (0..=60).contains(&second);
    if !fits {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

/// Days from 1970-01-01 by the proleptic Gregorian calendar, counted in years that begin in March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn reads_instants() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-06T10:00:00Z", Some(1_793_959_200)),
            ("2026-11-06T10:00:00.999999999Z", Some(1_793_959_200)),
            ("2026-11-06T12:30:00+02:30", Some(1_793_959_200)),
            ("2026-11-06t02:00:00-08:00", Some(1_793_959_200)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800)),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-06T10:00:00", None),
            ("2026-11-06", None),
            ("soon", None),
            ("99999999999999999999-01-01T00:00:00Z", None),
        ] {
            assert_eq!(rfc3339(text), expected.map(at), "{text}");
        }
    }

    #[test]
    fn finds_the_token_under_either_name() {
        let now = at(1000);
        let secret = |body: &str| Token::parse(body.as_bytes(), now).map(|token| token.secret);
        for (body, expected) in [
            (r#"{"token":"a"}"#, Some("a")),
            (r#"{"access_token":"b"}"#, Some("b")),
            (r#"{"token":"a","access_token":"b"}"#, Some("b")),
            (r#"{"token":"a","access_token":""}"#, Some("a")),
            (r#"{"token":"a","access_token":null,"scope":["x"]}"#, Some("a")),
            (r#"{"token":""}"#, None),
            (r#"{}"#, None),
            (r#"[]"#, None),
            ("<html>", None),
        ] {
            assert_eq!(secret(body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_token_lives_as_long_as_is_said_but_at_least_a_minute() {
        let now = at(10_000);
        for (name, body, fresh, expires) in [
            ("nothing said", r#"{"token":"a"}"#, 10_050, 10_060),
            ("seconds", r#"{"token":"a","expires_in":300}"#, 10_290, 10_300),
            ("as text", r#"{"token":"a","expires_in":"300"}"#, 10_290, 10_300),
            ("a fraction", r#"{"token":"a","expires_in":300.0}"#, 10_290, 10_300),
            ("too short", r#"{"token":"a","expires_in":1}"#, 10_050, 10_001),
            ("negative", r#"{"token":"a","expires_in":-5}"#, 10_050, 10_060),
            ("issued before", r#"{"token":"a","expires_in":300,"issued_at":"1970-01-01T02:45:00Z"}"#, 10_190, 10_200),
            (
                "issued in the future",
                r#"{"token":"a","expires_in":300,"issued_at":"2026-11-06T10:00:00Z"}"#,
                10_290,
                10_300,
            ),
            (
                "issued so long ago that the clocks must differ",
                r#"{"token":"a","expires_in":300,"issued_at":"1970-01-01T02:30:00Z"}"#,
                10_290,
                10_300,
            ),
            ("endless", r#"{"token":"a","expires_in":1e300}"#, 10_050, 10_060),
        ] {
            let token = Token::parse(body.as_bytes(), now).unwrap();
            assert_eq!((token.fresh_until, token.expires), (at(fresh), at(expires)), "{name}");
        }
    }

    #[test]
    fn the_reason_of_a_refusal_is_found_in_any_form() {
        for (body, expected) in [
            (r#"{"errors":[{"code":"DENIED","message":"no such user"}]}"#, Some("no such user")),
            (r#"{"error":"invalid_grant","error_description":"expired"}"#, Some("expired")),
            (r#"{"details":"incorrect username or password"}"#, Some("incorrect username or password")),
            (r#"{"errors":[]}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(reason(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_a_token_or_none(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
            seconds in "-?[0-9]{1,25}(\\.[0-9]{1,3})?(e[0-9]{1,4})?|null|\"[0-9a-z]{0,5}\"",
            issued in "[0-9]{1,6}-[0-9]{1,3}-[0-9]{1,3}[Tt ][0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}(\\.[0-9]{1,12})?(Z|[+-][0-9]{1,3}:[0-9]{1,3})|\\PC{0,30}",
        ) {
            let issued = Value::String(issued);
            let body = format!(r#"{{"token":"a","expires_in":{seconds},"issued_at":{issued}}}"#);
            for body in [&bytes[..], body.as_bytes()] {
                let _read = (Token::parse(body, at(1_793_959_200)), reason(body));
            }
        }
    }
}
