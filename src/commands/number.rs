//! Numbers on the command line.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A parser for flags that take a whole number in a range. Its errors are plain sentences, without Rust's terms.
pub(super) fn whole_number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let digits = text.chars().all(|c| c.is_ascii_digit()).then_some(text);
        let number = digits.and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
        number.ok_or_else(|| format!("expected a whole number, {} to {}", range.start(), range.end()))
    }
}

/// A number, or a difference to the present one: `3`, `+1`, `-2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberChange {
    To(u32),
    By(i32),
}

impl NumberChange {
    /// A parser for a number up to `max`, or a difference.
    pub(super) fn parser(max: u32) -> impl Fn(&str) -> Result<Self, String> + Clone {
        move |text| {
            let difference = text.strip_prefix(['+', '-']).map(whole_number(1..=max));
            match difference {
                Some(Ok(_)) => text.parse().map(Self::By).map_err(|error| error.to_string()),
                _ => whole_number(0..=max)(text)
                    .map(Self::To)
                    .map_err(|expected| format!("{expected}, or a difference such as +1 or -2")),
            }
        }
    }

    /// The number that it results in.
    ///
    /// # Errors
    /// It would be negative or too large.
    pub(super) fn apply(self, present: u32) -> Result<u32, String> {
        match self {
            Self::To(number) => Ok(number),
            Self::By(difference) => present
                .checked_add_signed(difference)
                .ok_or_else(|| format!("{present} {difference:+} is not a possible number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_in_the_range_are_accepted() {
        let parse = whole_number(0..=5000u32);
        assert_eq!((parse("0"), parse("5000"), parse("007")), (Ok(0), Ok(5000), Ok(7)));
        for wrong in ["", "-1", "+1", "1.5", "5001", "99999999999", "x", " 1", "1_000", "٣"] {
            assert_eq!(parse(wrong), Err("expected a whole number, 0 to 5000".to_owned()), "{wrong}");
        }
    }

    #[test]
    fn a_difference_is_added_to_the_present_number() {
        let apply = |text| NumberChange::parser(5000)(text).and_then(|change| change.apply(3));
        assert_eq!((apply("0"), apply("+2"), apply("-3")), (Ok(0), Ok(5), Ok(0)));
        assert_eq!(apply("-4"), Err("3 -4 is not a possible number".to_owned()));
        for wrong in ["", "+", "-x", "+0", "--1", "+ 1", "5001", "+5001"] {
            let expected = "expected a whole number, 0 to 5000, or a difference such as +1 or -2";
            assert_eq!(apply(wrong), Err(expected.to_owned()), "{wrong}");
        }
    }
}
