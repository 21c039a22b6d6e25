//! Why a rule rejects a value.

use crate::diagnostic::Diagnostic;

/// The result of a rule: the converted value, or why it is invalid. The message continues the key: `is 70000, …`.
pub(in crate::stack) type Validated<T> = Result<T, Diagnostic>;

/// Why a value is invalid that may be a list: diagnostics about the whole value, or about the item with an index.
#[derive(Debug)]
pub(in crate::stack) struct Invalid(pub(super) Vec<(Option<usize>, Diagnostic)>);

impl Invalid {
    /// An item of a list is invalid.
    pub(crate) fn item(index: usize, diagnostic: Diagnostic) -> Self {
        Self(vec![(Some(index), diagnostic)])
    }

    /// Items of a list are invalid.
    pub(crate) fn items(items: Vec<(usize, Diagnostic)>) -> Self {
        Self(items.into_iter().map(|(index, diagnostic)| (Some(index), diagnostic)).collect())
    }
}

impl From<Diagnostic> for Invalid {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![(None, diagnostic)])
    }
}
