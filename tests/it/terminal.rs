//! Runs a command on a terminal of its own, as a user would.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs `command` with a terminal as its standard streams. As soon as it prints one of the texts, in this order, the answer beside it is
/// typed. Returns the exit code and everything that was printed.
pub fn run_on_terminal(mut command: Command, dialog: &[(&str, &str)]) -> (Option<i32>, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&controller).expect("it can be used");
    unlockpt(&controller).expect("it can be used");
    let name = ptsname(&controller, Vec::new()).expect("it has a name").into_string().expect("it is text");
    let terminal = || File::options().read(true).write(true).open(&name).expect("it can be opened");
    let mut child = command
        .stdin(Stdio::from(terminal()))
        .stdout(Stdio::from(terminal()))
        .stderr(Stdio::from(terminal()))
        .spawn()
        .expect("the binary can be run");
    // Only the child has the terminal then, so that reading ends with it.
    drop(command);
    let mut controller = File::from(controller);
    let (mut printed, mut searched, mut dialog) = (String::new(), 0, dialog.iter());
    let mut next = dialog.next();
    let mut buffer = [0; 4096];
    // Linux reports an error when the last process has closed the terminal.
    while let Ok(count) = controller.read(&mut buffer) {
        if count == 0 {
            break;
        }
        printed.push_str(&String::from_utf8_lossy(&buffer[..count]));
        while let Some((question, answer)) = next
            && let Some(at) = printed[searched..].find(question)
        {
            searched += at + question.len();
            writeln!(controller, "{answer}").expect("it is read");
            next = dialog.next();
        }
    }
    (child.wait().expect("it ends").code(), printed.replace('\r', ""))
}
