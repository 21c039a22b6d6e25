//! A port of its own for every container, on the loopback address.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// Below the ports that Linux (32768) and macOS (49152) give to outgoing connections, so that a load test cannot take one.
const RANGE: RangeInclusive<u16> = 20_000..=32_000;

/// The ports that are given out.
#[derive(Debug, Clone, Default)]
pub struct Ports {
    taken: Arc<Mutex<BTreeSet<u16>>>,
}

/// One port; given back when dropped.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    ports: Ports,
}

impl PortLease {
    /// The port's number.
    pub fn number(&self) -> u16 {
        self.port
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        self.ports.taken().remove(&self.port);
    }
}

impl Ports {
    /// A port that nothing listens on.
    ///
    /// # Errors
    /// Every port of the range is in use.
    pub fn lease(&self) -> std::io::Result<PortLease> {
        let start = rand::random_range(RANGE);
        let mut taken = self.taken();
        let free =
            (start..=*RANGE.end()).chain(*RANGE.start()..start).find(|port| !taken.contains(port) && is_free(*port));
        let port = free.ok_or_else(|| std::io::Error::other("no free port is left for a task"))?;
        taken.insert(port);
        drop(taken);
        Ok(PortLease { port, ports: self.clone() })
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, BTreeSet<u16>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
