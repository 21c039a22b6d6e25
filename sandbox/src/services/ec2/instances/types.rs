//! The catalogue of instance types and their architectures.

/// One line per family: its name and its sizes.
const TYPES: &str = include_str!("types.txt");

/// Whether a type such as `t3.micro` exists.
pub(super) fn exists(name: &str) -> bool {
    let Some((family, size)) = name.split_once('.') else { return false };
    TYPES
        .lines()
        .filter_map(|line| line.split_once(' '))
        .any(|(known, sizes)| known == family && sizes.split(' ').any(|known| known == size))
}

/// The architecture of a type: a `g` after the generation in a family's name stands for Graviton.
pub(super) fn architecture(name: &str) -> &'static str {
    let family = name.split('.').next().unwrap_or_default();
    let attributes = family
        .trim_start_matches(|character: char| character.is_ascii_lowercase())
        .trim_start_matches(|character: char| character.is_ascii_digit());
    match family {
        "a1" => "arm64",
        _ if family.starts_with("mac") => {
            if family == "mac1" {
                "x86_64_mac"
            } else {
                "arm64_mac"
            }
        }
        _ if attributes.starts_with('g') => "arm64",
        _ => "x86_64",
    }
}

#[cfg(test)]
mod tests {
    use super::{architecture, exists};

    #[test]
    fn types_are_known_with_their_architectures() {
        assert!(exists("t3.micro") && exists("m5.24xlarge") && !exists("t3.giant") && !exists("t3") && !exists("x"));
        for (name, known) in
            [("t3.micro", "x86_64"), ("t4g.micro", "arm64"), ("g4dn.xlarge", "x86_64"), ("im4gn.large", "arm64")]
        {
            assert_eq!(architecture(name), known, "{name}");
        }
    }
}
