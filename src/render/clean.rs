//! Replaces control characters in untrusted text (log lines, AWS's messages, names) before it reaches the terminal.

use std::borrow::Cow;

/// Makes control characters visible: `ESC` becomes `␛`. Keeps tabs, and newlines if `keep_newlines` is set.
pub(crate) fn clean(text: &str, keep_newlines: bool) -> Cow<'_, str> {
    let is_kept = |c: char| !is_control(c) || c == '\t' || (keep_newlines && c == '\n');
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_kept(c) { c } else { control_picture(c) }).collect())
}

/// C0, DEL, C1, and the bidirectional formatting characters.
pub(super) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Unicode's control pictures for C0 and DEL; the replacement character for the rest.
fn control_picture(c: char) -> char {
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
    fn control_characters_are_replaced_and_other_text_is_kept() {
        assert_eq!(clean("\x1b]0;owned\x07 naïve\tок", false), "␛]0;owned␇ naïve\tок");
        assert_eq!(clean("a\nb", false), "a␊b");
        assert_eq!(clean("a\nb", true), "a\nb");
        assert_eq!(clean("\u{9b}31m\u{202e}x", true), "\u{fffd}31m\u{fffd}x");
    }
}
