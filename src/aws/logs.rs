//! CloudWatch Logs: groups, streams, events.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types as sdk;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;

use super::{Aws, AwsError, AwsErrorKind, Result, client, or_empty};
use crate::model::{LogEvent, LogGroup, LogPage, LogQuery, LogStream};

impl Aws {
    pub(super) fn logs(&self) -> &Client {
        self.logs.get_or_init(|| client!(aws_sdk_cloudwatchlogs, self))
    }

    /// One page of matching events. It is not retried, so that the caller can keep its request budget.
    pub async fn filter_log_events(&self, query: &LogQuery, token: Option<String>) -> Result<LogPage> {
        let action = format!("read log group `{}`", query.group);
        let is_arn = query.group.starts_with("arn:");
        let group = || Some(query.group.clone());
        let response = self
            .logs()
            .filter_log_events()
            .set_log_group_name(group().filter(|_| !is_arn))
            .set_log_group_identifier(group().filter(|_| is_arn))
            .set_log_stream_names(Some(query.streams.clone()).filter(|streams| !streams.is_empty()))
            .start_time(query.start.max(0))
            .set_end_time(query.end)
            .set_filter_pattern(query.pattern.clone())
            .set_start_from_head(query.newest_first.then_some(false))
            .set_limit(query.limit.map(i32::from))
            .set_next_token(token)
            .customize()
            .config_override(aws_sdk_cloudwatchlogs::config::Builder::new().retry_config(RetryConfig::disabled()))
            .send()
            .await
            .map_err(|error| self.error(action, error))?;
        let mut page = LogPage::default();
        for event in response.events() {
            page.push(LogEvent {
                id: event.event_id().unwrap_or_default(),
                stream: event.log_stream_name().unwrap_or_default(),
                timestamp: event.timestamp().unwrap_or_default(),
                ingestion_time: event.ingestion_time().unwrap_or_default(),
                message: event.message().unwrap_or_default(),
            });
        }
        page.next_token = response.next_token;
        Ok(page)
    }

    /// The last lines of a stream, oldest first; empty if the stream does not exist.
    pub async fn last_log_lines(&self, group: &str, stream: &str, lines: u16) -> Result<Vec<String>> {
        let action = format!("read log stream `{stream}` of `{group}`");
        let call = self.logs().get_log_events().log_group_name(group).log_stream_name(stream);
        let response = match call.limit(lines.into()).start_from_head(false).send().await {
            Ok(response) => response,
            Err(error) => {
                let error = self.error(action, error);
                return if error.kind == AwsErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) };
            }
        };
        Ok(response.events.unwrap_or_default().into_iter().map(|event| or_empty(event.message)).collect())
    }

    /// The log groups whose name starts with `prefix`.
    pub async fn log_groups(&self, prefix: Option<&str>) -> Result<Vec<LogGroup>> {
        let call = self.logs().describe_log_groups().set_log_group_name_prefix(prefix.map(ToOwned::to_owned));
        let groups: std::result::Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let groups = groups.map_err(|error| self.error("list log groups", error))?;
        let groups = groups.into_iter().map(|group| LogGroup {
            name: or_empty(group.log_group_name),
            retention_days: group.retention_in_days,
            stored_bytes: group.stored_bytes.unwrap_or_default(),
        });
        Ok(groups.collect())
    }

    /// Whether the log group exists.
    pub async fn has_log_group(&self, name: &str) -> Result<bool> {
        Ok(self.find_log_group(name).await?.is_some())
    }

    /// The ARN of a log group, without `:*`.
    pub(super) async fn log_group_arn(&self, name: &str) -> Result<String> {
        let arn = self.find_log_group(name).await?.and_then(|group| group.log_group_arn);
        arn.ok_or_else(|| {
            AwsError::new(format!("find log group `{name}`"), AwsErrorKind::NotFound, "it does not exist")
        })
    }

    /// The log group of this name. CloudWatch Logs sorts groups by name, so one page is enough.
    async fn find_log_group(&self, name: &str) -> Result<Option<sdk::LogGroup>> {
        let action = format!("look for log group `{name}`");
        let call = self.logs().describe_log_groups().log_group_name_prefix(name);
        let response = call.send().await.map_err(|error| self.error(action, error))?;
        let mut groups = response.log_groups.unwrap_or_default().into_iter();
        Ok(groups.find(|group| group.log_group_name() == Some(name)))
    }

    /// The streams of a group whose name starts with `prefix`, by name.
    pub async fn log_streams(&self, group: &str, prefix: Option<&str>) -> Result<Vec<LogStream>> {
        let action = format!("list the streams of log group `{group}`");
        let (name, arn) = if group.starts_with("arn:") { (None, Some(group)) } else { (Some(group), None) };
        let call = self.logs().describe_log_streams().set_log_group_name(name.map(ToOwned::to_owned));
        let call = call.set_log_group_identifier(arn.map(ToOwned::to_owned));
        let call = call.set_log_stream_name_prefix(prefix.map(ToOwned::to_owned));
        let streams: std::result::Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let streams = streams.map_err(|error| self.error(action, error))?;
        let streams = streams.into_iter().map(|stream| LogStream {
            name: or_empty(stream.log_stream_name),
            last_event: milliseconds(stream.last_event_timestamp),
        });
        Ok(streams.collect())
    }
}

fn milliseconds(value: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(value?).ok()
}
