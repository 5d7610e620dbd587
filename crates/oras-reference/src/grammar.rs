use std::net::Ipv6Addr;

use crate::error::ReferenceError;

/// The longest tag (distribution specification, "Pulling manifests").
pub const TAG_MAX_LEN: usize = 128;

/// Checks a registry: a host name, an IPv4 address or an IPv6 address in brackets, then perhaps a port.
///
/// A host name is made of letters, digits, `-` and `_`; parts between dots start and end with a letter or digit.
///
/// # Errors
///
/// [`ReferenceError::Registry`] for anything else; an empty port, user information and escapes are among it.
pub fn validate_registry(registry: &str) -> Result<(), ReferenceError> {
    let fail = |expected| Err(ReferenceError::Registry { registry: registry.into(), expected });
    let (host, port) = split_port(registry);
    if !is_host(host) {
        return fail("a host name, an IPv4 address or an IPv6 address in brackets");
    }
    if !port.is_none_or(is_port) {
        return fail("a port from 1 to 65535 after the colon");
    }
    Ok(())
}

/// Checks a repository (distribution specification, "Pulling manifests").
///
/// # Errors
///
/// [`ReferenceError::UpperCase`] when only the letter case is wrong, else [`ReferenceError::Repository`] with the first
/// component that breaks the grammar.
pub fn validate_repository(repository: &str) -> Result<(), ReferenceError> {
    let Some(component) = repository.split('/').find(|component| !is_component(component)) else {
        return Ok(());
    };
    let lower_case = repository.to_ascii_lowercase();
    if lower_case.split('/').all(is_component) {
        return Err(ReferenceError::UpperCase { repository: repository.into(), lower_case });
    }
    Err(ReferenceError::Repository { repository: repository.into(), component: component.into() })
}

/// Checks a tag (distribution specification, "Pulling manifests").
///
/// # Errors
///
/// [`ReferenceError::Tag`] when it is empty, too long, or has a character that is not allowed.
pub fn validate_tag(tag: &str) -> Result<(), ReferenceError> {
    if is_tag(tag) { Ok(()) } else { Err(ReferenceError::Tag { tag: tag.into() }) }
}

/// Whether the byte may stand in a tag after the first place.
pub(crate) const fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
fn is_tag(text: &str) -> bool {
    text.len() <= TAG_MAX_LEN
        && text.bytes().all(is_tag_byte)
        && text.bytes().next().is_some_and(|first| !matches!(first, b'.' | b'-'))
}

/// `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends_well = |byte: Option<u8>| byte.is_some_and(is_word);
    ends_well(text.bytes().next())
        && ends_well(text.bytes().last())
        && text.as_bytes().chunk_by(|a, b| is_word(*a) == is_word(*b)).all(|run| match run {
            [b'.' | b'_'] | [b'_', b'_'] => true,
            [first, ..] => is_word(*first) || run.iter().all(|byte| *byte == b'-'),
            [] => false,
        })
}

/// The host with its brackets, and what follows the colon, if there is one.
fn split_port(registry: &str) -> (&str, Option<&str>) {
    let after_brackets = registry.rfind(']').unwrap_or(0);
    match registry.rfind(':').filter(|colon| *colon > after_brackets) {
        Some(colon) => (registry.split_at(colon).0, registry.get(colon + 1..)),
        None => (registry, None),
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => host.split('.').all(is_label),
    }
}

