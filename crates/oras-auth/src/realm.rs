use std::net::IpAddr;

use http::Uri;
use oras_transport::{Origin, redacted, resolve};

use crate::error::AuthError;

/// The token server that a registry names, if credentials may go there.
///
/// A registry that speaks https may only name https; and none may send a client to addresses inside the client's own
/// network that are not the registry's own.
pub(crate) fn checked(registry: &Uri, realm: &str) -> Result<Uri, AuthError> {
    let name = registry.authority().map_or("", |authority| authority.as_str());
    let refuse = |reason: String| AuthError::UnsafeRealm { registry: name.to_owned(), reason };
    let realm = resolve(registry, realm).map_err(|error| refuse(error.to_string()))?;
    let (Some(asked), Some(target)) = (Origin::of(registry), Origin::of(&realm)) else {
        return Err(refuse(format!("{} is no http or https URL", redacted(&realm))));
    };
    if asked.is_https() && !target.is_https() {
        return Err(refuse(format!("{} is not https", redacted(&realm))));
    }
    if asked.host() != target.host()
        && is_inside(target.host())
        && !(is_name_of_here(target.host()) && is_here(asked.host()))
    {
        return Err(refuse(format!("{} is an address of a private network", redacted(&realm))));
    }
    Ok(realm)
}

fn address(host: &str) -> Option<IpAddr> {
    let address: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
    Some(address.to_canonical())
}

fn is_name_of_here(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

fn is_here(host: &str) -> bool {
    is_name_of_here(host) || address(host).is_some_and(|address| address.is_loopback())
}

fn is_inside(host: &str) -> bool {
    if is_name_of_here(host) {
        return true;
    }
    match address(host) {
        Some(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        Some(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
        // Numbers in forms that resolvers take for addresses: `2130706433`, `0x7f.1`.
        None => host.trim_end_matches('.').rsplit('.').next().is_some_and(is_number),
    }
}

fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || label.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_server_must_be_one_that_credentials_may_go_to() {
        for (registry, realm, allowed) in [
            ("https://r.example/v2/", "https://auth.example/token", true),
            ("https://r.example/v2/", "https://r.example:8443/token?a=b", true),
            ("https://r.example/v2/", "/token", true),
            ("http://r.example/v2/", "http://auth.example/token", true),
            ("http://r.example/v2/", "https://auth.example/token", true),
            ("https://r.example/v2/", "http://auth.example/token", false),
            ("https://r.example/v2/", "http://r.example/token", false),
            ("https://r.example/v2/", "ftp://r.example/token", false),
            ("https://r.example/v2/", "file:///etc/passwd", false),
            ("https://r.example/v2/", "https://127.0.0.1/token", false),
            ("https://r.example/v2/", "https://10.0.0.1/token", false),
            ("https://r.example/v2/", "https://192.168.1.1:80/token", false),
            ("https://r.example/v2/", "https://169.254.169.254/latest", false),
            ("https://r.example/v2/", "https://0.0.0.0/token", false),
            ("https://r.example/v2/", "https://[::1]/token", false),
            ("https://r.example/v2/", "https://[::ffff:127.0.0.1]/token", false),
            ("https://r.example/v2/", "https://[fd00::1]/token", false),
            ("https://r.example/v2/", "https://[fe80::1]/token", false),
            ("https://r.example/v2/", "https://2130706433/token", false),
            ("https://r.example/v2/", "https://0x7f.1/token", false),
            ("https://r.example/v2/", "https://localhost/token", false),
            ("https://r.example/v2/", "https://LocalHost./token", false),
            ("https://r.example/v2/", "https://a.localhost/token", false),
            ("https://r.example/v2/", "https://8.8.8.8/token", true),
            ("https://10.0.0.1/v2/", "https://10.0.0.1:5001/token", true),
            ("https://10.0.0.1/v2/", "https://10.0.0.2/token", false),
            ("http://127.0.0.1:5000/v2/", "http://localhost:5001/token", true),
            ("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5001/token", true),
            ("http://localhost:5000/v2/", "http://127.0.0.1:5001/token", false),
        ] {
            let checked = checked(&registry.parse().unwrap(), realm);
            assert_eq!(checked.is_ok(), allowed, "{registry} names {realm}: {checked:?}");
        }
    }
}
