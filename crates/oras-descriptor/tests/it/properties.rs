//! What holds for every text, document and content.

use bytes::Bytes;
use oras_descriptor::{
    Algorithm, Annotations, ArtifactManifest, Descriptor, Digest, Index, IndexEdit, Manifest, MediaType, Platform,
    Verifier, VerifyError, canonical, links,
};
use proptest::{collection::vec, option, prelude::*, sample};
use serde_json::value::RawValue;

/// How many cases run, unless the environment asks for more.
const CASES: u32 = 2_000;

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(CASES, |text| text.parse().unwrap())
}

fn media_type() -> impl Strategy<Value = MediaType> {
    prop_oneof!["[a-z0-9][a-z0-9.+-]{0,9}/[a-z0-9][a-z0-9.+-]{0,9}", Just(String::new()), ".{1,9}"]
        .prop_map(MediaType::new)
}

fn artifact_type() -> impl Strategy<Value = Option<MediaType>> {
    option::of("[a-z]{1,5}/[a-z]{1,5}".prop_map(MediaType::new))
}

fn annotations() -> impl Strategy<Value = Annotations> {
    proptest::collection::btree_map("[a-z<>&\"\\\\\u{0}-\u{1f}\u{2028}é]{0,6}", ".{0,9}", 0..4)
}

fn platform() -> impl Strategy<Value = Platform> {
    ("[a-z]{0,6}", "[a-z0-9]{0,6}", "[0-9.]{0,6}", vec("[a-z]{1,6}", 0..3), "[a-z0-9]{0,3}").prop_map(
        |(os, architecture, version, features, variant)| {
            let platform = Platform::new(os, architecture).with_os_version(version);
            platform.with_os_features(features).with_variant(variant)
        },
    )
}

fn descriptor() -> impl Strategy<Value = Descriptor> {
    let content = (sample::select(&Algorithm::ALL[..]), any::<[u8; 4]>(), 0..=i64::MAX.unsigned_abs());
    let members = (vec(".{0,9}", 0..3), option::of(vec(any::<u8>(), 1..9)), option::of(platform()));
    (media_type(), content, annotations(), members, artifact_type()).prop_map(
        |(media_type, (algorithm, content, size), annotations, (urls, data, platform), artifact_type)| Descriptor {
            annotations,
            urls,
            data: data.map(Bytes::from),
            platform,
            artifact_type,
            ..Descriptor::new(media_type, algorithm.digest(&content), size)
        },
    )
}

fn manifest() -> impl Strategy<Value = Manifest> {
    (descriptor(), vec(descriptor(), 0..4), option::of(descriptor()), artifact_type(), annotations()).prop_map(
        |(config, layers, subject, artifact_type, annotations)| Manifest {
            subject,
            artifact_type,
            annotations,
            ..Manifest::new(config, layers)
        },
    )
}

fn index() -> impl Strategy<Value = Index> {
    (vec(descriptor(), 0..5), option::of(descriptor()), artifact_type(), annotations()).prop_map(
        |(manifests, subject, artifact_type, annotations)| Index {
            subject,
            artifact_type,
            annotations,
            ..Index::new(manifests)
        },
    )
}

/// Documents with some bytes replaced, and documents made of the words that matter.
fn near_document() -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<sample::Index>(), any::<u8>()), 0..3);
    let damaged =
        (prop_oneof![manifest().prop_map(|it| canonical(&it)), index().prop_map(|it| canonical(&it))], damage)
            .prop_map(|(bytes, damage)| {
                let mut bytes = bytes.to_vec();
                for (at, byte) in damage {
                    let at = at.index(bytes.len());
                    if let Some(old) = bytes.get_mut(at) {
                        *old = byte;
                    }
                }
                bytes
            });
    let words = r#"([\[\]{}:, ]|null|-?[0-9]{1,20}|1e9|true|"(manifests|layers|config|digest|size|annotations|mediaType|data|subject|sha256:00|\\u0041|x)?"){0,24}"#;
    prop_oneof![damaged, words.prop_map(String::into_bytes), vec(any::<u8>(), 0..40)]
}

