//! Many blobs in and out through a registry on which everything goes wrong at once.
//!
//! The short form runs with the other tests; `ORAS_SOAK=full` in the environment makes it the long one.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use oras_auth::{Credential, StaticCredential};
use oras_content::{Blob, Descriptor, Fetcher as _, MediaType, Pusher as _, Result};
use oras_registry::{Accounts, Action, AuthScheme, Behaviour, Fault, Limits, Permission, Redirect, RequestKind};
use oras_remote::{Registry, Repository};

use super::harness::{Lab, bytes, options};

const MIB: usize = 1 << 20;

/// How many blobs are on their way.
const AT_ONCE: usize = 8;

/// How much goes through.
struct Size {
    blobs: usize,
    /// The smallest and the largest blob.
    len: (usize, usize),
    /// How often each fault strikes.
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

async fn there_and_back(repo: &Repository, block: &Bytes, size: &Size, at: usize) -> Result<()> {
    let len = size.len_of(at);
    let content: Bytes = block.slice(at % 1000..).iter().copied().cycle().take(len).collect();
    let desc = Descriptor::of(MediaType::OCTET_STREAM, &content);
    repo.push(&desc, Blob::from_bytes(content.clone())).await?;
    let mut back = repo.fetch(&desc).await?;
    let mut position = 0;
    while let Some(chunk) = back.next().await.transpose()? {
        assert_eq!(chunk, content[position..position + chunk.len()], "blob {at} at {position}");
        position += chunk.len();
    }
    assert_eq!(position, len, "blob {at}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_arrives_and_the_faults_cost_little() {
    let size = Size::chosen();
    let accounts = Accounts::new().with_user("me", "secret", [Permission::all()]);
    let mut limits = Limits::default();
    limits.token_lifetime = Duration::from_secs(1);
    let faults = faults(&size);
    let struck = faults.len() as u64 * size.times;
    let change = |behaviour: &mut Behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour.faults = faults;
    };
    let lab = Lab::with(change, options(), |builder| {
        builder.with_auth(AuthScheme::Token, accounts).with_limits(limits).with_second_origin()
    });
    let lab = lab.await;
    let me = StaticCredential::new(lab.server.host(), Credential::password("me", "secret"));
    let registry = Registry::new(&lab.server.host(), options().with_credentials(me)).unwrap();
    let repo = registry.repository("soak").unwrap();
    let block = bytes(MIB);
    let begun = Instant::now();
    let work = stream::iter(0..size.blobs).map(|at| there_and_back(&repo, &block, &size, at));
    work.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await.unwrap();
    // HEAD, POST, PUT; GET, and GET at the second origin.
    let minimum = 5 * size.blobs as u64;
    // Each token lasts a second, and a request may come just when it ends.
    let tokens = lab.count(RequestKind::Token);
    let seconds = begun.elapsed().as_secs() + 1;
    assert!(tokens <= 3 * seconds + 2, "{tokens} tokens in {seconds} seconds");
    let total = lab.server.counters().total() - tokens;
    // The first requests of all are refused at once, and one that comes just when a token ends.
    let allowed = minimum + struck * 3 / 2 + AT_ONCE as u64 + tokens;
    assert!(total <= allowed, "{total} requests, at least {minimum} needed, {struck} faults");
    let seen = lab.server.requests().into_iter().filter(|request| request.kind == RequestKind::SecondOrigin);
    assert!(seen.into_iter().all(|request| !request.headers.contains_key("authorization")));
}
