//! Many blobs in and out through a registry on which everything goes wrong at once.
//!
//! The short form runs with the other tests; `ORAS_SOAK=full` in the environment makes it the long one. The client is this
//! program again, as a process of its own: its memory is measured, the registry's is not.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use oras_auth::{Credential, StaticCredential};
use oras_content::{
    Blob, BlobSource, BoxFuture, ByteStream, Deleter as _, Descriptor, Fetcher as _, MediaType, Pusher as _, Result,
};
use oras_descriptor::Algorithm;
use oras_registry::{
    Accounts, Action, AuthScheme, Behaviour, Fault, Limits, Permission, Redirect, RequestKind, RequestRecord,
};
use oras_remote::{Registry, Repository};

use super::harness::{Lab, bytes, options, peak_rss};

const MIB: usize = 1 << 20;

/// How many blobs are on their way.
const AT_ONCE: usize = 8;

/// What the client may take in all: an unoptimised program of all these tests, and a window for each blob on its way.
const MAX_RSS: u64 = 96 << 20;

/// More than ever come.
const RECORDED: usize = 100_000;

/// Where the client finds the registry; set, this process is the client.
const HOST: &str = "ORAS_SOAK_HOST";

/// How much goes through.
struct Size {
    blobs: usize,
    /// The smallest and the largest blob.
    len: (usize, usize),
    /// How often each fault strikes at most.
    times: u64,
}

impl Size {
    fn chosen() -> Self {
        match std::env::var("ORAS_SOAK").as_deref() {
            Ok("full") => Self { blobs: 500, len: (MIB, 64 * MIB), times: 100 },
            _ => Self { blobs: 60, len: (MIB / 16, 2 * MIB), times: 8 },
        }
    }

    fn len_of(&self, at: usize) -> usize {
        let (min, max) = self.len;
        min + (max - min) * (at * 7 % self.blobs) / self.blobs
    }
}

/// Faults of each kind, struck by chance at places all over a transfer.
fn faults(size: &Size) -> Vec<Fault> {
    let reset = size.len.1 as u64 / 3;
    let refused = || Action::Status(StatusCode::TOO_MANY_REQUESTS, Some("0".into()));
    let faults = [
        Fault::new(Action::ResetRequest(reset)).on(RequestKind::UploadFinish),
        Fault::new(Action::ResetRequest(0)).on(RequestKind::UploadFinish),
        Fault::new(Action::LoseAnswer).on(RequestKind::UploadStart),
        Fault::new(Action::CloseAnswer(reset)).on(RequestKind::SecondOrigin),
        Fault::new(Action::ResetAnswer(1000)).on(RequestKind::SecondOrigin),
        Fault::new(refused()).on(RequestKind::BlobGet).on(RequestKind::BlobHead),
        Fault::new(refused()).on(RequestKind::UploadStart).on(RequestKind::UploadFinish),
        Fault::new(Action::Status(StatusCode::BAD_GATEWAY, None)).on(RequestKind::BlobGet),
        Fault::new(Action::Status(StatusCode::SERVICE_UNAVAILABLE, None)).on(RequestKind::BlobHead),
        Fault::new(Action::LoseAnswer).on(RequestKind::BlobHead),
    ];
    faults.map(|fault| fault.with_chance(0.2).times(size.times)).to_vec()
}

/// A blob that is made while it is read: a block over and over, from a place of its own.
struct Made {
    block: Bytes,
    phase: usize,
    len: usize,
}

impl Made {
    /// The bytes at an offset, to the end of the block.
    fn at(&self, offset: usize) -> Bytes {
        let from = (self.phase + offset) % self.block.len();
        let len = (self.len - offset).min(self.block.len() - from).min(MIB / 16);
        self.block.slice(from..from + len)
    }

    fn desc(&self) -> Descriptor {
        let mut hasher = Algorithm::Sha256.hasher();
        let mut offset = 0;
        while offset < self.len {
            let chunk = self.at(offset);
            hasher.update(&chunk);
            offset += chunk.len();
        }
        Descriptor::new(MediaType::OCTET_STREAM, hasher.finish(), self.len as u64)
    }
}

impl BlobSource for Made {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        let made = Self { block: self.block.clone(), phase: self.phase, len: self.len };
        let chunks = stream::unfold(usize::try_from(offset).unwrap(), move |offset| {
            let chunk = (offset < made.len).then(|| made.at(offset));
            std::future::ready(chunk.map(|chunk| (Ok(chunk.clone()), offset + chunk.len())))
        });
        Box::pin(std::future::ready(Ok(chunks.boxed())))
    }
}