fn is_label(label: &str) -> bool {
    let ends_well = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends_well(label.bytes().next())
        && ends_well(label.bytes().last())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_port(port: &str) -> bool {
    matches!(port.bytes().next(), Some(b'1'..=b'9')) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test for each row: its name tells the case, its text is what the validator is given.
    macro_rules! table {
        ($validate:ident: $($verdict:ident { $($name:ident: $text:expr;)* })*) => {
            $(mod $verdict {
                use super::super::*;
                $(#[test]
                fn $name() {
                    let text: &str = &$text;
                    assert_eq!($validate(text).is_ok(), stringify!($verdict) == "accepts", "{text:?}");
                })*
            })*
        };
    }

    mod registry {
        table! { validate_registry:
            accepts {
                name: "registry.example.com";
                single_label: "localhost";
                single_letter: "r";
                name_with_port: "localhost:5000";
                lowest_port: "localhost:1";
                highest_port: "localhost:65535";
                inner_hyphen_and_underscore: "my-registry_1.example";
                upper_case: "Registry.Example.COM";
                punycode: "xn--bcher-kva.example";
                ipv4: "127.0.0.1";
                ipv4_with_port: "127.0.0.1:5000";
                ipv6_in_brackets: "[::1]";
                ipv6_with_port: "[2001:db8::1]:5000";
            }
            rejects {
                empty: "";
                dot: ".";
                dots_alone: "....";
                leading_dot: ".example.com";
                trailing_dot: "example.com.";
                leading_hyphen: "-example.com";
                trailing_underscore: "example_.com";
                empty_port: "host:";
                port_alone: ":5000";
                port_zero: "host:0";
                port_with_leading_zero: "host:080";
                port_with_sign: "host:+80";
                port_with_letters: "host:http";
                port_too_large: "host:65536";
                port_much_too_large: "host:99999";
                two_ports: "host:1:2";
                bare_ipv6: "::1";
                ipv6_without_end: "[::1";
                ipv6_without_start: "::1]";
                ipv6_with_zone: "[fe80::1%25eth0]";
                ipv6_with_empty_port: "[::1]:";
                ipv6_with_trailing_text: "[::1]x";
                ipv6_with_text_before_port: "[::1]x:5000";
                ipv4_in_brackets: "[127.0.0.1]";
                empty_brackets: "[]";
                user_information: "user@host";
                international_name: "bücher.example";
                percent_escape: "exa%6dple.com";
                query: "host?x";
                fragment: "host#x";
                backslash: "host\\x";
                space: "ho st";
                line_feed: "host\n";
                nul: "host\0";
                scheme: "https://host";
            }
        }
    }

    mod repository {
        table! { validate_repository:
            accepts {
                letters: "hello";
                letter: "a";
                digit: "0";
                path: "a/b/c";
                dot: "a.b";
                underscore: "a_b";
                two_underscores: "a__b";
                hyphen: "a-b";
                many_hyphens: "a-----b";
                all_separators: "a.b_c__d-e---f/0.1";
                very_long: "a".repeat(10_000);
            }
            rejects {
                empty: "";
                slash: "/";
                leading_slash: "/a";
                trailing_slash: "a/";
                two_slashes: "a//b";
                leading_separator: "-a";
                trailing_separator: "a-";
                component_with_leading_separator: "a/_b";
                component_with_trailing_separator: "a./b";
                two_dots: "a..b";
                three_underscores: "a___b";
                dot_then_hyphen: "a.-b";
                underscore_then_hyphen: "a_-b";
                upper_case: "Hello";
                accented_letter: "é";
                space: "a b";
                line_feed: "a\n";
                colon: "a:b";
                at: "a@b";
                percent_escape: "a%2fb";
                parent_directory: "a/../b";
            }
        }
    }

    mod tag {
        table! { validate_tag:
            accepts {
                letter: "v";
                digit: "1";
                leading_underscore: "_x";
                version: "v1.2.3-rc.1_build";
                upper_case: "LATEST";
                longest: "a".repeat(128);
            }
            rejects {
                empty: "";
                leading_dot: ".x";
                leading_hyphen: "-x";
                too_long: "a".repeat(129);
                colon: "a:b";
                digest: format!("sha256:{}", "0".repeat(64));
                slash: "a/b";
                at: "a@b";
                plus: "1.0+build";
                space: "a b";
                line_feed: "a\n";
                accented_letter: "é";
            }
        }
    }

    #[test]
    fn an_upper_case_repository_is_answered_with_its_lower_case_form() {
        let (repository, lower_case) = ("Acme/Rocket".to_owned(), "acme/rocket".to_owned());
        assert_eq!(validate_repository("Acme/Rocket"), Err(ReferenceError::UpperCase { repository, lower_case }));
    }

    #[test]
    fn a_bad_component_is_named() {
        let (repository, component) = ("acme/Big__-x/y".to_owned(), "Big__-x".to_owned());
        assert_eq!(validate_repository("acme/Big__-x/y"), Err(ReferenceError::Repository { repository, component }));
    }

    #[test]
    fn a_bad_port_is_told_from_a_bad_host() {
        let expected = |registry| match validate_registry(registry) {
            Err(ReferenceError::Registry { expected, .. }) => expected,
            other => panic!("{other:?}"),
        };
        assert!(expected("host:99999").contains("port"));
        assert!(expected("ho%st:80").contains("host name"));
    }
}
