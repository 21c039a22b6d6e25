//! Parses the shared AWS files by the rules of Python's `configparser` and `shlex`.

use super::ProfileSection;

/// A syntax error: the line number, from 1, and the message.
pub(super) type SyntaxError = (usize, &'static str);

/// Parses a file into sections, in order, with their headers as written.
pub(super) fn sections(text: &str) -> Result<Vec<(String, ProfileSection)>, SyntaxError> {
    let mut sections: Vec<(String, ProfileSection)> = Vec::new();
    let (mut last_key, mut key_indent): (Option<String>, usize) = (None, 0);
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if let (Some((_, section)), Some(key)) = (sections.last_mut(), &last_key)
            && indent > key_indent
        {
            let value = section.entry(key.clone()).or_default();
            if (value.is_empty() || value.starts_with('\n')) && !content.contains('=') {
                return Err((number, "expected KEY = VALUE in a nested section"));
            }
            value.push('\n');
            value.push_str(content);
            continue;
        }
        key_indent = indent;
        if let Some(header) = content.strip_prefix('[') {
            let end = header
                .rfind(']')
                .filter(|end| *end > 0)
                .ok_or((number, "expected `]` at the end of a section's name"))?;
            sections.push((header[..end].to_owned(), ProfileSection::new()));
            last_key = None;
            continue;
        }
        let (_, section) =
            sections.last_mut().ok_or((number, "expected a section, such as [default], before the first key"))?;
        let (key, value) = content.split_once(['=', ':']).ok_or((number, "expected KEY = VALUE or [SECTION]"))?;
        let key = key.trim_end().to_lowercase();
        if key.is_empty() {
            return Err((number, "expected a key before `=`"));
        }
        section.insert(key.clone(), value.trim().to_owned());
        last_key = Some(key);
    }
    Ok(sections)
}

/// Splits words like Python's `shlex.split`, which differs from a shell: there are no comments, and within double quotes a backslash
/// escapes only itself and the quote. `None` for an unclosed quote or a trailing backslash.
pub(super) fn shlex_split(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                let escaped = chars.next()?;
                let word = word.get_or_insert_default();
                if quote.is_some() && escaped != '"' && escaped != '\\' {
                    word.push('\\');
                }
                word.push(escaped);
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}
