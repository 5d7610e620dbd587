//! Whatever a registry answers, no call panics, hangs or reads without bound.

use std::{
    io::SeekFrom,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::{HeaderName, HeaderValue};
use oras_content::{
    Blob, BoxFuture, Deleter as _, Descriptor, Error, Fetcher as _, Location, MediaType, PredecessorFinder as _,
    Pusher as _, ReadOnlyStorage as _, ReadOnlyTarget as _, Resolver as _, Result, TagLister as _, Tagger as _,
    Target as _, Untagger as _,
};
use oras_descriptor::Algorithm;
use oras_remote::{Mirror, ParallelRanges, Registry, RegistryOptions, Repository, UploadStrategy};
use oras_transport::{HttpClient, Request, Response, ResponseBody};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tower_service::Service;

use crate::support::{INDEX, MANIFEST, blob, manifest};

/// One answer: status, headers, body.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// Gives its answers in turn, over and over.
#[derive(Clone)]
struct Anything {
    answers: Arc<Vec<Answer>>,
    requests: Arc<AtomicU64>,
}

impl Service<Request> for Anything {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let at = self.requests.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(at).unwrap() % self.answers.len();
        let answer = self.answers.get(at).cloned().unwrap();
        Box::pin(async move {
            drop(request);
            let mut response = http::Response::new(ResponseBody::from_bytes(answer.body.into()));
            *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap();
            for (name, value) in answer.headers {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().append(HeaderName::from_static(name), value);
                }
            }
            Ok(response)
        })
    }
}

fn header() -> impl Strategy<Value = (&'static str, String)> {
    let digest = manifest().0.digest.to_string();
    let size = manifest().0.size.to_string();
    let value = |name: &'static str, values: &[&str]| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        (Just(name), prop_oneof![3 => prop::sample::select(values), 1 => "[ -~]{0,20}"])
    };
    prop_oneof![
        value("content-type", &[MANIFEST, INDEX, "application/json", "text/html"]),
        value("content-length", &[&size, "10", "0", "18446744073709551615"]),
        value("content-range", &["bytes 0-9/10", "bytes 4-9/10", "bytes */10", "bytes 0-18446744073709551615/*"]),
        value("range", &["0-0", "0-3", "0-9", "0-18446744073709551614", "bytes=0-1"]),
        value("location", &["/u", "?x", "https://registry.example/u", "https://evil.example/"]),
        value("docker-content-digest", &[&digest, "sha256:00"]),
        value("link", &["</v2/app/tags/list?x>; rel=next", "<?y>", "<https://evil.example/>; rel=next"]),
        value("oci-chunk-min-length", &["0", "5", "18446744073709551615"]),
        value("oci-subject", &[&digest]),
        value("oci-tag", &["v1", "v1,v2", ","]),
        value("oci-filters-applied", &["artifactType"]),
        value("oci-namespace", &["registry.example", "other.example"]),
        value("retry-after", &["0", "100000"]),
        value("www-authenticate", &["Basic realm=x", "Bearer realm=\"https://registry.example/token\""]),
        value("etag", &["\"1\""]),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let statuses = [200u16, 201, 202, 204, 206, 400, 401, 403, 404, 405, 412, 413, 414, 416, 429, 500, 503];
    let bodies = [
        String::from_utf8(manifest().1.to_vec()).unwrap(),
        "0123456789".into(),
        r#"{"tags":["a","b"],"repositories":["a"],"manifests":[]}"#.into(),
        r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#.into(),
        "<html>".into(),
    ];
    let body = prop_oneof![4 => prop::sample::select(bodies.to_vec()), 1 => "\\PC{0,40}"];
    (prop::sample::select(statuses.to_vec()), prop::collection::vec(header(), 0..6), body)
        .prop_map(|(status, headers, body)| Answer { status, headers, body })
}

/// Every public call that sends a request; what comes of it is no matter here.
async fn call_everything(registry: &Registry, repo: &Repository) {
    let (desc, bytes) = manifest();
    let (blob_desc, blob_bytes) = blob("0123456789");
    let content = || Blob::from_bytes(blob_bytes.clone());
    let _ = registry.ping().await;
    let _ = registry.repositories(None).try_collect::<Vec<_>>().await;
    let _ = registry.extensions().await;
    let _ = repo.tags(None).try_collect::<Vec<_>>().await;
    let _ = repo.resolve("v1").await;
    let _ = repo.resolve(desc.digest.as_str()).await;
    let _ = repo.exists(&desc).await;
    let _ = repo.exists(&blob_desc).await;
    let _ = repo.fetch_reference("v1").await;
    let _ = repo.fetch_reference(desc.digest.as_str()).await;
    let _ = repo.blobs().resolve(blob_desc.digest.as_str()).await;
    for desc in [&desc, &blob_desc] {
        if let Ok(blob) = repo.fetch(desc).await {
            let _ = blob.bytes(1 << 20).await;
        }
    }
    read_in_parts(repo, &blob_desc).await;
    upload_by_hand(repo, &blob_bytes, &blob_desc).await;
    for strategy in [UploadStrategy::PostPut, UploadStrategy::Post, UploadStrategy::Chunked(4), UploadStrategy::Stream]
    {
        let _ = repo.upload(&blob_desc, content()).with_strategy(strategy).send().await;
    }
    let _ = repo.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, content()).await;
    let _ = repo.mount(&blob_desc, &[Location::new("registry.example", "other")], content()).await;
    let _ = repo.push_reference(&desc, Blob::from_bytes(bytes.clone()), "v1").await;
    let _ = repo.push_deferred(&desc, Blob::from_bytes(bytes.clone())).await;
    let _ = repo.flush().await;
    let referrer = Bytes::from(format!(
        r#"{{"config":{{"digest":"{0}","size":2}},"subject":{{"digest":"{0}","size":2}}}}"#,
        desc.digest
    ));
    let _ = repo.push(&Descriptor::of(MediaType::OCI_MANIFEST, &referrer), Blob::from_bytes(referrer)).await;
    let _ = repo.tag(&desc, "v1").await;
    let _ = repo.tag_many(&desc, &["v1", "v2", "v3"]).await;
    let _ = repo.referrers(&desc, Some(&"a/b".into())).await;
    let _ = repo.predecessors(&desc).await;
    let _ = repo.referrers_stream(&desc, None).try_collect::<Vec<_>>().await;
    through_views(repo).await;
    let _ = repo.untag("v1").await;
    let _ = repo.delete(&desc).await;
    let _ = repo.delete(&blob_desc).await;
    let _ = repo.delete_referrers_index(&desc).await;
}

