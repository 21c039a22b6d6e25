//! CloudWatch Logs: Live Tail.

use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudwatchlogs::primitives::event_stream::EventReceiver;
use aws_sdk_cloudwatchlogs::types::error::StartLiveTailResponseStreamError;
use aws_sdk_cloudwatchlogs::types::{LiveTailSessionUpdate, StartLiveTailResponseStream};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use indexmap::IndexMap;

use super::error::root_cause;
use super::{Aws, AwsError, AwsErrorKind, Result};
use crate::model::{LiveUpdate, LogEvent, LogPage, log_group_name};

/// A session of Live Tail, which AWS ends after three hours.
#[derive(Debug)]
pub struct LiveTailSession(EventReceiver<StartLiveTailResponseStream, StartLiveTailResponseStreamError>);

impl Aws {
    /// Starts a session of Live Tail for log groups, by name or ARN. Not retried.
    pub async fn start_live_tail(&self, groups: &[String], pattern: Option<&str>) -> Result<LiveTailSession> {
        let mut arns = Vec::new();
        for group in groups {
            arns.push(if group.starts_with("arn:") { group.clone() } else { self.log_group_arn(group).await? });
        }
        let call = self.logs().start_live_tail().set_log_group_identifiers(Some(arns));
        let call = call.set_log_event_filter_pattern(pattern.map(ToOwned::to_owned));
        let no_retries = aws_sdk_cloudwatchlogs::config::Builder::new().retry_config(RetryConfig::disabled());
        let response = call.customize().config_override(no_retries).interceptor(LocalEndpoint).send().await;
        let response = response.map_err(|error| self.error("start Live Tail", error))?;
        Ok(LiveTailSession(response.response_stream))
    }
}

impl LiveTailSession {
    /// The next update, about once a second; `None` at the end.
    ///
    /// # Errors
    /// AWS ended the session, with its reason, or the connection was lost.
    pub async fn next(&mut self) -> Result<Option<LiveUpdate>> {
        loop {
            match self.0.recv().await {
                Ok(Some(StartLiveTailResponseStream::SessionUpdate(update))) => return Ok(Some(live_update(&update))),
                // The start of the session, or an event of a kind that is new.
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(error) => return Err(session_error(&error)),
            }
        }
    }
}

fn live_update(update: &LiveTailSessionUpdate) -> LiveUpdate {
    let mut pages = IndexMap::<String, LogPage>::new();
    for event in update.session_results() {
        let group = log_group_name(event.log_group_identifier().unwrap_or_default());
        pages.entry(group.to_owned()).or_default().push(LogEvent {
            id: "",
            stream: event.log_stream_name().unwrap_or_default(),
            timestamp: event.timestamp().unwrap_or_default(),
            ingestion_time: event.ingestion_time().unwrap_or_default(),
            message: event.message().unwrap_or_default(),
        });
    }
    let is_sampled = update.session_metadata().is_some_and(|metadata| metadata.sampled);
    LiveUpdate { is_sampled, pages: pages.into_iter().collect() }
}

fn session_error<R>(error: &SdkError<StartLiveTailResponseStreamError, R>) -> AwsError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let action = "continue Live Tail";
    match error {
        SdkError::ServiceError(service) => {
            let error = service.err();
            AwsError::from_code(action, error.code().unwrap_or_default(), error.message().unwrap_or_default())
        }
        _ => AwsError::new(action, AwsErrorKind::Unreachable, root_cause(error)),
    }
}

/// Removes the prefix that the operation's endpoint has from hosts that no name server knows with it: addresses and `localhost`.
#[derive(Debug)]
struct LocalEndpoint;

#[dyn_dispatch_hint]
impl Intercept for LocalEndpoint {
    fn name(&self) -> &'static str {
        "LocalEndpoint"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let uri: http::Uri = context.request().uri().parse()?;
        let host = uri.host().and_then(|host| host.strip_prefix("stream-"));
        let is_local = |host: &&str| *host == "localhost" || host.parse::<std::net::IpAddr>().is_ok();
        if let Some(host) = host.filter(is_local) {
            let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
            let scheme = uri.scheme_str().unwrap_or("http");
            context.request_mut().set_uri(format!("{scheme}://{host}{port}{}", uri.path()))?;
        }
        Ok(())
    }
}
