//! Paging of IAM's lists: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Fault;
use crate::base::paging;
use crate::core::OperationResult;

const PAGE_SIZE: usize = 100;

/// The paging members of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Paging {
    marker: Option<String>,
    max_items: Option<usize>,
}

impl Paging {
    pub(super) fn new(marker: Option<String>, max_items: Option<usize>) -> Self {
        Self { marker, max_items }
    }

    /// The response with one page of `items`, each with its key, as `member`. `to_output` is called only for the items of
    /// the page.
    pub(super) fn page_response_with<T>(
        &self,
        query: &str,
        member: &str,
        items: impl IntoIterator<Item = (String, T)>,
        to_output: impl Fn(String, T) -> Value,
    ) -> OperationResult {
        let items = items.into_iter().map(|(key, item)| (key.clone(), (key, item)));
        let page = paging::page(items, query, self.marker.as_deref(), self.max_items.unwrap_or(PAGE_SIZE))
            .map_err(|_| Fault::client("ValidationError", "Invalid Marker."))?;
        let outputs: Vec<Value> = page.items.into_iter().map(|(key, item)| to_output(key, item)).collect();
        Ok(json!({ member: outputs, "IsTruncated": page.next_token.is_some(), "Marker": page.next_token }))
    }

    /// The response with one page of `items`, each with its key, as `member`.
    pub(super) fn page_response(
        &self,
        query: &str,
        member: &str,
        items: impl IntoIterator<Item = (String, Value)>,
    ) -> OperationResult {
        self.page_response_with(query, member, items, |_, item| item)
    }
}
