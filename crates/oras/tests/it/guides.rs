//! What the guides name exists.

use std::collections::BTreeSet;

/// The documents, by their names.
const GUIDES: [(&str, &str); 6] = [
    ("README.md", include_str!("../../../../README.md")),
    ("coming-from-oci-client.md", include_str!("../../../../docs/guides/coming-from-oci-client.md")),
    ("coming-from-oras-go.md", include_str!("../../../../docs/guides/coming-from-oras-go.md")),
    ("errors-and-retries.md", include_str!("../../../../docs/guides/errors-and-retries.md")),
    ("memory.md", include_str!("../../../../docs/guides/memory.md")),
    ("security.md", include_str!("../../../../docs/guides/security.md")),
];

/// Paths below `oras`: that this compiles says that they exist.
macro_rules! exist {
    ($($($part:ident)::+,)*) => {
        #[expect(unused_imports, reason = "that they exist is enough")]
        mod existing {
            $(use oras::$($part)::+ as _;)*
        }

        fn existing() -> BTreeSet<String> {
            [$(stringify!($($part)::+)),*].into_iter().map(|path| path.replace(' ', "")).collect()
        }
    };
}

exist! {
    Error,
    Report,
    auth::AuthError,
    auth::AuthLayer,
    auth::Credential,
    auth::CredentialProvider,
    auth::CredentialStore,
    auth::Scope,
    auth::Scopes,
    auth::StaticCredential,
    auth::TokenCache,
    content::AnyTarget,
    content::Blob,
    content::Deleter,
    content::Fetcher,
    content::GraphTarget,
    content::LimitedStorage,
    content::PredecessorFinder,
    content::Pusher,
    content::ReadOnlyGraphTarget,
    content::ReadOnlyStorage,
    content::ReadOnlyTarget,
    content::Resolver,
    content::Storage,
    content::TagLister,
    content::Tagger,
    content::Target,
    content::Untagger,
    content::fetch_all,
    content::successors,
    copy,
    copy::CopyError,
    copy::CopyHooks,
    copy::CopyOperation,
    copy::CopyOptions,
    copy::CopyOrigin,
    copy::Decision,
    copy::ExtendedCopyOptions,
    copy::NodeRetries,
    copy::ResolveOptions,
    copy::DEFAULT_TAG_CONCURRENCY,
    copy::copy_graph,
    copy::extended_copy,
    copy::extended_copy_graph,
    copy::fetch,
    copy::fetch_bytes,
    copy::plan,
    copy::push_bytes,
    copy::resolve,
    copy::tag,
    copy::tag_bytes,
    copy::tag_bytes_n,
    copy::tag_n,
    credentials::CredentialChain,
    credentials::CredentialError,
    credentials::DockerConfigStore,
    credentials::HelperObserver,
    credentials::HelperStore,
    credentials::MemoryCredentials,
    credentials::SystemCredentials,
    credentials::server_address,
    descriptor::Verifier,
    descriptor::VerifyError,
    descriptor::annotation,
    descriptor::annotation::CONTENT_DIGEST,
    descriptor::annotation::CONTENT_UNPACK,
    file::FileOptions,
    file::FileStore,
    file::NameError,
    file::PackOptions,
    file::check_portable_name,
    files::PullOptions,
    files::Pulled,
    files::PushOptions,
    files::Pushed,
    files::pull,
    files::push,
    layout::BlobDir,
    layout::LayoutArchive,
    layout::LayoutOptions,
    layout::OciLayout,
    layout::ReadOnlyLayout,
    layout::TarBlobs,
    memory::MemoryStore,
    pack::PackError,
    pack::PackManifestOptions,
    pack::PackManifestVersion,
    pack::pack_manifest,
    reference::validate_registry,
    reference::validate_repository,
    reference::validate_tag,
    registry::Server,
    remote::Blobs,
    remote::ErrorCode,
    remote::Manifests,
    remote::Mirror,
    remote::ReferrersCapability,
    remote::Registry,
    remote::RegistryError,
    remote::RegistryOptions,
    remote::Repository,
    remote::ResponseError,
    remote::login,
    remote::logout,
    transport::Attempt,
    transport::HttpClient,
    transport::HttpClientBuilder,
    transport::RetryPolicy,
    transport::Timeouts,
    transport::Warning,
    transport::WarningHandler,
}

/// The paths that a document names: words of code that begin with a module.
fn named(document: &str) -> impl Iterator<Item = &str> {
    let code = document.split('`').skip(1).step_by(2);
    code.filter_map(|code| {
        let is_path = code.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c)) && code.contains("::");
        let is_module = code.starts_with(|c: char| c.is_ascii_lowercase()) && !code.ends_with(":");
        (is_path && is_module).then(|| code.trim_start_matches("oras::"))
    })
}

#[test]
fn every_path_in_the_guides_exists() {
    let existing = existing();
    for (name, document) in GUIDES {
        for path in named(document) {
            assert!(existing.contains(path), "{name} names {path}: add it to the list above, to see whether it exists");
        }
    }
}

#[test]
fn the_list_holds_what_the_guides_name_and_no_more() {
    let named: BTreeSet<&str> = GUIDES.iter().flat_map(|(_, document)| named(document)).collect();
    for path in existing() {
        assert!(named.contains(path.as_str()), "no guide names {path}");
    }
}
