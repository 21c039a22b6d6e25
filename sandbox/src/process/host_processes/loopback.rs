//! The loopback address of a task that runs as processes: the ports of its definition and the real ones.
//!
//! In a container a health check such as `curl -f http://localhost:3000/` reaches the container's own port 3000. Here the same
//! port belongs to the whole machine, and the container has another one. So in a health check's command, a port of the task's
//! definition that follows `localhost`, `127.0.0.1`, `0.0.0.0` or `[::1]`, with a colon or with spaces between, becomes
//! the real port; `http://localhost/` has the port 80. When a container's definition names no port, every such port is its own.
//! Programs can also use `$PORT`, as the container's own command can.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"];
/// The port of an address without one.
const HTTP: u16 = 80;

/// The ports of a task's loopback address, as in its containers.
#[derive(Debug, Clone)]
pub(super) struct Loopback {
    /// The ports of the task's definition, and the real ones.
    pub(super) ports: Vec<(u16, u16)>,
    /// The container's own real port.
    pub(super) own: u16,
    /// Whether its definition names a port.
    pub(super) has_port: bool,
}

impl Loopback {
    /// A part of a command with the real ports in it.
    pub(super) fn translate(&self, text: &str) -> String {
        let mut translated = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, name)) = first_name(rest) {
            let (before, after) = rest.split_at(at + name.len());
            translated.push_str(before);
            rest = self.port_after(after, before.ends_with(&format!("http://{name}")), &mut translated);
        }
        translated + rest
    }

    /// Writes the port at the beginning of `text`, which follows a loopback name; returns the rest.
    fn port_after<'a>(&self, text: &'a str, in_url: bool, translated: &mut String) -> &'a str {
        let number = text.trim_start_matches([':', ' ']);
        let digits = number.len() - number.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let port = number[..digits].parse().ok().filter(|_| number.len() < text.len());
        if let Some(host_port) = port.and_then(|port| self.host_port(port)) {
            translated.push_str(&text[..text.len() - number.len()]);
            translated.push_str(&host_port.to_string());
            return &number[digits..];
        }
        if let Some(host_port) = self.host_port(HTTP).filter(|_| in_url && !text.starts_with(':')) {
            translated.push(':');
            translated.push_str(&host_port.to_string());
        }
        text
    }

    fn host_port(&self, port: u16) -> Option<u16> {
        let host_port = self.ports.iter().find(|(defined, _)| *defined == port).map(|(_, host_port)| *host_port);
        host_port.or_else(|| (!self.has_port).then_some(self.own))
    }

    /// Does what a health check's command would do: requests the address that it names, or else connects to the port. A container
    /// without a port whose check names no address counts as healthy while it runs.
    pub(super) async fn responds_to(&self, command: &[String], timeout: Duration) -> bool {
        let words =
            command.iter().flat_map(|part| part.split(|end: char| end.is_whitespace() || "'\"|;&".contains(end)));
        let url = words.filter_map(|word| word.strip_prefix("http://")).find_map(|url| self.own_url(url));
        let request = async {
            match url {
                Some((port, path)) => get(port, &path).await.unwrap_or(false),
                None if self.has_port => TcpStream::connect((Ipv4Addr::LOCALHOST, self.own)).await.is_ok(),
                None => true,
            }
        };
        tokio::time::timeout(timeout, request).await.unwrap_or(false)
    }

    /// The port and the path of a URL, if it is this task's.
    fn own_url(&self, url: &str) -> Option<(u16, String)> {
        let (host, path) = url.split_once('/').unwrap_or((url, ""));
        let (name, port) = host.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let known = port == self.own || self.ports.iter().any(|(_, host_port)| *host_port == port);
        (known && NAMES.contains(&name)).then(|| (port, format!("/{path}")))
    }
}

fn first_name(text: &str) -> Option<(usize, &'static str)> {
    let positions = NAMES.iter().filter_map(|name| Some((text.find(name)?, *name)));
    positions.min()
}

/// Whether an HTTP request succeeds.
async fn get(port: u16, path: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.starts_with(b"HTTP/1.") && matches!(status[9], b'1'..=b'3'))
}

#[cfg(test)]
mod tests {
    use super::Loopback;

    fn loopback() -> Loopback {
        Loopback { ports: vec![(3000, 20_001), (80, 20_002)], own: 20_001, has_port: true }
    }

    #[test]
    fn the_ports_of_the_definition_become_the_real_ones() {
        for (given, host_port) in [
            ("curl -f http://localhost:3000/health || exit 1", "curl -f http://localhost:20001/health || exit 1"),
            ("nc -z 127.0.0.1 3000", "nc -z 127.0.0.1 20001"),
            ("curl http://localhost/ http://[::1]:80/", "curl http://localhost:20002/ http://[::1]:20002/"),
            ("curl http://localhost", "curl http://localhost:20002"),
            ("curl http://localhost:5432/", "curl http://localhost:5432/"),
            ("ping localhost", "ping localhost"),
            ("test 3000 = 3000", "test 3000 = 3000"),
        ] {
            assert_eq!(loopback().translate(given), host_port);
        }
    }

    #[test]
    fn without_a_port_in_the_definition_every_loopback_port_is_its_own() {
        let portless = Loopback { has_port: false, ports: Vec::new(), ..loopback() };
        assert_eq!(portless.translate("wget -q localhost:8080/up"), "wget -q localhost:20001/up");
    }

    #[test]
    fn only_addresses_of_the_task_are_requested() {
        assert_eq!(loopback().own_url("localhost:20001/up"), Some((20_001, "/up".to_owned())));
        assert_eq!(loopback().own_url("localhost:22/"), None);
        assert_eq!(loopback().own_url("example.com:20001/"), None);
    }
}
