//! A server that answers as STS, SSO and ECS, and records the requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A request: its head in lower case, and its body.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub head: String,
    pub body: String,
}

/// Answers like AWS's STS and IAM Identity Center, and refuses everything else.
pub(super) struct Server {
    pub url: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).is_ok_and(|bytes| bytes > 0) {}
                let head = head.to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                stream.read_exact(&mut body).expect("the body");
                let request = Request { head, body: String::from_utf8_lossy(&body).into_owned() };
                let (status, answer) = answer(&request);
                seen.lock().expect("no panic").push(request);
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
                drop(stream.get_mut().write_all((head + &answer).as_bytes()));
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }
}

fn answer(request: &Request) -> (u16, String) {
    let error = |code: &str| format!("<R><Error><Code>{code}</Code><Message>no</Message></Error></R>");
    if request.head.starts_with("get /federation/credentials") {
        let keys = r#"{"roleCredentials":{"accessKeyId":"AKIDSSO","secretAccessKey":"s","sessionToken":"t","expiration":4102444800000}}"#;
        return (200, keys.to_owned());
    }
    if request.body.contains("Action=GetCallerIdentity") {
        let identity = "<GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>";
        return (200, format!("<GetCallerIdentityResponse>{identity}</GetCallerIdentityResponse>"));
    }
    if !request.body.contains("Action=AssumeRole") {
        return (400, error("ValidationError"));
    }
    if request.body.contains("SerialNumber") && !request.body.contains("TokenCode=123456") {
        return (403, error("AccessDenied"));
    }
    let credentials = "<Credentials><AccessKeyId>ASIATEMP</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                       <SessionToken>temporary</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>";
    (200, format!("<AssumeRoleResponse><AssumeRoleResult>{credentials}</AssumeRoleResult></AssumeRoleResponse>"))
}
