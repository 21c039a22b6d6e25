//! The file of `--outputs-file`.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::CliError;
use crate::model::Stack;

/// Checks that a file can be written, without creating or truncating it. Special files such as pipes are not opened, because their reader
/// would see the end.
pub(super) fn check_writable(file: &Path) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(found) if found.is_file() || found.is_dir() => OpenOptions::new().append(true).open(file).map(drop),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().write(true).create_new(true).open(file)?;
            fs::remove_file(file)
        }
        Err(error) => Err(error),
    }
}

/// `{"STACK": {"KEY": "VALUE"}}`, as cdk writes it.
#[expect(clippy::disallowed_methods, reason = "the user names the file")]
pub(super) async fn write(file: PathBuf, deployed: &[Stack]) -> Result<(), CliError> {
    let outputs_of = |stack: &Stack| {
        let outputs = stack.outputs.iter().map(|output| (output.key.clone(), Value::from(output.value.clone())));
        (stack.name.clone(), Value::Object(outputs.collect()))
    };
    let stacks: Map<String, Value> = deployed.iter().map(outputs_of).collect();
    let (text, shown) = (format!("{:#}\n", Value::Object(stacks)), file.display().to_string());
    // On another thread, so that a signal ends the command even if nothing reads the pipe.
    let written = tokio::task::spawn_blocking(move || fs::write(file, text)).await.map_err(io::Error::other)?;
    written.map_err(|error| CliError::failed(format!("cannot write {shown}: {error}")).source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outputs_file_is_checked_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("outputs.json");
        assert!(check_writable(&file).is_ok() && !file.exists());
        #[expect(clippy::disallowed_methods, reason = "tests write files")]
        fs::write(&file, "kept").expect("it can be written");
        assert!(check_writable(&file).is_ok());
        assert_eq!(fs::metadata(&file).expect("it is there").len(), 4);
        for wrong in [folder.path().to_owned(), folder.path().join("no/such"), file.join("below")] {
            assert!(check_writable(&wrong).is_err(), "{}", wrong.display());
        }
    }
}
