//! The local AWS that the binary carries inside: an endpoint on loopback, with state on disk and real processes as tasks.
//!
//! It uses nothing of the rest of the crate, not even the AWS SDKs, so that it can catch its mistakes. The parts:
//! [`connections`] and [`gate`] are its limits, [`http`] takes a request in, [`auth`] decides whether it may, [`wire`] turns it
//! into an input, [`services`] is the table of what is served, [`world`] is the state, [`journal`] its own log. [`lifecycle`] and [`client`] are the other side: the commands that
//! start, stop and talk to a sandbox in the background.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub mod auth;
pub mod channel;
pub mod client;
mod connections;
mod coverage;
mod exchange;
pub mod fault;
pub mod faults;
mod gate;
mod http;
mod inner;
pub mod journal;
pub mod lifecycle;
pub mod model;
pub mod partition;
mod role_credentials;
pub mod services;
pub mod supervisor;
pub mod tasks;
pub mod wire;
pub mod world;

pub use coverage::{Coverage, coverage};
pub use fault::Fault;
pub use inner::inner;
pub use journal::Reader as LogReader;
use partition::Partition;
use services::Answer;
pub use tasks::environment::{INHERITED as TASK_VARIABLES, INHERITED_BY_ENGINES as SANDBOX_VARIABLES};
use world::clock::Clock;

/// How long background work may take to end at shutdown; [`lifecycle::stop`] waits a little longer.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// What a sandbox is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The account that every ARN names: twelve digits.
    pub account: String,
    /// The region that every ARN names, and the only one that requests may be signed for.
    pub region: String,
    /// The folder of the database and of everything else that the sandbox writes.
    pub state_dir: PathBuf,
    /// The only credentials that are let in.
    pub credentials: auth::Credentials,
    /// What control calls are signed with, in place of the credentials' secret.
    pub control_secret: String,
    /// The program that inner processes are started from; it calls [`inner()`].
    pub program: PathBuf,
    /// How many times faster than the clock the sandbox waits; 1 is real time.
    pub speed: f64,
    /// Whether commands that arrive in requests (health checks, exec, sessions) may run on this machine.
    pub host_exec: bool,
}

impl Config {
    /// An ARN in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition().name, self.region, self.account)
    }

    /// An ARN of a service that is not regional, such as IAM.
    pub fn global_arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition().name, self.account)
    }

    /// The partition of the region.
    pub fn partition(&self) -> &'static Partition {
        Partition::of(&self.region)
    }
}

/// One running sandbox, shared by every request and every loop.
#[derive(Debug)]
pub struct Sandbox {
    /// What it was started with.
    pub config: Config,
    /// The only source of time.
    pub clock: Clock,
    /// All state.
    pub world: world::Shared,
    /// The credentials of roles that tasks and instances have now; never stored.
    pub roles: auth::RoleSessions,
    /// Which of them instances have.
    pub instance_roles: services::ssm::instances::Roles,
    /// What runs on this machine on behalf of ECS; never stored.
    pub tasks: services::ecs::Runtime,
    /// Who has a terminal on a target; never stored.
    pub sessions: channel::Sessions,
    /// Who follows logs; never stored.
    pub live_tails: services::logs::LiveTails,
    /// The port of the listener, once there is one.
    pub port: OnceLock<u16>,
    /// What is to go wrong; never stored.
    pub faults: faults::Faults,
    /// The sandbox's own log.
    pub journal: journal::Journal,
    /// Cancelled when the sandbox is to end; loops watch it.
    pub shutdown: CancellationToken,
    /// Work that shutdown waits for: what has to be tidied before the process ends is spawned here.
    pub background: TaskTracker,
    /// When this process began to serve.
    pub started_at: Timestamp,
}

impl Sandbox {
    /// Opens what is stored for `config`. Nothing runs and nobody is served yet.
    ///
    /// # Errors
    /// When the state cannot be opened: another sandbox has it, it is of another version, the disk refuses.
    pub fn open(config: Config, shutdown: CancellationToken) -> io::Result<Arc<Self>> {
        let clock = Clock::new(config.speed);
        Ok(Arc::new(Self {
            journal: journal::Journal::open(&config.state_dir)?,
            world: world::Shared::open(&config.state_dir).map_err(io::Error::other)?,
            tasks: services::ecs::Runtime::new(&config),
            roles: auth::RoleSessions::default(),
            instance_roles: services::ssm::instances::Roles::default(),
            faults: faults::Faults::default(),
            sessions: channel::Sessions::default(),
            live_tails: services::logs::LiveTails::default(),
            port: OnceLock::new(),
            background: TaskTracker::new(),
            started_at: clock.now(),
            shutdown,
            clock,
            config,
        }))
    }

    /// Calls an operation of a service as a client would, without the wire: `service` is its signing name.
    pub async fn call(self: &Arc<Self>, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        let service = services::find(service)?;
        let input = service.typed(operation, input)?;
        match service.call(self, operation, input, auth::Identity::Owner).await? {
            Answer::Whole(output) => Ok(output),
            Answer::Stream(_) => Err(Fault::internal(format!("{operation} has no end"))),
        }
    }

    /// All credentials that are let in.
    pub fn keys(&self) -> auth::Keys<'_> {
        auth::Keys { owner: &self.config.credentials, control_secret: &self.config.control_secret, roles: &self.roles }
    }

    /// Where a client connects to a session.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn channel_url(&self, session: &str) -> Result<String, Fault> {
        let port = self.port.get().ok_or_else(|| Fault::internal("the sandbox has no listener"))?;
        Ok(format!("ws://127.0.0.1:{port}{}{session}?role=publish_subscribe", channel::socket::PATH))
    }

    /// Runs work that may be dropped at any moment, because its state is in the world: it ends with the sandbox. A panic in
    /// it is logged.
    pub fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let sandbox = Arc::clone(self);
        self.background.spawn(async move {
            if let Some(Err(panic)) = sandbox.shutdown.run_until_cancelled(supervisor::catch(work)).await {
                sandbox.journal.say(&format!("work in the background failed: {panic}"));
            }
        });
    }

    /// Runs a loop as [`Self::spawn`] runs work, and starts it again after a panic. `name` is what the log calls it.
    pub fn spawn_loop<F>(self: &Arc<Self>, name: &'static str, start: impl Fn(Arc<Self>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let sandbox = Arc::clone(self);
        self.background.spawn(async move {
            let running = supervisor::restart(&sandbox.journal, name, || start(Arc::clone(&sandbox)));
            sandbox.shutdown.run_until_cancelled(running).await;
        });
    }
}

/// Serves requests on `listener` until the sandbox's stop signal, then ends the loops and returns.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, sandbox: &Arc<Sandbox>) -> io::Result<()> {
    // Before the loops start: their tasks need the port in their environment.
    let _ = sandbox.port.set(listener.local_addr()?.port());
    for start in services::LOOPS {
        start(sandbox);
    }
    sandbox.journal.say(&format!("start: version {}, process {}", env!("CARGO_PKG_VERSION"), std::process::id()));
    let served = http::serve(listener, sandbox).await;
    sandbox.shutdown.cancel();
    sandbox.background.close();
    let stopped = tokio::time::timeout(SHUTDOWN_TIMEOUT, sandbox.background.wait()).await;
    sandbox.journal.say(match stopped {
        Ok(()) => "stop: every task has ended",
        Err(_) => "stop: some background work did not end in time and is abandoned",
    });
    served
}
