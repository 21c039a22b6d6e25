//! GetRandomPassword, which CloudFormation also uses for `GenerateSecretString`.

use std::sync::Arc;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use serde::Deserialize;
use serde_json::json;

use super::invalid_parameter;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
/// In the order of the API reference.
const PUNCTUATION: &str = r##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##;
const MAX_LENGTH: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GetRandomPasswordInput {
    password_length: usize,
    exclude_characters: String,
    exclude_numbers: bool,
    exclude_punctuation: bool,
    exclude_uppercase: bool,
    exclude_lowercase: bool,
    include_space: bool,
    require_each_included_type: bool,
}

impl Default for GetRandomPasswordInput {
    fn default() -> Self {
        Self {
            password_length: 32,
            exclude_characters: String::new(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            include_space: false,
            require_each_included_type: true,
        }
    }
}

pub(super) fn get(_sandbox: &Arc<Sandbox>, input: GetRandomPasswordInput) -> OperationResult {
    Ok(json!({ "RandomPassword": password(&input)? }))
}

fn password(input: &GetRandomPasswordInput) -> Result<String, Fault> {
    if !(1..=MAX_LENGTH).contains(&input.password_length) {
        return Err(Fault::client("InvalidParameterValue", "Password length must be between 1 and 4096 characters."));
    }
    let kinds = [
        (LOWERCASE, input.exclude_lowercase),
        (UPPERCASE, input.exclude_uppercase),
        (NUMBERS, input.exclude_numbers),
        (PUNCTUATION, input.exclude_punctuation),
    ];
    let is_allowed = |character: &char| !input.exclude_characters.contains(*character);
    let kinds: Vec<Vec<char>> = kinds
        .iter()
        .filter(|(_, excluded)| !excluded)
        .map(|(kind, _)| kind.chars().filter(is_allowed).collect())
        .filter(|kind: &Vec<char>| !kind.is_empty())
        .collect();
    let mut all = kinds.concat();
    // The space is not one of the required character types.
    all.extend(" ".chars().filter(|space| input.include_space && is_allowed(space)));
    if all.is_empty() {
        return Err(invalid_parameter("The character set to generate the password from is empty."));
    }
    let required: &[Vec<char>] = if input.require_each_included_type { &kinds } else { &[] };
    if required.len() > input.password_length {
        return Err(invalid_parameter("Password length is too short based on the required types."));
    }
    let mut rng = rand::rng();
    let mut characters: Vec<char> = required.iter().map(|kind| kind[rng.random_range(0..kind.len())]).collect();
    characters.extend((characters.len()..input.password_length).map(|_| all[rng.random_range(0..all.len())]));
    characters.shuffle(&mut rng);
    Ok(characters.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::{GetRandomPasswordInput, PUNCTUATION, password};

    #[test]
    fn a_password_has_every_requested_character_type() {
        for _ in 0..100 {
            let text = password(&GetRandomPasswordInput { password_length: 4, ..GetRandomPasswordInput::default() })
                .expect("one");
            assert_eq!(text.len(), 4);
            assert!(text.contains(|character: char| PUNCTUATION.contains(character)), "{text}");
            assert!(text.contains(|character: char| character.is_ascii_digit()), "{text}");
        }
    }

    #[test]
    fn a_password_has_no_excluded_types_or_characters() {
        let input = GetRandomPasswordInput {
            exclude_punctuation: true,
            exclude_characters: "aA0".to_owned(),
            password_length: 4096,
            ..GetRandomPasswordInput::default()
        };
        let text = password(&input).expect("one");
        assert!(text.chars().all(|character| character.is_ascii_alphanumeric() && !"aA0".contains(character)));
    }

    #[test]
    fn a_length_below_the_number_of_required_types_is_refused() {
        assert!(password(&GetRandomPasswordInput { password_length: 3, ..GetRandomPasswordInput::default() }).is_err());
        assert!(password(&GetRandomPasswordInput { password_length: 0, ..GetRandomPasswordInput::default() }).is_err());
    }
}
