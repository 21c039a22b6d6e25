//! One running sandbox: what every request and every loop shares.

use std::io;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::in_memory::InMemoryState;
use super::{Caller, Config, OperationOutput, RateLimiter, Registry};
use crate::base::clock::Clock;
use crate::base::request_log::RequestLog;
use crate::base::supervisor;
use crate::fault_injection::FaultInjector;
use crate::process::Runner;
use crate::{Fault, auth, store};

/// One running sandbox, shared by every request and every loop.
#[derive(Debug)]
pub struct Sandbox {
    /// What it was started with.
    pub config: Config,
    /// The clock of everything that the API shows or schedules. Output lines and the log have the wall clock's time.
    pub clock: Clock,
    /// All state.
    pub store: store::Store,
    /// What it serves and runs.
    pub registry: &'static Registry,
    /// Starts processes.
    pub runner: Runner,
    /// The current credentials of the roles of tasks and instances; never stored.
    pub roles: auth::RoleSessions,
    /// The faults to inject; never stored.
    pub fault_injector: FaultInjector,
    /// How many requests it has received of operations with a limit.
    pub rate_limiter: RateLimiter,
    /// The port of the listener, once there is one.
    pub port: OnceLock<u16>,
    /// The sandbox's own log.
    pub log: RequestLog,
    /// Cancelled when the sandbox is to end; loops watch it.
    pub shutdown: CancellationToken,
    /// Work that shutdown waits for, because it cleans up before the process ends.
    pub background: TaskTracker,
    /// When this process began to serve.
    pub started_at: Timestamp,
    in_memory: InMemoryState,
}

impl Sandbox {
    /// Opens what is stored for `config`, and migrates it. Nothing runs and no request is served yet.
    ///
    /// # Errors
    /// When the state cannot be opened: another sandbox uses it, another version wrote it, or reading it fails.
    pub fn open(config: Config, registry: &'static Registry, shutdown: CancellationToken) -> io::Result<Arc<Self>> {
        let clock = Clock::new(config.speed);
        let sandbox = Arc::new(Self {
            log: RequestLog::open(&config.state_dir)?,
            store: store::Store::open(&config.state_dir, registry.schema).map_err(io::Error::other)?,
            in_memory: (registry.in_memory)(&config),
            runner: Runner::new(config.program.clone()),
            registry,
            roles: auth::RoleSessions::default(),
            fault_injector: FaultInjector::default(),
            rate_limiter: RateLimiter::default(),
            port: OnceLock::new(),
            background: TaskTracker::new(),
            started_at: clock.now(),
            shutdown,
            clock,
            config,
        });
        for migrate in registry.migrations {
            // A failed write is retried the next time.
            let _ = migrate(&sandbox);
        }
        Ok(sandbox)
    }

    /// Calls an operation as a client would, but in this process: `service` is its signing name.
    pub async fn call(self: &Arc<Self>, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        let service = self.registry.find(service)?;
        match service.call(self, operation, input, Caller::Service).await? {
            OperationOutput::Complete(output) => Ok(output),
            OperationOutput::Stream(_) => Err(Fault::internal(format!("{operation} returns a stream"))),
        }
    }

    /// The in-memory state of a part of the sandbox.
    pub fn in_memory<T: 'static>(&self) -> &T {
        self.in_memory.of()
    }

    /// All credentials that may call it.
    pub fn known_credentials(&self) -> auth::KnownCredentials<'_> {
        auth::KnownCredentials {
            owner: &self.config.credentials,
            control_secret: &self.config.control_secret,
            roles: &self.roles,
        }
    }

    /// Spawns work that ends with the sandbox. It may be dropped at any await point, so its state has to be in the store. A panic in
    /// it is logged.
    pub fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let sandbox = Arc::clone(self);
        self.background.spawn(async move {
            if let Some(Err(panic)) = sandbox.shutdown.run_until_cancelled(supervisor::catch(work)).await {
                sandbox.log.write(&format!("work in the background failed: {panic}"));
            }
        });
    }

    /// Spawns a loop like [`Self::spawn`], and restarts it after a panic. `name` identifies it in the log.
    pub fn spawn_loop<F>(self: &Arc<Self>, name: &'static str, start: impl Fn(Arc<Self>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let sandbox = Arc::clone(self);
        self.background.spawn(async move {
            let running = supervisor::restart(&sandbox.log, name, || start(Arc::clone(&sandbox)));
            sandbox.shutdown.run_until_cancelled(running).await;
        });
    }
}
