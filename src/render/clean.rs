//! Removes control characters from text of other origin (log lines, AWS's messages, names) before it reaches the terminal.

use std::borrow::Cow;

/// Makes control characters visible: `ESC` becomes `␛`. Tabs stay; so do line ends if `lines` is set.
pub fn clean(text: &str, lines: bool) -> Cow<'_, str> {
    let stays = |c: char| !is_control(c) || c == '\t' || (lines && c == '\n');
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if stays(c) { c } else { picture(c) }).collect())
}

/// C0, DEL, C1, and the marks that change the direction of text.
pub(super) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Unicode's control pictures for C0 and DEL; the replacement character for the rest.
fn picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power_and_text_stays() {
        assert_eq!(clean("\x1b]0;owned\x07 naïve\tок", false), "␛]0;owned␇ naïve\tок");
        assert_eq!(clean("a\nb", false), "a␊b");
        assert_eq!(clean("a\nb", true), "a\nb");
        assert_eq!(clean("\u{9b}31m\u{202e}x", true), "\u{fffd}31m\u{fffd}x");
    }
}