/// An index as others write it: unknown members, odd blanks, entries that are no descriptors.
fn foreign_index() -> impl Strategy<Value = String> {
    let blank = || "[ \n\t]{0,3}";
    let unknown = || prop_oneof![Just("1.0e1"), Just(r#""\u0041""#), Just(r#"{"b": [1 , 2]}"#), Just("null")];
    let described = (descriptor(), unknown(), blank()).prop_map(|(desc, unknown, blank)| {
        let text = String::from_utf8_lossy(&canonical(&desc)).into_owned();
        format!(r#"{{{blank}"vendor":{unknown}{blank},{}"#, text.trim_start_matches('{'))
    });
    let entry = prop_oneof![
        4 => described,
        2 => descriptor().prop_map(|desc| String::from_utf8_lossy(&canonical(&desc)).into_owned()),
        1 => Just(r#"{"digest":"none"}"#.to_owned()),
        1 => Just("null".to_owned()),
    ];
    (vec((blank(), entry, blank()), 0..4), unknown(), blank()).prop_map(|(entries, unknown, blank)| {
        let entries: Vec<_> =
            entries.into_iter().map(|(before, entry, after)| [before, entry, after].concat()).collect();
        let entries = entries.join(",");
        format!(r#"{blank}{{"a":{unknown}{blank},"manifests":{blank}[{entries}],{blank}"z":{unknown}}}{blank}"#)
    })
}

#[derive(Clone, Debug)]
enum Edit {
    Push(Box<Descriptor>),
    Annotate(sample::Index, String, Option<String>),
    Remove(sample::Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        descriptor().prop_map(|desc| Edit::Push(Box::new(desc))),
        (any::<sample::Index>(), "[a-z]{1,3}", option::of(".{0,5}"))
            .prop_map(|(at, key, value)| Edit::Annotate(at, key, value)),
        any::<sample::Index>().prop_map(Edit::Remove),
    ]
}

/// The raw text of each entry of an index.
fn raw_entries(document: &[u8]) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Raw {
        manifests: Vec<Box<RawValue>>,
    }
    let raw: Raw = serde_json::from_slice(document).unwrap();
    raw.manifests.iter().map(|entry| entry.get().to_owned()).collect()
}

fn check(desc: &Descriptor, chunks: &[&[u8]]) -> Result<(), VerifyError> {
    let mut verifier = Verifier::new(desc)?;
    for chunk in chunks {
        verifier.update(chunk)?;
    }
    verifier.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn any_text_is_a_digest_that_prints_itself_or_an_error(text in "([a-z0-9+._A-Z-]{0,9}:?){0,3}[0-9a-f]{0,70}|sha256:[0-9a-fA-F]{63,65}|.{0,40}") {
        if let Ok(digest) = text.parse::<Digest>() {
            prop_assert_eq!(digest.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_a_media_type_that_prints_itself_or_an_error(text in "[a-zA-Z0-9!#$&^_.+-]{0,9}/?[a-z;= ]{0,9}|.{0,40}") {
        let parsed = text.parse::<MediaType>();
        prop_assert_eq!(parsed.is_ok(), MediaType::new(text.clone()).validate().is_ok());
        if let Ok(media_type) = parsed {
            prop_assert_eq!(media_type.as_str(), text);
        }
    }

    #[test]
    fn no_bytes_make_a_document_parser_panic(bytes in near_document()) {
        for media_type in MediaType::MANIFESTS {
            let _ = links(&media_type, &bytes);
        }
        let _ = (Manifest::from_slice(&bytes).map(|it| it.validate()), Index::from_slice(&bytes).map(|it| it.validate()));
        let _ = (ArtifactManifest::from_slice(&bytes), Platform::from_config_slice(&bytes));
        if let Ok(mut edit) = IndexEdit::from_slice(&bytes) {
            prop_assert_eq!(&edit.to_bytes()[..], &bytes[..]);
            edit.remove_blank();
            edit.push(&Descriptor::empty());
            prop_assert!(IndexEdit::from_slice(&edit.to_bytes()).is_ok_and(|again| again.entries().count() > 0));
        }
    }

    #[test]
    fn a_written_manifest_reads_as_itself(manifest in manifest()) {
        let bytes = canonical(&manifest);
        let read = Manifest::from_slice(&bytes).unwrap();
        prop_assert_eq!(&canonical(&read), &bytes);
        prop_assert_eq!(read, manifest);
    }

    #[test]
    fn a_written_index_reads_as_itself(index in index()) {
        let bytes = canonical(&index);
        let read = Index::from_slice(&bytes).unwrap();
        prop_assert_eq!(&canonical(&read), &bytes);
        prop_assert_eq!(read, index);
    }

    #[test]
    fn edits_leave_all_other_entries_as_they_were(source in foreign_index(), edits in vec(edit(), 0..4)) {
        let mut edit = IndexEdit::from_slice(source.as_bytes()).unwrap();
        prop_assert_eq!(&edit.to_bytes()[..], source.as_bytes());
        for step in edits {
            let before = raw_entries(&edit.to_bytes());
            let seen = edit.positions(|_| true);
            let mut expected = before.clone();
            match step {
                Edit::Push(desc) => {
                    expected.push(String::from_utf8_lossy(&canonical(&*desc)).into_owned());
                    edit.push(&desc);
                }
                Edit::Annotate(at, key, value) if !seen.is_empty() => {
                    let at = *at.get(&seen);
                    edit.set_annotation(at, &key, value.as_deref());
                    let after = raw_entries(&edit.to_bytes());
                    let view: Descriptor = serde_json::from_str(&after[at]).unwrap();
                    prop_assert_eq!(view.annotations.get(&key), value.as_ref());
                    prop_assert_eq!(after[at].contains(r#""vendor":"#), before[at].contains(r#""vendor":"#));
                    expected[at].clone_from(&after[at]);
                }
                Edit::Remove(at) if !seen.is_empty() => {
                    let nth = at.index(seen.len());
                    let mut count = 0..;
                    edit.retain(|_| count.next() != Some(nth));
                    expected.remove(seen[nth]);
                }
                _ => {}
            }
            prop_assert_eq!(raw_entries(&edit.to_bytes()), expected);
            let views: Vec<Descriptor> =
                raw_entries(&edit.to_bytes()).iter().filter_map(|entry| serde_json::from_str(entry).ok()).collect();
            prop_assert!(edit.entries().eq(&views), "the view of an entry is what its text says");
        }
    }

    #[test]
    fn any_chunking_of_the_content_passes(content in vec(any::<u8>(), 0..300), cuts in vec(any::<sample::Index>(), 0..6)) {
        let desc = Descriptor::of("a/b", &content);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1)).chain([0, content.len()]).collect();
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &content[cut[0]..cut[1]]).collect();
        prop_assert_eq!(check(&desc, &chunks), Ok(()));
    }

    #[test]
    fn any_flipped_bit_missing_or_extra_byte_fails(
        content in vec(any::<u8>(), 1..300),
        at in any::<sample::Index>(),
        bit in 0..8_u32,
        extra in any::<u8>(),
        algorithm in sample::select(&Algorithm::ALL[..]),
    ) {
        let desc = Descriptor::of_with(algorithm, "a/b", &content);
        let at = at.index(content.len());
        let (head, tail) = content.split_at(at);

        let flipped = [tail[0] ^ (1 << bit)];
        let failed = check(&desc, &[head, &flipped, &tail[1..]]);
        prop_assert!(matches!(failed, Err(VerifyError::WrongDigest { .. })), "{:?}", failed);
        let failed = check(&desc, &[head, &tail[1..]]);
        prop_assert!(matches!(failed, Err(VerifyError::TooShort { .. })), "{:?}", failed);
        let failed = check(&desc, &[head, &[extra], tail]);
        prop_assert!(matches!(failed, Err(VerifyError::TooLong { .. })), "{:?}", failed);
    }
}
