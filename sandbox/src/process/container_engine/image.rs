//! Finding images on this machine, and pulling those that are not there.

use super::{Engine, EngineKind};
use crate::process::container_runtime::{LocalImage, RuntimeError};

impl Engine {
    /// An image, pulled if it is not on this machine.
    pub(super) async fn find_or_pull(&self, image: &str) -> Result<LocalImage, RuntimeError> {
        if !is_image_name(image) {
            return Err(RuntimeError::Other("invalid reference format".to_owned()));
        }
        if let Some(local) = self.local_image(image).await {
            return Ok(local);
        }
        // One at a time: tasks of one service start together, and the second finds what the first has pulled.
        let _pulling = self.pulling.lock().await;
        if let Some(local) = self.local_image(image).await {
            return Ok(local);
        }
        let name = qualified(image);
        self.kind.query(&["pull", "--quiet", &name]).await?;
        let local = self.local_image(&name).await;
        local.ok_or_else(|| RuntimeError::Other("the image was pulled and is not there".to_owned()))
    }

    /// An image, if it is on this machine.
    pub(super) async fn local_image(&self, image: &str) -> Option<LocalImage> {
        if !is_image_name(image) {
            return None;
        }
        // In podman, a name without a registry may be a local image's, or docker.io's.
        let mut names = vec![image.to_owned()];
        names.extend((self.kind == EngineKind::Podman).then(|| qualified(image)));
        for name in names {
            let inspect = ["image", "inspect", "--format={{.Config.StopSignal}}", &name];
            if let Ok(signal) = self.kind.query(&inspect).await {
                let signal = Some(signal.trim()).filter(|signal| is_signal(signal)).unwrap_or("SIGTERM");
                return Some(LocalImage { name, stop_signal: signal.to_owned() });
            }
        }
        None
    }
}

fn is_signal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte))
}

/// The name with its registry, as docker completes it: `nginx` is `docker.io/library/nginx`.
fn qualified(image: &str) -> String {
    match image.split_once('/') {
        Some((registry, _)) if registry.contains(['.', ':']) || registry == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
        None => format!("docker.io/library/{image}"),
    }
}

/// Whether a text is an image's name in a registry. Podman would take others for flags, folders or archives of this machine.
fn is_image_name(image: &str) -> bool {
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    let hexadecimal = |digits: &str| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest.is_some_and(|digest| !digest.strip_prefix("sha256:").is_some_and(hexadecimal)) {
        return false;
    }
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    let is_tag = |tag: &str| {
        let rest = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        rest && (1..=128).contains(&tag.len()) && !tag.starts_with(['.', '-'])
    };
    let (registry, repository) = match path.split_once('/') {
        Some((registry, repository)) if registry.contains(['.', ':']) || registry == "localhost" => {
            (Some(registry), repository)
        }
        _ => (None, path),
    };
    let is_part = |part: &str| {
        let ends = part.bytes().next().zip(part.bytes().last());
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        ends.is_some_and(|(first, last)| inner(first) && inner(last))
            && part.bytes().all(|byte| inner(byte) || b"._-".contains(&byte))
    };
    let is_registry = |registry: &str| {
        let (host, port) = registry.split_once(':').unwrap_or((registry, "1"));
        let host_is = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        host_is && host.starts_with(|first: char| first.is_ascii_alphanumeric()) && port.parse::<u16>().is_ok()
    };
    tag.is_none_or(is_tag) && registry.is_none_or(is_registry) && repository.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::{is_image_name, qualified};

    #[test]
    fn only_names_of_images_in_registries_are_accepted() {
        for name in [
            "nginx",
            "nginx:1.27",
            "brentley/ecsdemo-nodejs",
            "public.ecr.aws/nginx/nginx:latest",
            "localhost/web:1",
            "localhost:5000/web",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b_c:v1.0",
            "nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert!(is_image_name(name), "{name}");
        }
        for name in [
            "",
            "-v",
            "--volume=/:/x",
            "dir:/etc",
            "docker-archive:/x.tar",
            "docker://nginx",
            "oci:x:y",
            "./x",
            "/x",
            "a b",
            "a//b",
        ] {
            assert!(!is_image_name(name), "{name}");
        }
    }

    #[test]
    fn a_name_without_a_registry_is_on_docker_hub() {
        assert_eq!(qualified("nginx:1"), "docker.io/library/nginx:1");
        assert_eq!(qualified("brentley/ecsdemo-nodejs"), "docker.io/brentley/ecsdemo-nodejs");
        assert_eq!(qualified("localhost/web"), "localhost/web");
        assert_eq!(qualified("public.ecr.aws/a/b"), "public.ecr.aws/a/b");
    }
}
