use http::{Uri, uri::Authority};
use oras_content::{Error, ErrorKind, Result};

use crate::url;

/// Resolves the `Location` of an upload against the URL that answered with it (RFC 3986 section 5).
///
/// Not a byte of path and query changes, but for dots in a relative path: registries keep signed state there. The result
/// is on the same host and port, and never falls from https to http: behind a proxy that ends TLS, registries say `http`
/// or leave a port out, and then scheme and authority of the request stay, so that credentials still match.
pub(crate) fn resolve(base: &Uri, location: &str) -> Result<Uri> {
    let target = oras_transport::resolve(base, location)?;
    let (scheme, authority) = parts(base)?;
    if is_written_alike(base, &target) {
        return Ok(target);
    }
    check_origin(base, &target)?;
    let path = target.path_and_query().map_or("/", |path| path.as_str());
    url::parse(format!("{scheme}://{authority}{path}"))
}

fn parts(base: &Uri) -> Result<(&str, &Authority)> {
    match (base.scheme_str(), base.authority()) {
        (Some(scheme), Some(authority)) => Ok((scheme, authority)),
        _ => Err(Error::new(ErrorKind::Other, "the request had no absolute URL")),
    }
}

/// Whether scheme and authority are the same to the letter, so that nothing has to be put right.
fn is_written_alike(base: &Uri, target: &Uri) -> bool {
    let (Some(written), Some(authority)) = (base.authority(), target.authority()) else { return false };
    let has_path = target.path_and_query().is_some_and(|path| path.as_str().starts_with('/'));
    has_path
        && !written.as_str().contains('@')
        && written.as_str() == authority.as_str()
        && base.scheme_str() == target.scheme_str()
}

fn check_origin(base: &Uri, target: &Uri) -> Result<()> {
    let (base_scheme, base_authority) = parts(base)?;
    let (scheme, authority) = parts(target)?;
    let is_http = scheme == "http";
    let base_is_http = base_scheme == "http";
    let default = |is_http: bool| if is_http { "80" } else { "443" };
    let (host, port) = split_port(authority.as_str());
    let (base_host, base_port) = split_port(base_authority.as_str());
    let port = match port.unwrap_or_else(|| default(is_http)) {
        // What a proxy hid: the registry behind it saw plain http on its own default port.
        "80" if is_http && !base_is_http => "443",
        port => port,
    };
    let is_known = is_http || scheme == "https";
    let same_port = port == base_port.unwrap_or_else(|| default(base_is_http));
    let same_host = !host.contains('@') && host.eq_ignore_ascii_case(base_host);
    if is_known && same_host && same_port && (is_http || !base_is_http) {
        return Ok(());
    }
    let shown = oras_transport::redacted(target);
    let message = format!("invalid upload location {shown:?}: expected a URL of {base_scheme}://{base_authority}");
    Err(Error::new(ErrorKind::Denied, message))
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    match authority.get(after_bracket..).and_then(|rest| rest.rfind(':')) {
        Some(at) => {
            let (host, port) = authority.split_at(after_bracket + at);
            (host, port.get(1..).filter(|port| !port.is_empty()))
        }
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, location: &str) -> Option<String> {
        resolve(&base.parse().unwrap(), location).ok().map(|uri| uri.to_string())
    }

    /// One test for each row: base, location, what comes out of it.
    macro_rules! resolves {
        ($($name:ident: $base:literal, $location:literal => $expected:expr;)*) => {
            mod resolves {
                use super::*;
                $(#[test]
                fn $name() {
                    let expected: Option<&str> = $expected;
                    assert_eq!(resolved($base, $location).as_deref(), expected);
                })*
            }
        };
    }

    resolves! {
        absolute_url: "http://r:5000/v2/a/blobs/uploads/", "http://r:5000/u/1?s=2" => Some("http://r:5000/u/1?s=2");
        absolute_path: "https://r/v2/a/blobs/uploads/", "/artifacts-uploads/x?y=z" => Some("https://r/artifacts-uploads/x?y=z");
        network_path: "https://r/v2/a/blobs/uploads/", "//r/u" => Some("https://r/u");
        only_a_query: "https://r/v2/a/blobs/uploads/1?x=1", "?y=2" => Some("https://r/v2/a/blobs/uploads/1?y=2");
        relative_path: "https://r/v2/a/blobs/uploads/", "1?y=2" => Some("https://r/v2/a/blobs/uploads/1?y=2");
        dots: "https://r/v2/a/blobs/uploads/", "../../u/./1/.." => Some("https://r/v2/a/u/");
        dots_above_the_root: "https://r/v2/", "../../../u" => Some("https://r/u");
        query_byte_by_byte: "https://r/v2/", "/u?_state=a%2Fb%3D&x&%7e=~" => Some("https://r/u?_state=a%2Fb%3D&x&%7e=~");
        a_colon_in_a_path_is_no_scheme: "https://r/v2/a/", "/u/sha256:00" => Some("https://r/u/sha256:00");
        fragment_is_dropped: "https://r/v2/", "/u?x=1#y" => Some("https://r/u?x=1");
        missing_path: "https://r/v2/", "https://r?x=1" => Some("https://r/?x=1");
        host_in_upper_case: "https://r/v2/", "HTTPS://R/u" => Some("https://r/u");
        port_443_is_put_back: "https://r:443/v2/", "https://r/u" => Some("https://r:443/u");
        port_443_written_out: "https://r/v2/", "https://r:443/u" => Some("https://r/u");
        http_behind_a_tls_proxy: "https://r/v2/", "http://r/u?x=1" => Some("https://r/u?x=1");
        http_behind_a_tls_proxy_with_port: "https://r:443/v2/", "http://r:80/u" => Some("https://r:443/u");
        ipv6: "http://[::1]:5000/v2/", "http://[::1]:5000/u" => Some("http://[::1]:5000/u");
        other_host: "https://r/v2/", "https://evil/u" => None;
        sub_domain: "https://r/v2/", "https://a.r/u" => None;
        other_port: "https://r/v2/", "https://r:8443/u" => None;
        no_port_for_a_port: "https://r:5000/v2/", "https://r/u" => None;
        http_on_another_port: "https://r/v2/", "http://r:8080/u" => None;
        https_from_http: "http://r/v2/", "https://r/u" => None;
        user_information: "https://r/v2/", "https://r@evil/u" => None;
        user_information_of_the_host: "https://r/v2/", "https://x@r/u" => None;
        user_information_on_both_sides: "https://x@r/v2/", "https://x@r/u" => None;
        user_information_of_the_base: "https://x@r/v2/", "/u" => None;
        other_scheme: "https://r/v2/", "file:///etc/passwd" => None;
        blank: "https://r/v2/", "/u x" => None;
    }
}
