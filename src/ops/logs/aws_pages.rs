//! Pages of CloudWatch Logs.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::page_reader::{LiveUpdates, LogPages};
use crate::aws::{Aws, AwsError};
use crate::model::{LogPage, LogQuery};

/// The pages of an account and region.
#[derive(Debug)]
pub(crate) struct AwsPages {
    pub aws: Arc<Aws>,
    /// This machine's clock, until a response shows the server's.
    pub local_clock: fn() -> Timestamp,
}

impl AwsPages {
    /// Whether a response has shown the server's clock.
    pub(crate) fn has_server_time(&self) -> bool {
        self.aws.server_time().is_some()
    }
}

impl LogPages for AwsPages {
    async fn page(&self, query: &LogQuery, token: Option<String>) -> Result<LogPage, AwsError> {
        self.aws.filter_log_events(query, token).await
    }

    async fn live(&self, groups: &[String], pattern: Option<&str>) -> Result<LiveUpdates, AwsError> {
        let mut session = self.aws.start_live_tail(groups, pattern).await?;
        // While the receiver is slow, the connection is too.
        let (sender, updates) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok(permit) = sender.reserve().await {
                let update = tokio::select! {
                    update = session.next() => update.transpose(),
                    () = sender.closed() => None,
                };
                let Some(update) = update else { return };
                let is_end = update.is_err();
                permit.send(update);
                if is_end {
                    return;
                }
            }
        });
        Ok(updates)
    }

    fn now(&self) -> i64 {
        self.aws.server_time().unwrap_or_else(self.local_clock).as_millisecond()
    }
}
