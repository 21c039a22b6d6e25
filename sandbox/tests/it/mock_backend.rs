//! The mock backend, and the address that balances connections over tasks.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use ecsws_sandbox::testing::LoadBalancer;
use ecsws_sandbox::testing::MockBackend;
use ecsws_sandbox::testing::{CpuTimes, Exit, PortPool, Process, ProcessSpec, Runner, environment};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::common::program;

struct Running {
    process: Process,
    port: u16,
}

async fn mock_backend(ports: &PortPool) -> Running {
    let executable = &program();
    let port = ports.lease().expect("a port").number();
    let backend = MockBackend {
        port,
        cpu: 256,
        address: "10.0.0.7".to_owned(),
        zone: "us-east-1a".to_owned(),
        image: "brentley/ecsdemo-nodejs".to_owned(),
    };
    let spec = ProcessSpec {
        command: backend.command(executable),
        environment: environment::container_environment(
            environment::base(),
            &[],
            port,
            "ip-10-0-0-7.ec2.internal",
            "task",
        ),
        stop_timeout: Duration::from_secs(5),
        ..ProcessSpec::default()
    };
    let mut process = Runner::new(PathBuf::from(executable)).start(&spec).await.expect("it starts");
    while !process.output.recv().await.expect("it prints when it listens").text.contains("listening") {}
    Running { process, port }
}

async fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("it listens");
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: test \"1\"\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    response
}

#[tokio::test]
async fn the_mock_backend_responds_like_the_workshops_backend() {
    let Running { mut process, port } = mock_backend(&PortPool::default()).await;
    for path in ["/", "/nodejs"] {
        assert!(
            get(port, path).await.contains("\r\n\r\nNode.js backend: Hello! from 10.0.0.7 in AZ-1a commit "),
            "{path}"
        );
    }
    let api = get(port, "/nodejs/api").await;
    let body: serde_json::Value = serde_json::from_str(api.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(body["from"], "Node.js backend");
    assert!(get(port, "/health").await.starts_with("HTTP/1.1 200 OK"));
    assert!(get(port, "/none").await.starts_with("HTTP/1.1 404 Not Found"));
    process.handle.stop();
    let mut lines = Vec::new();
    while let Some(line) = process.output.recv().await {
        lines.push(line.text);
    }
    assert_eq!(process.exit.await, Ok(Exit::Code(0)));
    assert_eq!(lines.len(), 5);
    assert!(lines[0].starts_with("127.0.0.1 - - ["), "{}", lines[0]);
    assert!(lines[0].contains("] \"GET / HTTP/1.1\" 200 61 "), "{}", lines[0]);
    assert!(lines[0].ends_with(r#""-" "test \"1\"""#), "{}", lines[0]);
    assert!(lines[4].contains("\" 404 "), "{}", lines[4]);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_mock_backend_keeps_to_its_share_of_cpu() {
    let Running { mut process, port } = mock_backend(&PortPool::default()).await;
    let handle = process.handle.clone();
    let before = handle.cpu_time(&CpuTimes::read());
    let begin = Instant::now();
    let mut responses = Vec::new();
    for _ in 0..8 {
        responses.push(tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            while begin.elapsed() < Duration::from_secs(2) {
                let sent = Instant::now();
                get(port, "/").await;
                slowest = slowest.max(sent.elapsed());
            }
            slowest
        }));
    }
    tokio::spawn(async move { while process.output.recv().await.is_some() {} });
    for slowest in responses {
        let slowest = slowest.await.expect("a client ends");
        assert!(slowest < Duration::from_secs(1), "a response took {slowest:?}");
    }
    let used = handle.cpu_time(&CpuTimes::read()).saturating_sub(before);
    let share = used.as_secs_f64() / begin.elapsed().as_secs_f64();
    assert!((0.10..0.33).contains(&share), "it used {share} of a core");
}

/// A listener that sends its name to every client.
async fn listener(name: &'static str) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(name.as_bytes()).await;
        }
    });
    port
}

async fn read_all(address: &LoadBalancer) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).await.expect("the address listens");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    response
}

#[tokio::test]
async fn an_address_balances_over_tasks_and_skips_those_that_refuse() {
    let ports = PortPool::default();
    let dead = ports.lease().expect("a port");
    let address = LoadBalancer::open(None).await.expect("a port");
    assert!(read_all(&address).await.starts_with("HTTP/1.1 503 "));
    address.set_targets([listener("one").await, dead.number(), listener("two").await]);
    let mut responses = Vec::new();
    for _ in 0..6 {
        responses.push(read_all(&address).await);
    }
    assert!(responses.contains(&"one".to_owned()) && responses.contains(&"two".to_owned()), "{responses:?}");
    assert!(responses.iter().all(|response| response.len() == 3), "{responses:?}");
}

#[tokio::test]
async fn an_address_keeps_its_port_unless_it_is_taken() {
    let first = LoadBalancer::open(None).await.expect("a port");
    let other = LoadBalancer::open(Some(first.port())).await.expect("another port");
    assert_ne!(first.port(), other.port());
    let port = first.port();
    drop(first);
    tokio::task::yield_now().await;
    let again = LoadBalancer::open(Some(port)).await.expect("the same port");
    assert_eq!(again.port(), port);
}