async fn read_in_parts(repo: &Repository, desc: &Descriptor) {
    let _ = repo.fetch_range(desc, 4..8).unwrap().bytes(100).await;
    let _ = repo.fetch_range(desc, 2..4).unwrap().into_reader().read_to_end(&mut Vec::new()).await;
    let mut elsewhere = desc.clone();
    elsewhere.urls.push("https://elsewhere.example/blob".to_owned());
    if let Ok(blob) = repo.fetch(&elsewhere).await {
        let _ = blob.bytes(100).await;
    }
    let mut seekable = repo.open_seekable(desc);
    let mut two = [0; 2];
    for to in [SeekFrom::Start(0), SeekFrom::End(-2), SeekFrom::Start(3), SeekFrom::Current(1)] {
        if seekable.seek(to).await.is_ok() {
            let _ = seekable.read(&mut two).await;
        }
    }
    let _ = repo.open_seekable(desc).read_to_end(&mut Vec::new()).await;
}

async fn upload_by_hand(repo: &Repository, bytes: &Bytes, desc: &Descriptor) {
    if let Ok(mut session) = repo.start_upload(Algorithm::Sha256).await {
        let _ = session.append(bytes.slice(..4)).await;
        let _ = session.synchronize().await;
        let state = session.state();
        session.cancel().await;
        let upload = repo.upload(desc, Blob::from_bytes(bytes.clone())).with_state(state.clone());
        let _ = upload.on_checkpoint(|_| ()).send().await;
        if let Ok(mut session) = repo.resume_upload(&state).await {
            let _ = session.append(bytes.clone()).await;
            let _ = session.finish(&desc.digest).await;
        }
    }
}

async fn through_views(repo: &Repository) {
    let ((desc, bytes), (blob_desc, blob_bytes)) = (manifest(), blob("0123456789"));
    let (manifests, blobs) = (repo.manifests(), repo.blobs());
    let _ = manifests.exists(&desc).await;
    let _ = manifests.resolve("v1").await;
    let _ = manifests.fetch_reference("v1").await;
    if let Ok(blob) = manifests.fetch(&desc).await {
        let _ = blob.bytes(1 << 20).await;
    }
    let _ = manifests.push(&desc, Blob::from_bytes(bytes)).await;
    let _ = manifests.delete(&desc).await;
    let _ = blobs.exists(&blob_desc).await;
    let _ = blobs.fetch_reference(blob_desc.digest.as_str()).await;
    if let Ok(blob) = blobs.fetch(&blob_desc).await {
        let _ = blob.bytes(1 << 20).await;
    }
    let _ = blobs.push(&blob_desc, Blob::from_bytes(blob_bytes)).await;
    let _ = blobs.delete(&blob_desc).await;
}

/// The ways to read that a caller must ask for.
fn ways() -> Vec<RegistryOptions> {
    let ranges = ParallelRanges::new(NonZeroUsize::new(2).unwrap()).with_window(3);
    let mirror = Mirror::new("mirror.example").unwrap();
    vec![
        RegistryOptions::new(),
        RegistryOptions::new().with_parallel_ranges(ranges).with_foreign_urls(true).with_automatic_mount(true),
        RegistryOptions::new().with_mirror(mirror).keep_old_indexes(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_answer_panics_or_hangs_any_call(
        answers in prop::collection::vec(answer(), 1..8),
        options in prop::sample::select(ways()),
    ) {
        let requests = Arc::<AtomicU64>::default();
        let service = Anything { answers: Arc::new(answers), requests: Arc::clone(&requests) };
        let client = HttpClient::from_service(service);
        let options = options
            .with_transport(client.clone())
            .with_client(client)
            .with_max_pages(NonZeroUsize::new(5).unwrap());
        let registry = Registry::new("registry.example", options).unwrap();
        let repo = registry.repository("app").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let limit = std::time::Duration::from_secs(24 * 3600);
        let ended = runtime.block_on(async { tokio::time::timeout(limit, call_everything(&registry, &repo)).await });
        prop_assert!(ended.is_ok());
        let requests = requests.load(Ordering::Relaxed);
        prop_assert!(requests < 6000, "{requests} requests");
    }
}
