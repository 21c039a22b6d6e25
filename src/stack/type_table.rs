//! The format of the tables in `src/data`: an unindented line is a module; the indented lines below it are its types, each with words about it.

/// The words about a resource type; `None` if the table does not have it.
pub(super) fn properties_of(table: &'static str, resource_type: &str) -> Option<impl Iterator<Item = &'static str>> {
    let (module, name) = resource_type.rsplit_once("::")?;
    let types = table.lines().skip_while(|line| *line != module).skip(1).take_while(|line| line.starts_with(' '));
    let mut rows = types.map(str::split_ascii_whitespace);
    rows.find_map(|mut words| (words.next() == Some(name)).then_some(words))
}
