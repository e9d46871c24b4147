//! Timestamps in RFC 3339 format, in whole seconds since 1970.

use std::fmt;

use crate::Error;

/// Parses a time such as `2026-11-25`, `2026-11-25T08:00:00Z` or `2026-11-25T09:00:00.5+01:00`.
/// Returns seconds since 1970.
///
/// ```
/// use pinnace_wheel::parse_timestamp;
///
/// assert_eq!(parse_timestamp("1970-01-02")?, 86_400);
/// assert_eq!(parse_timestamp("1970-01-02T01:00:00+01:00")?, 86_400);
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
///
/// # Errors
///
/// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text is not such a time, or is
/// before 1970.
pub fn parse_timestamp(text: &str) -> Result<u64, Error> {
    parse(text).ok_or_else(|| {
        let reason = "expected a form such as `2026-11-25` or `2026-11-25T08:00:00Z`";
        Error::parse("date or time", text, reason)
    })
}

pub(crate) fn parse(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let plausible = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
    let days = plausible.then(|| days_since_1970(year, month, day))?;
    // The formatter would write the 30th of February as the 2nd of March.
    if !Timestamp(days * 86_400).to_string().starts_with(date) {
        return None;
    }
    let seconds = i64::try_from(days).ok()? * 86_400 + time.map_or(Some(0), seconds_of_day)?;
    u64::try_from(seconds).ok()
}

/// Returns the second of the day in UTC for a time such as `08:00:00.5+01:00`.
fn seconds_of_day(text: &str) -> Option<i64> {
    let zone = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (time, zone) = text.split_at(zone);
    let whole = time.split('.').next().unwrap_or_default();
    let [hour, minute, second] = numbers(whole, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = match zone.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => 0,
        Some((sign @ ("+" | "-"), offset)) => {
            let [hours, minutes] = numbers(offset, ':', [2, 2])?;
            let seconds = (hours * 3_600 + minutes * 60) as i64;
            if sign == "+" { seconds } else { -seconds }
        }
        Some(_) => return None,
    };
    Some((hour * 3_600 + minute * 60 + second) as i64 - offset)
}

/// Parses numbers with a fixed count of digits each.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

/// Returns the days since 1970 in the Gregorian calendar. It counts in years that start in March,
/// so that leap days come last.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    days - 719_468
}

/// A timestamp in seconds since 1970, displayed as `2026-11-25T08:00:00Z`.
pub(crate) struct Timestamp(pub(crate) u64);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0 / 86_400 + 719_468, self.0 % 86_400);
        let (era, of_era) = (days / 146_097, days % 146_097);
        let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * years + years / 4 - years / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (year, month) = match month {
            0..=9 => (era * 400 + years, month + 3),
            _ => (era * 400 + years + 1, month - 9),
        };
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "2026-1-1",
            "2026-01-01T25:00:00Z",
            "1969-12-31",
            "x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse("2024-03-24T00:00:00.123456Z"), Some(1_711_238_400));
        assert_eq!(parse("2024-02-29"), Some(1_709_164_800));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..253_402_300_800_u64) {
            prop_assert_eq!(parse(&Timestamp(seconds).to_string()), Some(seconds));
        }
    }
}
