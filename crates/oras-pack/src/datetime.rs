//! Dates and times as RFC 3339 writes them, as far as an annotation needs them.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 86_400;

/// The last second that four digits of a year can say, 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// Whether the text is a date and time that both RFC 3339 and Go's `time.Parse` accept: upper-case `T` and `Z`, no leap
/// second.
pub(crate) fn is_rfc_3339(text: &str) -> bool {
    parse(text).is_some()
}

/// The time in UTC, in whole seconds; what lies before 1970 or after 9999 becomes the nearest second between.
pub(crate) fn to_rfc_3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST_SECOND);
    let (year, month, day) = date_of(seconds / SECONDS_A_DAY);
    let rest = seconds % SECONDS_A_DAY;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// The date of a day counted from 1970-01-01.
fn date_of(mut day: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn parse(text: &str) -> Option<()> {
    let mut cursor = Cursor(text.as_bytes());
    let year = cursor.number(4)?;
    cursor.skip(b'-')?;
    let month = cursor.number(2).filter(|month| (1..=12).contains(month))?;
    cursor.skip(b'-')?;
    cursor.number(2).filter(|day| (1..=days_of_month(year, month)).contains(day))?;
    cursor.skip(b'T')?;
    cursor.time()?;
    cursor.skip(b':')?;
    cursor.number(2).filter(|second| *second < 60)?;
    if cursor.skip(b'.').is_some() {
        cursor.number(1)?;
        while cursor.number(1).is_some() {}
    }
    if cursor.skip(b'Z').is_none() {
        cursor.skip(b'+').or_else(|| cursor.skip(b'-'))?;
        cursor.time()?;
    }
    cursor.0.is_empty().then_some(())
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn skip(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn number(&mut self, digits: usize) -> Option<u64> {
        let (head, tail) = self.0.split_at_checked(digits)?;
        let number = head
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0')))?;
        self.0 = tail;
        Some(number)
    }

    fn time(&mut self) -> Option<()> {
        self.number(2).filter(|hour| *hour < 24)?;
        self.skip(b':')?;
        self.number(2).filter(|minute| *minute < 60)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn writes_what_it_reads() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_704_164_645, "2024-01-02T03:04:05Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST_SECOND, "9999-12-31T23:59:59Z"),
            (LAST_SECOND + 1, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, expected) in cases {
            let text = to_rfc_3339(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 999));
            assert_eq!(text, expected);
            assert!(is_rfc_3339(&text));
        }
        assert_eq!(to_rfc_3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn refuses_what_is_cut_short_anywhere() {
        let text = "2024-01-02T03:04:05.5+09:00";
        assert!(is_rfc_3339(text));
        for len in 0..text.len() {
            let cut: String = text.chars().take(len).collect();
            assert!(!is_rfc_3339(&cut), "{cut}");
        }
    }
}
