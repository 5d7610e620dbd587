//! The `oci-spec` crate as oracle: what it reads we write, and the reverse.

use oci_spec::image::{ImageIndex, ImageManifest};
use oras_descriptor::{Index, Manifest, canonical};

use crate::vectors::well_formed_documents;

#[test]
fn oci_spec_reads_what_we_write() {
    for document in well_formed_documents() {
        let file = &document.file;
        match document.kind.as_str() {
            "manifest" => {
                let ours = Manifest::from_slice(&document.bytes).unwrap();
                let theirs = ImageManifest::from_reader(&canonical(&ours)[..]).unwrap();
                assert_eq!(theirs.layers().len(), ours.layers.len(), "{file}");
                assert_eq!(theirs.config().digest().as_ref(), ours.config.digest.as_str(), "{file}");
            }
            "index" => {
                let ours = Index::from_slice(&document.bytes).unwrap();
                let theirs = ImageIndex::from_reader(&canonical(&ours)[..]).unwrap();
                assert_eq!(theirs.manifests().len(), ours.manifests.len(), "{file}");
            }
            _ => {}
        }
    }
}

#[cfg(feature = "oci-spec-0-10")]
mod conversions {
    use bytes::Bytes;
    use oci_spec::{OciSpecError, image};
    use oras_descriptor::{Algorithm, Annotations, Descriptor, Digest, FromOciSpecError, MediaType, Platform};

    use super::*;

    #[test]
    fn a_document_comes_back_as_it_went() {
        for document in well_formed_documents() {
            match document.kind.as_str() {
                "manifest" => {
                    let ours = Manifest::from_slice(&document.bytes).unwrap();
                    let theirs = ImageManifest::try_from(&ours).unwrap();
                    assert_eq!(Manifest::try_from(&theirs), Ok(ours), "{}", document.file);
                }
                "index" => {
                    let ours = Index::from_slice(&document.bytes).unwrap();
                    let theirs = ImageIndex::try_from(&ours).unwrap();
                    assert_eq!(Index::try_from(&theirs), Ok(ours), "{}", document.file);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn what_oci_spec_writes_of_a_converted_manifest_we_read() {
        let desc = Descriptor::of(MediaType::OCI_LAYER, b"layer").with_annotation("k", "<&>");
        let ours = Manifest::new(Descriptor::empty(), vec![desc.clone()])
            .with_artifact_type("t/t")
            .with_subject(desc.plain())
            .with_annotations(Annotations::from([("a".to_owned(), String::new())]));
        let theirs = ImageManifest::try_from(&ours).unwrap().to_string_pretty().unwrap();
        assert_eq!(Manifest::from_slice(theirs.as_bytes()), Ok(ours));
    }

    #[test]
    fn a_descriptor_keeps_every_member() {
        let platform = Platform::new("windows", "amd64").with_os_version("10.0").with_os_features(["win32k"]);
        let mut ours = Descriptor::of_with(Algorithm::Sha512, "a/b", b"x")
            .with_annotation("k", "v")
            .with_data(Bytes::from_static(b"x"))
            .with_platform(platform.with_variant("v2"))
            .with_artifact_type("t/t");
        ours.urls.push("https://example.com".into());
        let theirs = image::Descriptor::try_from(&ours).unwrap();
        assert_eq!(theirs.platform().as_ref().unwrap().os_version().as_deref(), Some("10.0"));
        assert_eq!(Descriptor::try_from(&theirs), Ok(ours));
    }

    #[test]
    fn digests_of_any_algorithm_are_converted() {
        for digest in [Algorithm::Sha384.digest(b""), "blake3:00".parse().unwrap(), "a+b:X=_-".parse().unwrap()] {
            let theirs = image::Digest::try_from(&digest).unwrap();
            assert_eq!(Digest::try_from(&theirs), Ok(digest));
        }
    }

    #[test]
    fn what_the_other_side_cannot_hold_is_an_error() {
        let theirs = serde_json::from_str::<image::Descriptor>(&format!(
            r#"{{"mediaType":"a/b","digest":"{}","size":0,"data":"!"}}"#,
            Digest::of(b"")
        ))
        .unwrap();
        assert_eq!(Descriptor::try_from(&theirs), Err(FromOciSpecError::Data { data: "!".into() }));

        let ours = Index { schema_version: u64::MAX, ..Index::new(Vec::new()) };
        assert!(matches!(ImageIndex::try_from(&ours), Err(OciSpecError::Other(_))));
    }
}
