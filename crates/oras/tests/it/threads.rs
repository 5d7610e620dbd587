//! What may cross threads does.

macro_rules! are {
    ($test:ident: $($bound:ident)+: $($type:ty,)*) => {
        /// That this compiles is the test.
        #[test]
        fn $test() {
            const fn is<T: $($bound +)+>() {}
            $(const { is::<$type>() };)*
        }
    };
}

// Options, handles, stores, documents, errors.
are! {
    everything_but_streams_is_shared_between_threads: Send Sync:
    oras::auth::AuthError, oras::auth::Anonymous, oras::auth::AuthLayer, oras::auth::AuthLayerBuilder,
    oras::auth::AuthService, oras::auth::Challenge, oras::auth::Credential, oras::auth::Scope, oras::auth::Refused, oras::auth::Scopes,
    oras::auth::StaticCredential, oras::auth::TokenCache,
    oras::content::fs::FileSource, oras::content::fs::Stamp, oras::content::Sum, oras::content::ErrorKind, oras::content::MountOutcome,
    oras::content::AnyReadOnlyTarget, oras::content::AnyTarget, oras::content::Error,
    oras::content::LimitedStorage<oras::memory::MemoryStore>, oras::content::Location,
    oras::copy::CopyEvent<'static>, oras::copy::CopyOperation, oras::copy::CopyOrigin, oras::copy::Decision,
    oras::copy::IndexShape, oras::copy::PlannedAction, oras::copy::PlannedVerb, oras::copy::CachedFetcher<'static>,
    oras::copy::CopyError, oras::copy::CopyOptions, oras::copy::ExtendedCopyOptions, oras::copy::NodeRetries,
    oras::copy::Plan, oras::copy::PlannedAccess, oras::copy::PlannedNode, oras::copy::ResolveOptions,
    oras::credentials::CredentialError, oras::credentials::CredentialChain, oras::credentials::DockerConfigStore,
    oras::credentials::Explanation, oras::credentials::HelperStore, oras::credentials::MemoryCredentials,
    oras::credentials::SystemCredentials,
    oras::descriptor::Algorithm, oras::descriptor::DigestError, oras::descriptor::DocumentError,
    oras::descriptor::VerifyError, oras::descriptor::ArtifactManifest, oras::descriptor::Descriptor,
    oras::descriptor::Digest, oras::descriptor::EmbeddedDataError, oras::descriptor::Hasher, oras::descriptor::Index,
    oras::descriptor::IndexEdit, oras::descriptor::Links, oras::descriptor::Manifest, oras::descriptor::MediaType,
    oras::descriptor::MediaTypeError, oras::descriptor::Platform, oras::descriptor::Verifier,
    oras::file::Compression, oras::file::Duplicates, oras::file::LinkPolicy, oras::file::NameError,
    oras::file::PackTimes, oras::file::PrivilegedBits, oras::file::SpecialFiles, oras::file::FileOptions,
    oras::file::FileStore, oras::file::PackOptions, oras::file::UnpackPolicy,
    oras::layout::ArchiveCompression, oras::layout::BlobDir, oras::layout::FsckReport, oras::layout::GcReport,
    oras::layout::LayoutArchive, oras::layout::LayoutOptions, oras::layout::OciLayout, oras::layout::ReadOnlyLayout,
    oras::layout::TarBlobs,
    oras::memory::MemoryStore, oras::memory::PredecessorGraph, oras::memory::TagIndex,
    oras::pack::PackError, oras::pack::PackManifestVersion, oras::pack::PackManifestOptions,
    oras::reference::ReferenceError, oras::reference::Reference,
    oras::registry::Action, oras::registry::AuthScheme, oras::registry::ChallengeScope, oras::registry::DigestHeader,
    oras::registry::EmptyRange, oras::registry::LocationStyle, oras::registry::RangeQuirk,
    oras::registry::ReachedRange, oras::registry::Redirect, oras::registry::ReferrersQuirk,
    oras::registry::RequestKind, oras::registry::TokenFields, oras::registry::Accounts, oras::registry::Behaviour,
    oras::registry::BlobQuirks, oras::registry::Builder, oras::registry::Clock, oras::registry::Counters,
    oras::registry::Fault, oras::registry::Limits, oras::registry::ListQuirks, oras::registry::ManifestQuirks,
    oras::registry::Permission, oras::registry::RegistryService, oras::registry::RequestRecord,
    oras::registry::Server, oras::registry::TokenQuirks, oras::registry::UploadQuirks,
    oras::remote::ErrorCode, oras::remote::ReferrersCapability, oras::remote::UploadStrategy, oras::remote::Blobs,
    oras::remote::Capabilities, oras::remote::Manifests, oras::remote::Mirror, oras::remote::ParallelRanges,
    oras::remote::Registry, oras::remote::RegistryError, oras::remote::RegistryOptions, oras::remote::Repository,
    oras::remote::ResponseError, oras::remote::UploadSession, oras::remote::UploadState,
    oras::files::SkipReason, oras::files::File, oras::files::PullOptions, oras::files::Pulled,
    oras::files::PulledFile, oras::files::PushOptions, oras::files::Pushed, oras::files::SkippedContent,
    oras::transport::Attempt<'static>, oras::transport::Authorizer, oras::transport::FinalUri,
    oras::transport::HostLimits, oras::transport::HttpClient, oras::transport::HttpClientBuilder,
    oras::transport::Link, oras::transport::Origin, oras::transport::RateLimit, oras::transport::RequestOptions,
    oras::transport::Retries, oras::transport::RetryPolicy, oras::transport::Timeouts, oras::transport::Warning,
}

// A stream has one reader at a time.
are! {
    streams_move_between_threads: Send:
    oras::content::Blob, oras::content::BlobReader, oras::content::RawStream,
    oras::registry::Body,
    oras::remote::BlobPart, oras::remote::SeekableBlob, oras::remote::Upload<'static>,
    oras::transport::HttpBody, oras::transport::ResponseBody,
}
