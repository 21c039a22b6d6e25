//! Runs a command on a pseudo-terminal and answers its questions.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs `command` with a pseudo-terminal as its standard streams. `dialog` has pairs of a printed text and the answer that is typed after
/// it, in order. Returns the exit code and everything that was printed.
pub fn run_on_terminal(mut command: Command, dialog: &[(&str, &str)]) -> (Option<i32>, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&controller).expect("grantpt");
    unlockpt(&controller).expect("unlockpt");
    let name = ptsname(&controller, Vec::new()).expect("ptsname").into_string().expect("UTF-8");
    let terminal = || File::options().read(true).write(true).open(&name).expect("the terminal opens");
    let mut child = command
        .stdin(Stdio::from(terminal()))
        .stdout(Stdio::from(terminal()))
        .stderr(Stdio::from(terminal()))
        .spawn()
        .expect("the binary runs");
    // Closes this process's handles of the terminal, so that reading ends with the child.
    drop(command);
    let mut controller = File::from(controller);
    let (mut printed, mut searched, mut dialog) = (String::new(), 0, dialog.iter());
    let mut next = dialog.next();
    let mut buffer = [0; 4096];
    // On Linux, reading fails once the last process has closed the terminal.
    while let Ok(count) = controller.read(&mut buffer) {
        if count == 0 {
            break;
        }
        printed.push_str(&String::from_utf8_lossy(&buffer[..count]));
        while let Some((question, answer)) = next
            && let Some(at) = printed[searched..].find(question)
        {
            searched += at + question.len();
            writeln!(controller, "{answer}").expect("the answer is typed");
            next = dialog.next();
        }
    }
    (child.wait().expect("the process ends").code(), printed.replace('\r', ""))
}
