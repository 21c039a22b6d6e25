//! Which of the events that were read are printed.

use serde_json::Value;

use super::args::ReadArgs;
use super::json_query::JsonQuery;
use crate::model::LogEvent;

/// The conditions that CloudWatch Logs does not check.
#[derive(Debug, Default)]
pub(super) struct Selection {
    grep: Vec<regex::Regex>,
    exclude: Vec<regex::Regex>,
    task: Option<String>,
    stream: Option<regex::Regex>,
    query: Option<JsonQuery>,
}

/// What is printed of an event.
#[derive(Debug, PartialEq)]
pub(super) enum Selected {
    Message,
    /// The result of `--query`.
    Result(Value),
}

impl Selected {
    /// The result of `--query`, if it is printed.
    pub(super) fn result(self) -> Option<Value> {
        match self {
            Self::Message => None,
            Self::Result(result) => Some(result),
        }
    }
}

impl Selection {
    pub(super) fn new(args: &ReadArgs) -> Self {
        let ReadArgs { grep, exclude, task, stream, query, .. } = args;
        let (grep, exclude, query) = (grep.clone(), exclude.clone(), query.clone());
        Self { grep, exclude, task: task.clone(), stream: stream.clone(), query }
    }

    /// What is printed of an event; `None` if it is left out.
    pub(super) fn select(&self, event: &LogEvent<'_>) -> Option<Selected> {
        let of_task = |id: &String| event.stream.rsplit('/').next().is_some_and(|task| task.starts_with(id));
        let is_selected = self.task.as_ref().is_none_or(of_task)
            && self.stream.as_ref().is_none_or(|stream| stream.is_match(event.stream))
            && self.grep.iter().all(|pattern| pattern.is_match(event.message))
            && !self.exclude.iter().any(|pattern| pattern.is_match(event.message));
        match &self.query {
            _ if !is_selected => None,
            Some(query) => query.result(event.message).map(Selected::Result),
            None => Some(Selected::Message),
        }
    }
}

/// Parses a regular expression.
pub(super) fn regex(text: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_conditions_must_hold() {
        let pattern = |text| regex(text).expect("a regular expression");
        let selection = Selection {
            grep: vec![pattern("a"), pattern("b")],
            exclude: vec![pattern("x"), pattern("y")],
            task: Some("12".to_owned()),
            stream: Some(pattern("^web/")),
            query: None,
        };
        let accepts = |stream, message| {
            selection.select(&LogEvent { id: "1", stream, timestamp: 0, ingestion_time: 0, message }).is_some()
        };
        assert!(accepts("web/app/123", "ab"));
        for (stream, message) in
            [("web/app/123", "a"), ("web/app/123", "aby"), ("web/app/312", "ab"), ("api/app/123", "ab")]
        {
            assert!(!accepts(stream, message), "{stream} {message}");
        }
    }
}
