//! The mock backend: an inner process, a web service that responds like the workshop's Node.js backend
//! (github.com/brentley/ecsdemo-nodejs), for images that `[sandbox.images]` does not name.
//!
//! It runs as a task's process, uses some CPU time for each response so that load is visible, limits itself to its task's share of
//! CPU, and prints a line per request in Apache's combined log format.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::inner_args::InnerProcess;
use super::throttle::{Throttle, cpu_time};

/// CPU time that one response of the backend costs, about what the original needs on Fargate.
const WORK: Duration = Duration::from_millis(1);

/// How long requests in progress may take after SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The configuration of a mock backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockBackend {
    /// The loopback port that it listens on.
    pub port: u16,
    /// CPU units of its container or task: 1024 for one core.
    pub cpu: u32,
    /// The task's private address, which it shows.
    pub address: String,
    /// The task's availability zone, which it shows.
    pub zone: String,
    /// The image that it replaces. The "commit" that it shows is derived from it, so that a new image responds differently.
    pub image: String,
}

impl MockBackend {
    /// The command that starts it.
    pub fn command(&self, executable: &Path) -> Vec<String> {
        let arguments = InnerProcess::MockBackend(self.clone()).arguments();
        let all = std::iter::once(executable.as_os_str().to_owned()).chain(arguments);
        all.map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    fn message(&self) -> String {
        let Self { address, zone, .. } = self;
        format!("{address} in AZ-{}", zone.rsplit('-').next().unwrap_or(zone))
    }

    fn commit(&self) -> String {
        hex::encode(&Sha256::digest(&self.image)[..4])[..7].to_owned()
    }
}

#[derive(Debug)]
struct Backend {
    message: String,
    commit: String,
    throttle: Throttle,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) fn main(mock: &MockBackend) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(serve(mock))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(format_args!("the mock backend failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(mock: &MockBackend) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, mock.port)).await?;
    let backend = Arc::new(Backend {
        message: mock.message(),
        commit: mock.commit(),
        throttle: Throttle::new(f64::from(mock.cpu) / 1024.0),
    });
    print(format_args!("mock backend for {} ({}), commit {}", mock.image, backend.message, backend.commit));
    print(format_args!("listening on port {}", listener.local_addr()?.port()));
    let stop = tokio_util::sync::CancellationToken::new();
    let server = axum::serve(listener, routes(backend).into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    let serving = tokio::spawn(std::future::IntoFuture::into_future(server));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
    // Connections that are still open then are closed, as clients of any backend must expect when it stops.
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, serving).await;
    Ok(())
}

fn routes(backend: Arc<Backend>) -> Router {
    Router::new()
        .route("/", get(text))
        .route("/nodejs", get(text))
        .route("/nodejs/api", get(api))
        .route("/health", get(health))
        .fallback(async || (StatusCode::NOT_FOUND, "Not Found\n"))
        .layer(from_fn_with_state(Arc::clone(&backend), throttled_and_logged))
        .with_state(backend)
}

async fn text(State(backend): State<Arc<Backend>>) -> String {
    work();
    format!("Node.js backend: Hello! from {} commit {}", backend.message, backend.commit)
}

async fn api(State(backend): State<Arc<Backend>>) -> Response {
    work();
    as_json(&json!({ "from": "Node.js backend", "message": backend.message, "commit": backend.commit }))
}

async fn health() -> Response {
    as_json(&json!({ "healthy": true }))
}

fn as_json(body: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string()).into_response()
}

async fn throttled_and_logged(
    State(backend): State<Arc<Backend>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    backend.throttle.admit().await;
    let request_line = format!("{} {} {:?}", request.method(), request.uri(), request.version());
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let length = response.body().size_hint().exact().unwrap_or_default();
    print(format_args!(
        "{} - - [{}] \"{}\" {} {length} \"{}\" \"{}\"",
        client.ip(),
        crate::base::clock::access_log_time(now()),
        quoted(&request_line),
        response.status().as_u16(),
        header_text(&headers, &header::REFERER),
        header_text(&headers, &header::USER_AGENT),
    ));
    response
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).map_or_else(|| "-".to_owned(), |value| quoted(&String::from_utf8_lossy(value.as_bytes())))
}

/// Escapes quotes and replaces control characters, as Apache does, so that they do not end a field.
fn quoted(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace(char::is_control, "?")
}

#[expect(
    clippy::disallowed_methods,
    reason = "an access log has the wall clock's time; the mock backend is a program of its own"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Uses [`WORK`] of CPU time.
fn work() {
    let until = cpu_time() + WORK;
    let mut digest = Sha256::digest(b"work");
    while cpu_time() < until {
        for _ in 0..16 {
            digest = Sha256::digest(digest);
        }
    }
    std::hint::black_box(digest);
}

/// Prints a line of the task's output. Serving goes on if nothing reads it any more.
fn print(line: std::fmt::Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

#[cfg(test)]
mod tests {
    use super::{MockBackend, quoted};

    #[test]
    fn it_shows_where_it_runs_as_the_original_does() {
        let mock = MockBackend {
            port: 1,
            cpu: 256,
            address: "10.0.0.7".to_owned(),
            zone: "us-east-1b".to_owned(),
            image: "brentley/ecsdemo-nodejs".to_owned(),
        };
        assert_eq!(mock.message(), "10.0.0.7 in AZ-1b");
        assert_eq!(mock.commit().len(), 7);
    }

    #[test]
    fn a_quote_does_not_end_a_field_of_the_access_log() {
        assert_eq!(quoted("a\"b\\c"), r#"a\"b\\c"#);
    }
}
