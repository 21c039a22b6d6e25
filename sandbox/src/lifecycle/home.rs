//! The location of a sandbox's state folder.

use std::path::PathBuf;

use super::LifecycleError;

/// The environment variables that determine the location.
#[derive(Debug, Clone, Default)]
pub struct StateHome {
    /// `ECSWS_SANDBOX_DIR`: the folder itself.
    pub sandbox_dir: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl StateHome {
    /// The state folder of an account's sandbox in a region.
    pub fn state_dir(&self, account: &str, region: &str) -> Result<PathBuf, LifecycleError> {
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if let Some((_, invalid)) =
            [(is_account, account), (is_region(region), region)].iter().find(|(is_valid, _)| !is_valid)
        {
            return Err(LifecycleError::InvalidLocation((*invalid).to_owned()));
        }
        if let Some(folder) = &self.sandbox_dir {
            return Ok(folder.clone());
        }
        let in_home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
        let home = self.xdg_state_home.clone().or_else(|| Some(self.home.as_ref()?.join(in_home)));
        Ok(home.ok_or(LifecycleError::NoStateHome)?.join("ecsws/sandbox").join(account).join(region))
    }
}

/// Letters, digits and hyphens: at least two hyphens, a number at the end.
fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let words =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    parts.len() >= 3
        && parts.iter().all(words)
        && parts.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_regions_that_could_escape_the_state_folder_are_refused() {
        let home = StateHome { home: Some("/home/a".into()), ..StateHome::default() };
        assert!(home.state_dir("123456789012", "us-gov-west-1").is_ok());
        for (account, region) in
            [("12", "us-east-1"), ("123456789012", "../../x"), ("123456789012", "us east"), ("123456789012", "")]
        {
            assert!(
                matches!(home.state_dir(account, region), Err(LifecycleError::InvalidLocation(_))),
                "{account} {region}"
            );
        }
    }
}
