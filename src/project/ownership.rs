//! Checks that a project found in a parent folder belongs to the user, as git does for repositories (git-config(1),
//! `safe.directory`).

use std::path::Path;

use crate::error::CliError;

/// Fails if the project's folder or file belongs to another user. As with git, root may also use what belongs to the user who ran
/// sudo.
#[cfg(unix)]
pub(super) fn check_owner(dir: &Path, sudo_user: Option<u32>) -> Result<(), CliError> {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use nix::unistd::{Uid, User, geteuid};

    let me = geteuid();
    let is_trusted = |owner: u32| owner == me.as_raw() || (me.is_root() && Some(owner) == sudo_user);
    let file = dir.join(super::SPEC_FILE);
    // The file may be a link, whose own owner chooses where it leads.
    for (path, about) in [(dir, fs::metadata(dir)), (&file, fs::symlink_metadata(&file)), (&file, fs::metadata(&file))]
    {
        let owner = about.map_err(|error| super::unreadable(error, &file.display().to_string()))?.uid();
        if !is_trusted(owner) {
            let name = User::from_uid(Uid::from_raw(owner)).ok().flatten().map(|user| user.name);
            let name = name.map_or_else(|| format!("uid {owner}"), |name| format!("{name} (uid {owner})"));
            let message =
                format!("refusing to use {}: {} belongs to another user, {name}", file.display(), path.display());
            let flag = format!("if you trust it, use -C {}", crate::shell::quote(&dir.display().to_string()));
            return Err(CliError::usage(message).hint(flag));
        }
    }
    Ok(())
}

/// Files have no numeric owner here.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the shape of the real one")]
pub(super) fn check_owner(_dir: &Path, _sudo_user: Option<u32>) -> Result<(), CliError> {
    Ok(())
}
