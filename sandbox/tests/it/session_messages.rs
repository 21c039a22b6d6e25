//! The messages of a session's data channel, over connections that lose and reorder them.

use serde_json::{Value, json};

use crate::data_channel::Channel;
use crate::session_targets::SessionTargets;

#[tokio::test]
async fn lost_messages_are_retransmitted_in_both_directions() {
    let targets = SessionTargets::start(true).await;
    let (id, url, token) = targets.shell(&targets.instance);
    let mut channel = Channel::connect(&url, &token).await;
    // Early input waits, repeated input is acknowledged again, and each message is typed once.
    let first = channel.sent;
    channel.send_as(first + 1, 1, b"second-$((1 + 1))\r").await;
    channel.send_as(first, 1, b"echo first-").await;
    channel.send_as(first, 1, b"echo first-").await;
    channel.sent += 2;
    channel.until_printed("first-second-2\r\n").await;
    channel.ping(first + 1).await;
    let again = channel.acknowledged.iter().filter(|number| **number == first).count();
    assert_eq!(again, 2, "{:?}", channel.acknowledged);
    // Unacknowledged output is retransmitted, without delaying later output.
    channel.acknowledges = false;
    channel.type_line("echo lost-$((2 + 2))").await;
    let output = channel.until(|received| received.kind == "output_stream_data").await;
    let repeated = channel.until(|received| received.sequence == output.sequence && received.kind == output.kind).await;
    assert_eq!(repeated, output);
    channel.acknowledges = true;
    channel.until_printed("lost-4\r\n").await;
    // A broken connection is resumed with another token.
    channel.type_line("i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo line-$i; done; echo all-$((4 + 4))").await;
    channel.until_printed("line-2").await;
    let (_, url, other) = targets.resume(&id);
    let mut channel = channel.resume(&url, &other).await;
    channel.until_printed("all-8\r\n").await;
    let lines: Vec<&str> = channel.printed.split("\r\n").filter(|line| line.starts_with("line-")).collect();
    let expected: Vec<String> = (1..=3000).map(|number| format!("line-{number}")).collect();
    assert_eq!(lines, expected);
    targets.ssm("TerminateSession", &json!({ "SessionId": id }));
    assert_eq!(channel.until_closed().await, "");
    assert_eq!(targets.active(), 0);
    assert_eq!(targets.ssm("ResumeSession", &json!({ "SessionId": id }))["TokenValue"], Value::Null);
}

/// Types `text` in messages of 1 KiB over a connection that loses and reorders them: a message is sent until it
/// is acknowledged, and up to forty at a time. Returns when all are acknowledged.
async fn type_over_a_lossy_connection(channel: &mut Channel, text: &[u8], mut on_progress: impl FnMut(usize)) {
    let first = channel.sent;
    let chunks: Vec<&[u8]> = text.chunks(1024).collect();
    let mut open: Vec<usize> = (0..chunks.len()).collect();
    let mut round = 0_usize;
    while !open.is_empty() {
        round += 1;
        let mut window: Vec<usize> = open.iter().copied().take(40).collect();
        // Each round has another order, and every seventh message is lost.
        let shift = round % window.len();
        window.rotate_left(shift);
        window.retain(|index| !(index + round).is_multiple_of(7));
        for index in window {
            let sequence = first + i64::try_from(index).expect("it fits");
            channel.send_as(sequence, 1, chunks[index]).await;
        }
        // The acknowledgements of these arrive before that of the repeated message.
        channel.acknowledged.clear();
        channel.ping(first - 1).await;
        open.retain(|index| !channel.acknowledged.contains(&(first + i64::try_from(*index).expect("it fits"))));
        on_progress(chunks.len() - open.len());
    }
    channel.sent += i64::try_from(chunks.len()).expect("it fits");
}

#[tokio::test]
async fn acknowledged_input_is_typed_even_if_the_program_does_not_read_for_a_long_time() {
    const BYTES: usize = 1_600_000;
    let targets = SessionTargets::start(true).await;
    let (_, url, token) = targets.shell(&targets.instance);
    let mut channel = Channel::connect(&url, &token).await;
    let go = targets.aws.folder().join("go");
    let script = format!(
        "stty raw -echo; echo ready-$((1 + 1)); while ! test -e {}; do sleep 0.05; done; head -c {BYTES} | sha256sum; stty sane",
        go.display()
    );
    channel.type_line(&script).await;
    channel.until_printed("ready-2").await;
    let numbers = (0..BYTES / 8).map(|number| format!("{number:07}\n"));
    let text = numbers.collect::<String>().into_bytes();
    let mut accepted = Vec::new();
    type_over_a_lossy_connection(&mut channel, &text, |count| {
        // Once no more input is accepted, the program reads.
        accepted.push(count);
        if accepted.iter().rev().take(50).all(|earlier| *earlier == count) && accepted.len() > 50 {
            std::fs::File::create(&go).expect("it is made");
        }
    })
    .await;
    assert!(go.exists(), "the terminal was never full");
    let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&text));
    channel.until_printed(&sum).await;
    // The session goes on.
    channel.type_line("echo after-$((3 + 3))").await;
    channel.until_printed("after-6").await;
}

#[tokio::test]
async fn input_during_the_handshake_waits_for_the_program() {
    let targets = SessionTargets::start(true).await;
    let task = targets.task("one", true).await;
    let (_, url, token) = targets.exec(&task, "/bin/sh").expect("it is let in");
    let mut channel = Channel::connect(&url, &token).await;
    let request = channel.until(|received| received.payload_type == 5).await.json();
    channel.type_line("echo early-$((2 + 2))").await;
    channel.finish_handshake(&request).await;
    channel.until_printed("early-4").await;
}
