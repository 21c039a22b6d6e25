//! Validates image references by the rules of container registries: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.

/// Why an image reference is invalid; `None` if it is valid.
pub fn image_error(reference: &str) -> Option<String> {
    if reference.contains("://") {
        return Some("it is a URL: leave out everything up to `://`".to_owned());
    }
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    // The colon of a port is followed by a slash.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    let path = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => path,
        _ => name,
    };
    if let Some(component) = path.split('/').find(|component| !is_component(component)) {
        let upper = component.chars().any(|c| c.is_ascii_uppercase());
        let hint = if upper {
            "names are in lower case"
        } else {
            "names contain a-z and 0-9, separated by single `.`, `_` or `-`"
        };
        return Some(format!("`{component}` is not part of an image's name: {hint}"));
    }
    if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
        return Some(format!("`{tag}` is not a tag: at most 128 of letters, digits, `_`, `.` and `-`"));
    }
    let digest = digest.filter(|digest| !is_digest(digest))?;
    Some(format!("`{digest}` is not a digest: write `sha256:` and 64 hexadecimal digits"))
}

/// Whether it consists of letters and digits, separated by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.starts_with(is_alphanumeric) && text.ends_with(is_alphanumeric);
    let between = text.split(is_alphanumeric).filter(|separator| !separator.is_empty());
    ends && between
        .into_iter()
        .all(|separator| matches!(separator, "." | "_" | "__") || separator.chars().all(|c| c == '-'))
}

fn is_tag(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    starts && text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let long_enough = if algorithm == "sha256" { hex.len() == 64 } else { hex.len() >= 32 };
    !algorithm.is_empty() && long_enough && hex.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_every_registry_are_accepted() {
        for reference in [
            "nginx",
            "nginx:1.27-alpine",
            "brentley/ecsdemo-nodejs",
            "public.ecr.aws/docker/library/nginx:latest",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/api_v2:git-0a1b2c",
            "localhost/api",
            "localhost:5000/a--b/c__d:x",
            "ghcr.io/acme/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "ghcr.io/acme/api:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(image_error(reference), None, "{reference}");
        }
    }

    #[test]
    fn invalid_references_are_explained() {
        for (reference, part) in [
            ("", "``"),
            ("Acme/api", "lower case"),
            ("acme/api:", "not a tag"),
            ("acme/api:a b", "not a tag"),
            ("acme//api", "``"),
            ("acme/api_", "`api_`"),
            ("acme/api@sha256:12", "not a digest"),
            ("https://ghcr.io/acme/api", "`://`"),
        ] {
            let error = image_error(reference);
            assert!(error.as_ref().is_some_and(|error| error.contains(part)), "{reference}: {error:?}");
        }
    }
}
