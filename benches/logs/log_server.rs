//! A server with one log group. It knows FilterLogEvents only, and responds at once.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Over how much time the events are spread, in milliseconds. They end a minute before the start of the server.
const SPAN: u64 = 110 * 60 * 1000;
const PAGE_LENGTH: usize = 10_000;

/// Serves this many events. Returns the URL.
#[expect(clippy::disallowed_methods, reason = "the events are of the last two hours")]
pub(crate) fn serve(events: usize) -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_millis();
    let start = u64::try_from(now).map_err(io::Error::other)? - SPAN - 60_000;
    let times: Arc<[u64]> = (0..events as u64).map(|number| start + number * SPAN / events as u64).collect();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let times = Arc::clone(&times);
            thread::spawn(move || respond(&connection, &times));
        }
    });
    Ok(url)
}

/// Responds to the requests of a connection until it is closed.
fn respond(connection: &TcpStream, times: &[u64]) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 0 && line.trim() != "" {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let page = page(&serde_json::from_slice(&body)?, times);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\n";
        writer.write_all(format!("{head}content-length: {}\r\n\r\n{page}", page.len()).as_bytes())?;
    }
}

/// The response to FilterLogEvents. Its token is the number of the next event.
fn page(input: &Value, times: &[u64]) -> String {
    let time = |name: &str, default: u64| input[name].as_u64().unwrap_or(default);
    let first = times.partition_point(|time_of| *time_of < time("startTime", 0));
    let end = times.partition_point(|time_of| *time_of <= time("endTime", u64::MAX));
    let first = input["nextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(first);
    let limit = input["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_LENGTH);
    let last = end.min(first + limit.min(PAGE_LENGTH)).max(first);
    let mut page = String::from(r#"{"searchedLogStreams":[],"events":["#);
    for (number, time) in (first..last).zip(&times[first..last]) {
        let separator = if number == first { "" } else { "," };
        let (task, ingestion_time) = (number % 10, time + 5);
        // Writing to a string does not fail.
        let _ = write!(
            page,
            r#"{separator}{{"eventId":"{number:056}","logStreamName":"web/app/{task:032x}","timestamp":{time},"ingestionTime":{ingestion_time},"message":"127.0.0.1 - - \"GET /items/{number} HTTP/1.1\" 200 77 \"-\" \"curl/7.88.1\""}}"#
        );
    }
    let token = if last < end { format!(r#","nextToken":"{last}""#) } else { String::new() };
    format!("{page}]{token}}}")
}
