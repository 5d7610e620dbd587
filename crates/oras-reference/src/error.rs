use oras_descriptor::DigestError;

/// Why a text is not a reference, or not one that can be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// There is no `/` that ends the registry, or a tag or digest was given where there is no repository.
    #[error("invalid reference {input:?}: expected registry/repository")]
    MissingRepository {
        /// The text.
        input: String,
    },
    /// Neither a tag nor a digest is there, and one of them is needed.
    #[error("invalid reference {input:?}: expected a tag or a digest")]
    MissingIdentifier {
        /// The text.
        input: String,
    },
    /// The registry is not a host with an optional port.
    #[error("invalid registry {registry:?}: expected {expected}")]
    Registry {
        /// The registry.
        registry: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A component of the repository breaks the grammar.
    #[error(
        "invalid repository {repository:?}: component {component:?}: expected lower-case letters and digits, \
         joined by one of '.', '_', '__' or any number of '-'"
    )]
    Repository {
        /// The repository.
        repository: String,
        /// The first component that breaks the grammar, between two slashes.
        component: String,
    },
    /// The repository would be valid in lower case.
    #[error("invalid repository {repository:?}: expected lower case, {lower_case:?}")]
    UpperCase {
        /// The repository.
        repository: String,
        /// The repository in lower case.
        lower_case: String,
    },
    /// The tag breaks the grammar.
    #[error("invalid tag {tag:?}: expected 1 to 128 letters, digits, '_', '.' or '-', the first none of '.' and '-'")]
    Tag {
        /// The tag.
        tag: String,
    },
    /// The digest is malformed, or its algorithm is not supported.
    #[error("invalid digest {digest:?} in a reference")]
    Digest {
        /// The digest.
        digest: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// A reference to another repository was given where one to this repository was expected.
    #[error("invalid reference {input:?}: expected one to {expected:?}")]
    OtherRepository {
        /// The text.
        input: String,
        /// The repository that was expected, with its registry.
        expected: String,
    },
}
