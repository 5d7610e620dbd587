//! What holds for every text and every reference.

use oras_descriptor::{Algorithm, Digest};
use oras_reference::{Reference, referrers_tag, validate_registry, validate_repository, validate_tag};
use proptest::prelude::*;

/// How many cases run, unless the environment asks for more.
const CASES: u32 = 2_000;

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(CASES, |text| text.parse().unwrap())
}

fn registry() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-zA-Z0-9]([a-z0-9_-]{0,6}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?){0,3}",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ];
    (host, proptest::option::of(1..=u16::MAX)).prop_map(|(host, port)| match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

fn digest() -> impl Strategy<Value = Digest> {
    (proptest::sample::select(&Algorithm::ALL[..]), any::<[u8; 4]>())
        .prop_map(|(algorithm, content)| algorithm.digest(&content))
}

fn reference() -> impl Strategy<Value = Reference> {
    let repository = "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,4}(-[a-z0-9]{1,4})?){0,3}";
    let tag = proptest::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}");
    (registry(), repository, tag, proptest::option::of(digest())).prop_map(|(registry, repository, tag, digest)| {
        let mut reference = Reference::new(&registry, &repository).unwrap();
        if let Some(tag) = tag {
            reference = reference.with_tag(&tag).unwrap();
        }
        match digest {
            Some(digest) => reference.with_digest(digest).unwrap(),
            None => reference,
        }
    })
}

/// Texts close to references: the characters that matter to the grammar, in any order.
fn near_reference() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA0-9:@/._\\[\\]%é -]{0,40}",
        "(oci://|https://)?[a-z.]{1,6}(:[0-9]{0,6})?/[a-z/._-]{0,8}[:@].{0,80}",
        ".{0,60}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn no_text_makes_a_parser_panic(text in near_reference()) {
        let _ = (validate_registry(&text), validate_repository(&text), validate_tag(&text));
        let _ = (Reference::parse_registry(&text), Reference::parse_list(&text));
        let _ = Reference::new("r", "a").unwrap().parse_relative(&text);
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
        }
    }

    #[test]
    fn a_printed_reference_parses_to_itself(reference in reference()) {
        let text = reference.to_string();
        prop_assert_eq!(text.parse::<Reference>(), Ok(reference.clone()));
        prop_assert_eq!(format!("oci://{text}").parse::<Reference>(), Ok(reference.clone()));
        if reference.identifier().is_some() {
            prop_assert_eq!(reference.parse_relative(&text), Ok(reference));
        }
    }

    #[test]
    fn the_referrers_tag_of_any_digest_is_a_legal_tag(text in "[a-z0-9]{1,40}([+._-][a-z0-9]{1,9}){0,3}:[A-Za-z0-9=_-]{1,140}") {
        if let Ok(digest) = text.parse::<Digest>() {
            prop_assert_eq!(validate_tag(&referrers_tag(&digest)), Ok(()));
        }
    }
}
