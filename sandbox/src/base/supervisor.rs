//! Contains panics in background work: they are logged, and loops are restarted.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::request_log::RequestLog;

/// How long to wait before a loop is restarted, so that one that always panics takes little time.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// A panic, with its message.
#[derive(Debug, thiserror::Error)]
#[error("panic: {0}")]
pub(crate) struct Panicked(String);

impl Panicked {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "no message".to_owned()))
    }
}

/// Runs `work` and returns its panic as an error. Shared state must stay consistent after a panic: the store rolls back
/// unfinished changes, and other locks guard single-step changes.
pub(crate) async fn catch<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|payload| Panicked::new(&*payload))
}

/// Runs the future of `start` until it returns; a panic is logged, and the future started again.
pub(crate) async fn restart<F: Future<Output = ()>>(log: &RequestLog, name: &str, start: impl Fn() -> F) {
    while let Err(panic) = catch(async { start().await }).await {
        log.write(&format!("{name} is restarted: {panic}"));
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

/// Runs blocking work on a dedicated thread and resumes its panic in the caller.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and its tasks with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Runs work that may wait for the disk or take long in a future. The other tasks of its worker move to another thread meanwhile.
pub(crate) fn block<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{RequestLog, blocking, catch, restart};
    use crate::base::request_log::LogReader;

    #[tokio::test]
    async fn a_panic_becomes_an_error_with_its_message() {
        let ended = catch(async { 1 }).await;
        assert_eq!(ended.expect("it returned"), 1);
        let number = 7;
        let ended = catch(async { panic!("no room for {number}") }).await;
        let panic: super::Panicked = ended.map(|(): ()| ()).expect_err("it panicked");
        assert_eq!(panic.to_string(), "panic: no room for 7");
        let ended = catch(blocking(|| panic!("on another thread"))).await;
        let panic: super::Panicked = ended.map(|(): ()| ()).expect_err("it panicked");
        assert_eq!(panic.to_string(), "panic: on another thread");
    }

    #[tokio::test]
    async fn a_loop_that_panics_is_logged_and_restarted() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = RequestLog::open(folder.path()).expect("a log");
        let runs = AtomicUsize::new(0);
        restart(&log, "the test's loop", || {
            assert!(runs.fetch_add(1, Ordering::Relaxed) > 0, "the first run fails");
            std::future::ready(())
        })
        .await;
        assert_eq!(runs.into_inner(), 2);
        let (_, lines) = LogReader::open(folder.path()).expect("the log is there");
        assert!(lines[0].ends_with("the test's loop is restarted: panic: the first run fails"), "{lines:?}");
    }
}
