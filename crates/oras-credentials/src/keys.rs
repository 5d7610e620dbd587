//! Under which keys credentials are found and kept.

/// The key that docker uses for Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The names by which Docker Hub goes, in order of preference.
const DOCKER_HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// The key under which docker, and everybody after it, keeps the credential of a registry.
///
/// ```
/// assert_eq!(oras_credentials::server_address("docker.io"), "https://index.docker.io/v1/");
/// assert_eq!(oras_credentials::server_address("ghcr.io"), "ghcr.io");
/// ```
pub fn server_address(registry: &str) -> &str {
    if is_docker_hub(registry) { DOCKER_HUB } else { registry }
}

fn is_docker_hub(registry: &str) -> bool {
    registry == DOCKER_HUB || DOCKER_HUB_HOSTS.contains(&registry)
}

/// The key that fits best: the most specific path, `host/namespace/repository` before `host/namespace` before `host`.
pub(crate) fn best<'a>(
    keys: impl Iterator<Item = &'a str> + Clone,
    registry: &str,
    repository: Option<&str>,
) -> Option<&'a str> {
    if registry.is_empty() {
        return None;
    }
    let mut path = repository.unwrap_or_default();
    loop {
        let found = wanted(registry, path).find_map(|wanted| keys.clone().find(|key| *key == wanted));
        if found.is_some() {
            return found;
        }
        if path.is_empty() {
            break;
        }
        path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    // Of several old keys the smallest, so that the choice does not change from run to run.
    keys.filter(|key| old_host(key).is_some_and(|host| host == registry)).min()
}

/// The keys of one level, in order of preference.
fn wanted(registry: &str, path: &str) -> impl Iterator<Item = String> {
    let names = if is_docker_hub(registry) { DOCKER_HUB_HOSTS.to_vec() } else { vec![registry] };
    let whole = (is_docker_hub(registry) && path.is_empty()).then(|| DOCKER_HUB.to_owned());
    let path = path.to_owned();
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let join = move |name: String| if path.is_empty() { name } else { format!("{name}/{path}") };
    whole.into_iter().chain(names.into_iter().map(join))
}

/// The host of a key as old versions of docker wrote it: a URL, or a host with the version of an API behind it. Any other
/// path is a namespace.
fn old_host(key: &str) -> Option<&str> {
    if let Some((_, rest)) = key.split_once("://") {
        return rest.split('/').next();
    }
    let (host, path) = key.split_once('/')?;
    matches!(path, "" | "v1" | "v1/" | "v2" | "v2/").then_some(host)
}

/// Whether a key names a path below a registry, and not a registry.
pub(crate) fn is_path(key: &str) -> bool {
    key.contains('/') && old_host(key).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_most_specific_key() {
        let keys =
            ["r.io", "r.io/a", "r.io/a/b", "https://old.io/v1/", "old2.io/v2/", "http://many.io/b", "http://many.io/a"];
        for (registry, repository, expected) in [
            ("r.io", None, Some("r.io")),
            ("r.io", Some("a/b"), Some("r.io/a/b")),
            ("r.io", Some("a/b/c"), Some("r.io/a/b")),
            ("r.io", Some("a/c"), Some("r.io/a")),
            ("r.io", Some("ab"), Some("r.io")),
            ("r.io:443", None, None),
            ("old.io", Some("x"), Some("https://old.io/v1/")),
            ("old2.io", None, Some("old2.io/v2/")),
            ("many.io", None, Some("http://many.io/a")),
            ("a", None, None),
            ("", None, None),
        ] {
            assert_eq!(best(keys.into_iter(), registry, repository), expected, "{registry} {repository:?}");
        }
    }

    #[test]
    fn a_namespace_is_not_its_host() {
        assert_eq!(best(["r.io/team"].into_iter(), "r.io", None), None);
        assert_eq!(best(["r.io/team"].into_iter(), "r.io", Some("other/app")), None);
    }

    #[test]
    fn docker_hub_is_found_by_each_of_its_names() {
        for registry in ["docker.io", "index.docker.io", "registry-1.docker.io", DOCKER_HUB] {
            for key in [
                "https://index.docker.io/v1/",
                "docker.io",
                "index.docker.io",
                "registry-1.docker.io",
                "docker.io/library",
            ] {
                assert_eq!(best([key].into_iter(), registry, Some("library/alpine")), Some(key));
            }
            assert_eq!(server_address(registry), DOCKER_HUB);
        }
        assert_eq!(best(["docker.io"].into_iter(), "ghcr.io", None), None);
    }
}
