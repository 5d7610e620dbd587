use crate::{
    annotation::Annotations, artifact::ArtifactManifest, descriptor::Descriptor, document::DocumentError, index::Index,
    manifest::Manifest, media_type::MediaType,
};

/// What a manifest, index or artifact manifest says about itself and points to.
///
/// This is the one view of all five manifest types that graph walks, referrers and filters share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Links {
    /// The manifest that this one speaks of.
    pub subject: Option<Descriptor>,
    /// The configuration, of an image manifest.
    pub config: Option<Descriptor>,
    /// Layers, entries of an index, or blobs, in their order.
    pub children: Vec<Descriptor>,
    /// The effective artifact type: the document's own, else the configuration's type for an image manifest.
    pub artifact_type: Option<MediaType>,
    /// Annotations of the document.
    pub annotations: Annotations,
}

impl Links {
    /// Everything that is pointed to: subject, configuration, then children, in the order of oras-go.
    pub fn successors(self) -> Vec<Descriptor> {
        self.subject.into_iter().chain(self.config).chain(self.children).collect()
    }
}

/// Reads what a document of the given type points to; content of any other type points to nothing.
///
/// A docker manifest or list has no subject: docker's schema does not know one.
///
/// # Errors
///
/// [`DocumentError::Json`] when the bytes are not what the type says, [`DocumentError::Unsupported`] for docker's schema 1,
/// which points to content that is not read here.
pub fn links(media_type: &MediaType, bytes: &[u8]) -> Result<Links, DocumentError> {
    if media_type.is_image_manifest() {
        let manifest = Manifest::from_slice(bytes)?;
        let artifact_type = Some(manifest.effective_artifact_type().clone()).filter(|kind| !kind.is_empty());
        let is_docker = *media_type == MediaType::DOCKER_MANIFEST;
        return Ok(Links {
            subject: manifest.subject.filter(|_| !is_docker),
            config: Some(manifest.config),
            children: manifest.layers,
            artifact_type,
            annotations: manifest.annotations,
        });
    }
    if media_type.is_index() {
        let index = Index::from_slice(bytes)?;
        let is_docker = *media_type == MediaType::DOCKER_MANIFEST_LIST;
        return Ok(Links {
            subject: index.subject.filter(|_| !is_docker),
            config: None,
            children: index.manifests,
            artifact_type: index.artifact_type,
            annotations: index.annotations,
        });
    }
    if *media_type == MediaType::OCI_ARTIFACT_MANIFEST {
        let artifact = ArtifactManifest::from_slice(bytes)?;
        return Ok(Links {
            subject: artifact.subject,
            config: None,
            children: artifact.blobs,
            artifact_type: Some(artifact.artifact_type).filter(|kind| !kind.is_empty()),
            annotations: artifact.annotations,
        });
    }
    if *media_type == MediaType::DOCKER_MANIFEST_SCHEMA1 {
        return Err(DocumentError::Unsupported { media_type: media_type.clone() });
    }
    Ok(Links::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonical;

    fn blob(text: &'static str) -> Descriptor {
        Descriptor::of("a/b", text.as_bytes())
    }

    #[test]
    fn orders_successors_as_oras_go_does() {
        let manifest = Manifest::new(blob("config"), vec![blob("1"), blob("2")]).with_subject(blob("subject"));
        let index = Index::new(vec![blob("1")]).with_subject(blob("subject"));
        let artifact =
            ArtifactManifest { subject: Some(blob("subject")), ..ArtifactManifest::new("t/t", vec![blob("1")]) };
        let (manifest, index, artifact) = (canonical(&manifest), canonical(&index), canonical(&artifact));
        let cases = [
            (MediaType::OCI_MANIFEST, &manifest, vec![blob("subject"), blob("config"), blob("1"), blob("2")]),
            (MediaType::DOCKER_MANIFEST, &manifest, vec![blob("config"), blob("1"), blob("2")]),
            (MediaType::OCI_INDEX, &index, vec![blob("subject"), blob("1")]),
            (MediaType::DOCKER_MANIFEST_LIST, &index, vec![blob("1")]),
            (MediaType::OCI_ARTIFACT_MANIFEST, &artifact, vec![blob("subject"), blob("1")]),
            (MediaType::OCTET_STREAM, &artifact, vec![]),
        ];
        for (media_type, bytes, expected) in cases {
            assert_eq!(links(&media_type, bytes).unwrap().successors(), expected, "{media_type}");
        }
    }

    #[test]
    fn takes_the_artifact_type_of_the_document_first() {
        let kind = |manifest: &Manifest| links(&MediaType::OCI_MANIFEST, &canonical(manifest)).unwrap().artifact_type;
        let manifest = Manifest::new(blob("config"), Vec::new());
        assert_eq!(kind(&manifest), Some("a/b".into()));
        assert_eq!(kind(&manifest.with_artifact_type("t/t")), Some("t/t".into()));
    }

    #[test]
    fn an_index_has_no_configuration_to_take_the_artifact_type_from() {
        let kind = |index: &Index| links(&MediaType::OCI_INDEX, &canonical(index)).unwrap().artifact_type;
        let index = Index::new(vec![blob("1").with_artifact_type("t/child")]);
        assert_eq!(kind(&index), None);
        assert_eq!(kind(&index.with_artifact_type("t/t")), Some("t/t".into()));
    }

    #[test]
    fn keeps_annotations_of_the_document() {
        let annotations = Annotations::from([("k".to_owned(), "v".to_owned())]);
        let manifest = Manifest::new(blob("config"), Vec::new()).with_annotations(annotations.clone());
        assert_eq!(links(&MediaType::OCI_MANIFEST, &canonical(&manifest)).unwrap().annotations, annotations);
    }

    #[test]
    fn schema_1_is_unsupported_and_no_leaf() {
        let media_type = MediaType::DOCKER_MANIFEST_SCHEMA1;
        assert_eq!(links(&media_type, b"{}"), Err(DocumentError::Unsupported { media_type }));
    }

    #[test]
    fn a_document_that_is_not_what_its_type_says_is_an_error() {
        for media_type in MediaType::MANIFESTS {
            assert!(matches!(links(&media_type, b"[7]"), Err(DocumentError::Json { .. })), "{media_type}");
        }
    }
}
