//! Quoting for shells.

use std::borrow::Cow;

/// Quotes a word for a POSIX shell, or on Windows for both cmd and PowerShell.
pub(crate) fn quote(word: &str) -> Cow<'_, str> {
    if cfg!(windows) {
        let is_plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "&|<>^()'\"`$;,".contains(c));
        return if is_plain { word.into() } else { format!("\"{word}\"").into() };
    }
    // Only NUL cannot be quoted, and no process argument contains one.
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}
