//! Whether a process is suspended: it holds its locks and its port, and does not respond.

use std::fs;
use std::process::Command;

/// Whether a process is suspended by a signal such as SIGSTOP.
pub fn is_suspended(pid: u32) -> bool {
    let state = if cfg!(target_os = "linux") {
        let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat);
        stat.rsplit_once(')').map(|(_, fields)| fields.to_owned()).unwrap_or_default()
    } else {
        let ps = Command::new("ps").args(["-o", "state=", "-p", &pid.to_string()]).output();
        ps.map(|ps| String::from_utf8_lossy(&ps.stdout).into_owned()).unwrap_or_default()
    };
    state.trim_start().starts_with('T')
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, waitpid};
    use nix::unistd::Pid;

    use super::is_suspended;

    #[test]
    fn a_suspended_process_is_distinguished_from_one_that_runs_or_has_ended() {
        let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        assert!(!is_suspended(child.id()));
        kill(pid, Signal::SIGSTOP).expect("a signal");
        waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("it stops");
        assert!(is_suspended(child.id()));
        child.kill().expect("a signal");
        child.wait().expect("it ends");
        assert!(!is_suspended(child.id()));
    }
}
