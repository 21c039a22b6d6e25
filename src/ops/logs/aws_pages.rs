//! Pages of CloudWatch Logs.

use std::sync::Arc;

use jiff::Timestamp;

use super::page_reader::LogPages;
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

    fn now(&self) -> i64 {
        self.aws.server_time().unwrap_or_else(self.local_clock).as_millisecond()
    }
}
