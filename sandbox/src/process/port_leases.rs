//! Leases of loopback ports: every container has a port of its own.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// Below the ephemeral ports of Linux (from 32768) and macOS (from 49152), so that the connections of a load test do not use one.
const RANGE: RangeInclusive<u16> = 20_000..=32_000;

/// The ports that are leased.
#[derive(Debug, Clone, Default)]
pub struct PortPool {
    leased: Arc<Mutex<BTreeSet<u16>>>,
}

/// One port; returned when dropped.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    ports: PortPool,
}

impl PortLease {
    /// The port's number.
    pub fn number(&self) -> u16 {
        self.port
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        self.ports.leased().remove(&self.port);
    }
}

impl PortPool {
    /// A port that nothing listens on.
    ///
    /// # Errors
    /// Every port of the range is in use.
    pub fn lease(&self) -> std::io::Result<PortLease> {
        let start = rand::random_range(RANGE);
        let mut leased = self.leased();
        let free =
            (start..=*RANGE.end()).chain(*RANGE.start()..start).find(|port| !leased.contains(port) && is_free(*port));
        let port = free.ok_or_else(|| std::io::Error::other("no free port is left for a task"))?;
        leased.insert(port);
        drop(leased);
        Ok(PortLease { port, ports: self.clone() })
    }

    fn leased(&self) -> std::sync::MutexGuard<'_, BTreeSet<u16>> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
