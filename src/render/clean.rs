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

/// C0, DEL, C1, the separators of lines and paragraphs, and the bidirectional formatting characters (Unicode's property `Bidi_Control`).
pub(super) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// As [`clean`] with newlines, with further lines indented, so that none can be mistaken for another message.
pub(super) fn clean_paragraph(text: &str) -> String {
    let mut lines = clean(text, true).split('\n').map(ToOwned::to_owned).collect::<Vec<_>>().into_iter();
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |text, line| {
        let indent = if line.starts_with("  ") { "" } else { "  " };
        format!("{text}\n{indent}{line}")
    })
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
        assert_eq!(clean("\u{9b}31m\u{202e}x\u{61c}y\u{2028}z", true), "\u{fffd}31m\u{fffd}x\u{fffd}y\u{fffd}z");
    }

    #[test]
    fn a_line_break_cannot_forge_a_message() {
        assert_eq!(
            clean_paragraph("denied\nerror: forged\n  a reason\r\x1b[1m"),
            "denied\n  error: forged\n  a reason␍␛[1m"
        );
    }
}
