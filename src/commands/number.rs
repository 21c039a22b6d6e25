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
}
