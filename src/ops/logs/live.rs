//! Live Tail beside polling: events arrive sooner, but neither all of them nor for ever.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::page_reader::LogPages;
use crate::aws::{AwsError, AwsErrorKind};
use crate::model::LiveUpdate;

/// The delay before a session is started again after the first failure; it doubles with each, up to [`MAX_DELAY`], until one lasts
/// longer than that.
const DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_mins(1);
/// Updates that wait to be printed. While there are more, AWS drops events, and polling finds them.
const QUEUE_LENGTH: usize = 4;

/// What happens to Live Tail.
#[derive(Debug)]
pub(super) enum LiveEvent {
    Update(LiveUpdate),
    /// The session ended or cannot be started; another one will be.
    Interrupted(AwsError),
    /// There will be no other session.
    Ended(AwsError),
}

/// A reader of Live Tail.
#[derive(Debug)]
pub(super) struct Live {
    events: mpsc::Receiver<LiveEvent>,
    /// Ends with the reader.
    _task: JoinSet<()>,
}

impl Live {
    /// Starts a session for log groups, by name or ARN, and another one whenever the connection is lost.
    pub(super) fn start<P: LogPages>(pages: Arc<P>, groups: Vec<String>, pattern: Option<String>) -> Self {
        let (sender, events) = mpsc::channel(QUEUE_LENGTH);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut delay = DELAY;
            loop {
                let started = Instant::now();
                let ended = match run_session(&*pages, &groups, pattern.as_deref(), &sender).await {
                    Some(error) if is_final(&error) => LiveEvent::Ended(error),
                    Some(error) => LiveEvent::Interrupted(error),
                    None => return,
                };
                let is_last = matches!(ended, LiveEvent::Ended(_));
                if sender.send(ended).await.is_err() || is_last {
                    return;
                }
                if started.elapsed() > MAX_DELAY {
                    delay = DELAY;
                }
                sleep(delay).await;
                delay = (delay * 2).min(MAX_DELAY);
            }
        });
        Self { events, _task: task }
    }

    /// What happens next. After [`LiveEvent::Ended`], nothing does.
    pub(super) async fn next(&mut self) -> LiveEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => pending().await,
        }
    }
}

/// Forwards the updates of one session until it fails; `None` if the receiver is gone.
async fn run_session<P: LogPages>(
    pages: &P,
    groups: &[String],
    pattern: Option<&str>,
    sender: &mpsc::Sender<LiveEvent>,
) -> Option<AwsError> {
    let mut updates = match pages.live(groups, pattern).await {
        Ok(updates) => updates,
        Err(error) => return Some(error),
    };
    while let Some(update) = updates.recv().await {
        match update {
            Ok(update) => sender.send(LiveEvent::Update(update)).await.ok()?,
            Err(error) => return Some(error),
        }
    }
    Some(AwsError::new("continue Live Tail", AwsErrorKind::Unreachable, "the connection was closed"))
}

/// Whether another session would fail as well, or AWS ends sessions after three hours. A group may be created later.
fn is_final(error: &AwsError) -> bool {
    let is_interrupted = error.code.as_deref() == Some("SessionStreamingException");
    !(is_interrupted || error.is_transient() || error.kind == AwsErrorKind::NotFound)
}