async fn there_and_back(repo: &Repository, made: Made, at: usize) -> Result<()> {
    let (desc, made) = (made.desc(), Arc::new(made));
    let source: Arc<dyn BlobSource> = Arc::clone(&made) as _;
    repo.push(&desc, Blob::from_source(Some(desc.size), source)).await?;
    let mut back = repo.fetch(&desc).await?;
    let mut position = 0;
    while let Some(mut chunk) = back.next().await.transpose()? {
        while !chunk.is_empty() {
            let mut expected = made.at(position);
            expected.truncate(chunk.len());
            assert_eq!(chunk.split_to(expected.len()), expected, "blob {at} at {position}");
            position += expected.len();
        }
    }
    assert_eq!(position, made.len, "blob {at}");
    // The disk of the registry need not hold all of it.
    repo.delete(&desc).await
}

/// All blobs there and back, and the memory that it took.
#[expect(clippy::print_stdout, reason = "the other process reads it")]
async fn be_the_client(host: &str) {
    let size = Size::chosen();
    let me = StaticCredential::new(host, Credential::password("me", "secret"));
    let registry = Registry::new(host, options().with_credentials(me)).unwrap();
    let repo = registry.repository("soak").unwrap();
    let block = bytes(MIB + 4097);
    let work = stream::iter(0..size.blobs).map(|at| {
        let made = Made { block: block.clone(), phase: at * 997 % block.len(), len: size.len_of(at) };
        there_and_back(&repo, made, at)
    });
    work.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await.unwrap();
    println!("peak {}", peak_rss().unwrap_or_default());
}

/// Runs the client, and gives the most memory that it had, in bytes.
async fn run_the_client(lab: &Lab) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "remote::soak::every_byte_arrives_and_the_faults_cost_little", "--nocapture"]);
    child.env(HOST, lab.server.host());
    let ended = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{text}{}", String::from_utf8_lossy(&ended.stderr));
    let peak = text.lines().find_map(|line| line.split_once("peak ")?.1.trim().parse().ok());
    peak.unwrap()
}

/// Whether a fault shows in how the request was answered: one of the list, or a token that has just ended.
fn is_struck(request: &RequestRecord) -> bool {
    let refused = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
    request.status.is_none_or(|status| refused.contains(&status) || status.is_server_error())
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "figures for who measures")]
async fn every_byte_arrives_and_the_faults_cost_little() {
    if let Ok(host) = std::env::var(HOST) {
        return be_the_client(&host).await;
    }
    let size = Size::chosen();
    let accounts = Accounts::new().with_user("me", "secret", [Permission::all()]);
    let mut limits = Limits::default();
    limits.token_lifetime = Duration::from_secs(1);
    let change = |behaviour: &mut Behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour.faults = faults(&size);
    };
    let root = tempfile::tempdir().unwrap();
    let lab = Lab::with(change, options(), |builder| {
        let builder = builder.with_auth(AuthScheme::Token, accounts).with_limits(limits).with_second_origin();
        builder.with_root(root.path()).with_sync(false).with_recorded_requests(RECORDED)
    });
    let lab = lab.await;
    let begun = Instant::now();
    let peak = run_the_client(&lab).await;
    let seconds = begun.elapsed().as_secs() + 1;
    // HEAD, POST, PUT; GET, and GET at the second origin; DELETE.
    let minimum = 6 * size.blobs as u64;
    // Each token lasts a second, and a request may come just when it ends.
    let tokens = lab.count(RequestKind::Token);
    assert!(tokens <= 3 * seconds + 2, "{tokens} tokens in {seconds} seconds");
    let total = lab.server.counters().total() - tokens;
    let requests = lab.server.requests();
    assert!(requests.len() < RECORDED);
    // Those that break off an answer in its body do not show in its status.
    let struck = requests.iter().filter(|request| is_struck(request)).count() as u64 + 2 * size.times;
    let allowed = minimum + struck * 3 / 2;
    println!(
        "figures: {} blobs in {seconds} s, {total} requests, {minimum} at least, {struck} faults, {allowed} allowed, \
         {tokens} tokens, client peak {} MiB",
        size.blobs,
        peak >> 20
    );
    assert!(total <= allowed, "{total} requests, at least {minimum} needed, {struck} faults");
    assert!(peak <= MAX_RSS, "{} MiB", peak >> 20);
    let mut elsewhere = requests.iter().filter(|request| request.kind == RequestKind::SecondOrigin).peekable();
    assert!(elsewhere.peek().is_some());
    assert!(elsewhere.all(|request| !request.headers.contains_key("authorization")));
}
