//! Blobs on their way out.

use std::{io::SeekFrom, num::NonZeroUsize, time::Duration};

use futures_util::StreamExt as _;
use http::StatusCode;
use oras_content::{
    Blob, Descriptor, ErrorKind, Fetcher as _, MediaType, Pusher as _, ReadOnlyStorage as _, Resolver as _,
};
use oras_descriptor::{Algorithm, Verifier};
use oras_registry::{Action, Behaviour, DigestHeader, Fault, RangeQuirk, Redirect, RequestKind};
use oras_remote::{Mirror, ParallelRanges, Registry};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::harness::{Lab, blob_of, options};

const LEN: usize = 600_000;

async fn pushed(lab: &Lab) -> (Descriptor, bytes::Bytes) {
    let (desc, bytes) = blob_of(LEN);
    lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    (desc, bytes)
}

async fn read(lab: &Lab, desc: &Descriptor) -> oras_content::Result<bytes::Bytes> {
    lab.repo.fetch(desc).await?.bytes(u64::MAX).await
}

fn broken_after(bytes: u64, times: u64) -> Fault {
    Fault::new(Action::CloseAnswer(bytes)).on(RequestKind::BlobGet).times(times)
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let lab = Lab::new(|behaviour| behaviour.faults.push(broken_after(100_000, 3))).await;
    let (desc, bytes) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap(), bytes);
    let requests = lab.server.requests();
    let ranges = requests.iter().filter(|request| request.kind == RequestKind::BlobGet);
    let ranges: Vec<_> =
        ranges.map(|request| request.headers.get("range").map(|range| range.to_str().unwrap().to_owned())).collect();
    let from = |offset: u64| Some(format!("bytes={offset}-{}", LEN - 1));
    assert_eq!(ranges, [None, from(100_000), from(200_000), from(300_000)]);
}

#[tokio::test]
async fn a_registry_that_ignores_ranges_sends_the_whole_and_the_overlap_is_dropped() {
    let lab = Lab::new(|behaviour| {
        behaviour.blobs.ranges = RangeQuirk::Ignored;
        behaviour.faults.push(broken_after(100_000, 1));
    });
    let lab = lab.await;
    let (desc, bytes) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap(), bytes);
    assert_eq!(lab.registry.capabilities().ranges, Some(false));
}

#[tokio::test]
async fn a_range_that_is_refused_is_asked_for_as_the_whole() {
    let lab = Lab::new(|behaviour| {
        behaviour.blobs.ranges = RangeQuirk::Refused;
        behaviour.faults.push(broken_after(100_000, 1));
    });
    let lab = lab.await;
    let (desc, bytes) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_range_that_starts_elsewhere_is_an_error() {
    let lab = Lab::new(|behaviour| {
        behaviour.blobs.ranges = RangeQuirk::Early;
        behaviour.faults.push(broken_after(100_000, 1));
    });
    let lab = lab.await;
    let (desc, _) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap_err().kind(), ErrorKind::Other);
}

#[tokio::test]
async fn a_range_that_lies_about_its_start_does_not_verify() {
    let lab = Lab::new(|behaviour| {
        behaviour.blobs.ranges = RangeQuirk::EarlyUnsaid;
        behaviour.faults.push(broken_after(100_000, 1));
    });
    let lab = lab.await;
    let (desc, _) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn attempts_without_progress_are_bounded() {
    let lab = Lab::new(|behaviour| {
        behaviour.faults.push(Fault::new(Action::CloseAnswer(0)).on(RequestKind::BlobGet));
    });
    let lab = lab.await;
    let (desc, _) = pushed(&lab).await;
    assert!(read(&lab, &desc).await.is_err());
    let asked = lab.count(RequestKind::BlobGet);
    assert!(asked <= 6, "{asked} requests");
}

#[tokio::test]
async fn an_expired_redirect_is_asked_for_anew() {
    let change = |behaviour: &mut Behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour
            .faults
            .push(Fault::new(Action::Status(StatusCode::FORBIDDEN, None)).on(RequestKind::SecondOrigin).times(1));
    };
    let lab = Lab::with(change, options(), |builder| builder.with_second_origin()).await;
    let (desc, bytes) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap(), bytes);
    assert_eq!((lab.count(RequestKind::BlobGet), lab.count(RequestKind::SecondOrigin)), (2, 2));
}

#[tokio::test]
async fn a_redirect_that_is_always_refused_is_given_up() {
    let change = |behaviour: &mut Behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour.faults.push(Fault::new(Action::Status(StatusCode::FORBIDDEN, None)).on(RequestKind::SecondOrigin));
    };
    let lab = Lab::with(change, options(), |builder| builder.with_second_origin()).await;
    let (desc, _) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(lab.count(RequestKind::BlobGet), 3);
}

#[tokio::test]
async fn only_what_is_missing_is_asked_for_when_a_part_is_there() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = pushed(&lab).await;
    let mut verifier = Verifier::new(&desc).unwrap();
    verifier.update(&bytes[..LEN - 1000]).unwrap();
    let sent = lab.server.counters().bytes_sent();
    let rest = lab.repo.fetch(&desc).await.unwrap().resume(verifier).unwrap().bytes(u64::MAX).await.unwrap();
    assert_eq!(rest, bytes[LEN - 1000..]);
    assert!(lab.server.counters().bytes_sent() - sent < 2000);
}

#[tokio::test]
async fn short_long_and_wrong_bodies_are_corrupt() {
    let truncated = Fault::new(Action::Truncate(1));
    let extended = Fault::new(Action::Extend(1));
    let flipped = Fault::new(Action::FlipByte(LEN as u64 - 1));
    for fault in [truncated, extended, flipped] {
        let action = format!("{fault:?}");
        let lab = Lab::new(|behaviour| behaviour.faults.push(fault.on(RequestKind::BlobGet))).await;
        let (desc, _) = pushed(&lab).await;
        let error = read(&lab, &desc).await.expect_err(&action);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{action}: {error}");
    }
}

#[tokio::test]
async fn a_wrong_digest_header_of_a_blob_is_corrupt_and_one_of_another_algorithm_is_no_matter() {
    for (header, expected) in
        [(DigestHeader::Wrong, Some(ErrorKind::Corrupt)), (DigestHeader::Absent, None), (DigestHeader::Sha512, None)]
    {
        let lab = Lab::new(|_| {}).await;
        let (desc, bytes) = pushed(&lab).await;
        lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.blobs.digest = header));
        match (read(&lab, &desc).await, expected) {
            (Ok(found), None) => assert_eq!(found, bytes),
            (Err(error), Some(kind)) => assert_eq!(error.kind(), kind),
            (result, _) => panic!("{header:?}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn a_blob_by_sha512_whose_header_is_sha256_is_what_was_asked_for() {
    let lab = Lab::new(|behaviour| behaviour.blobs.digest = DigestHeader::Sha256).await;
    let (_, bytes) = blob_of(1000);
    let desc = Descriptor::of_with(Algorithm::Sha512, MediaType::OCTET_STREAM, &bytes);
    lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert!(lab.repo.exists(&desc).await.unwrap());
    assert_eq!(read(&lab, &desc).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_coding_that_is_only_named_is_no_matter() {
    let lab = Lab::new(|behaviour| behaviour.blobs.content_encoding = Some("x-gzip".into())).await;
    let (desc, bytes) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap(), bytes);
}

#[tokio::test]
async fn nothing_is_sent_before_a_blob_is_opened_and_what_is_missing_is_not_found_then() {
    let lab = Lab::new(|_| {}).await;
    let (desc, _) = blob_of(10);
    let mut blob = lab.repo.fetch(&desc).await.unwrap();
    assert_eq!(lab.count(RequestKind::BlobGet), 0);
    let error = blob.start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.find::<oras_remote::ResponseError>().is_some());
}

#[tokio::test]
async fn embedded_data_spares_the_request_and_wrong_data_does_not() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = pushed(&lab).await;
    let right = desc.clone().with_data(bytes.clone());
    assert_eq!(read(&lab, &right).await.unwrap(), bytes);
    assert_eq!(lab.count(RequestKind::BlobGet), 0);
    let wrong = desc.with_data("wrong".into());
    assert_eq!(read(&lab, &wrong).await.unwrap(), bytes);
    assert_eq!(lab.count(RequestKind::BlobGet), 1);
}

#[tokio::test]
async fn a_range_of_a_blob_is_given_and_goes_on_where_it_broke() {
    for quirk in [RangeQuirk::Honoured, RangeQuirk::ClosedOnly, RangeQuirk::Ignored] {
        let lab = Lab::new(|behaviour| {
            behaviour.blobs.ranges = quirk;
            behaviour.faults.push(broken_after(300_000, 1));
        });
        let lab = lab.await;
        let (desc, bytes) = pushed(&lab).await;
        let part = lab.repo.fetch_range(&desc, 100_000..500_000).unwrap();
        assert_eq!((part.len(), part.is_empty()), (400_000, false));
        assert_eq!(part.bytes(u64::MAX).await.unwrap(), bytes[100_000..500_000], "{quirk:?}");
        let empty = lab.repo.fetch_range(&desc, 5..5).unwrap();
        assert_eq!(empty.bytes(0).await.unwrap(), "");
        assert_eq!(lab.repo.fetch_range(&desc, 5..LEN as u64 + 1).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn a_seekable_blob_reads_anywhere_and_keeps_its_connection_for_short_ways() {
    for quirk in [RangeQuirk::Honoured, RangeQuirk::ClosedOnly, RangeQuirk::Ignored] {
        let lab = Lab::new(|behaviour| behaviour.blobs.ranges = quirk).await;
        seek_and_read(&lab).await;
    }
}

async fn seek_and_read(lab: &Lab) {
    let (desc, bytes) = pushed(lab).await;
    let mut blob = lab.repo.open_seekable(&desc);
    let mut buffer = [0; 10];
    for (position, requests) in [(500_000, 1), (500_100, 1), (100, 2), (599_990, 3)] {
        blob.seek(SeekFrom::Start(position)).await.unwrap();
        blob.read_exact(&mut buffer).await.unwrap();
        let at = usize::try_from(position).unwrap();
        assert_eq!(buffer, bytes[at..at + 10], "at {position}");
        assert_eq!(lab.count(RequestKind::BlobGet), requests, "at {position}");
    }
    assert_eq!(blob.seek(SeekFrom::End(5)).await.unwrap(), LEN as u64 + 5);
    assert_eq!(blob.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(blob.seek(SeekFrom::End(0)).await.unwrap(), LEN as u64);
    assert_eq!(blob.read(&mut buffer).await.unwrap(), 0);
    assert!(blob.seek(SeekFrom::Current(-(LEN as i64) - 1)).await.is_err());
    assert_eq!(lab.count(RequestKind::BlobGet), 3);
}

#[tokio::test]
async fn a_seekable_blob_that_is_read_in_order_is_verified() {
    let flipped = Fault::new(Action::FlipByte(LEN as u64 / 2)).on(RequestKind::BlobGet);
    let lab = Lab::new(|behaviour| behaviour.faults.push(flipped)).await;
    let (desc, _) = pushed(&lab).await;
    let mut all = Vec::new();
    let error = lab.repo.open_seekable(&desc).read_to_end(&mut all).await.unwrap_err();
    assert_eq!(oras_content::Error::from(error).kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn parallel_ranges_come_in_order_and_fall_back_to_one_stream() {
    let ranges = ParallelRanges::new(NonZeroUsize::new(4).unwrap()).with_window(50_000);
    for (quirk, requests) in [(RangeQuirk::Honoured, 12), (RangeQuirk::Ignored, 2)] {
        let change = |behaviour: &mut Behaviour| behaviour.blobs.ranges = quirk;
        let lab = Lab::with(change, options().with_parallel_ranges(ranges), |builder| builder).await;
        let (desc, bytes) = pushed(&lab).await;
        assert_eq!(read(&lab, &desc).await.unwrap(), bytes, "{quirk:?}");
        assert_eq!(lab.count(RequestKind::BlobGet), requests, "{quirk:?}");
    }
}

#[tokio::test]
async fn parallel_ranges_are_read_no_further_ahead_than_was_asked_for() {
    let ranges = ParallelRanges::new(NonZeroUsize::new(3).unwrap()).with_window(50_000);
    let lab = Lab::with(|_| {}, options().with_parallel_ranges(ranges), |builder| builder).await;
    let (desc, _) = pushed(&lab).await;
    let mut blob = lab.repo.fetch(&desc).await.unwrap();
    let mut read = 0;
    while read < 120_000 {
        read += blob.next().await.unwrap().unwrap().len();
        // Others come in the time.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let begun = read.div_ceil(50_000) as u64;
        let asked = lab.count(RequestKind::BlobGet);
        assert!(asked <= begun + 3, "{asked} ranges asked for when {read} bytes were read");
    }
    assert!(lab.count(RequestKind::BlobGet) >= 5, "and several at once");
}

#[tokio::test]
async fn a_part_that_is_whole_already_asks_for_nothing() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = pushed(&lab).await;
    let mut verifier = Verifier::new(&desc).unwrap();
    verifier.update(&bytes).unwrap();
    let rest = lab.repo.fetch(&desc).await.unwrap().resume(verifier).unwrap().bytes(u64::MAX).await.unwrap();
    assert_eq!((rest.len(), lab.count(RequestKind::BlobGet)), (0, 0));
}

#[tokio::test]
async fn parallel_ranges_survive_broken_connections() {
    let ranges = ParallelRanges::new(NonZeroUsize::new(3).unwrap()).with_window(50_000);
    let change = |behaviour: &mut Behaviour| behaviour.faults.push(broken_after(20_000, 10));
    let lab = Lab::with(change, options().with_parallel_ranges(ranges), |builder| builder).await;
    let (desc, bytes) = pushed(&lab).await;
    assert_eq!(read(&lab, &desc).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_blob_is_resolved_by_its_digest_alone() {
    for change in [
        (|_| {}) as fn(&mut Behaviour),
        |behaviour| behaviour.blobs.head_without_length = true,
        |behaviour| behaviour.blobs.head_status = Some(StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let lab = Lab::new(|_| {}).await;
        let (desc, _) = pushed(&lab).await;
        lab.server.set_behaviour(Behaviour::with(change));
        let found = lab.repo.blobs().resolve(desc.digest.as_str()).await.unwrap();
        assert_eq!((found.digest, found.size), (desc.digest, desc.size));
        assert_eq!(lab.repo.blobs().resolve("v1").await.unwrap_err().kind(), ErrorKind::InvalidReference);
        let missing = Descriptor::of("a/b", b"missing").digest;
        assert_eq!(lab.repo.blobs().resolve(missing.as_str()).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_signed_url_that_refuses_head_is_asked_for_one_byte() {
    let change = |behaviour: &mut Behaviour| behaviour.blobs.redirect = Redirect::SecondOrigin;
    let lab = Lab::with(change, options(), |builder| builder.with_second_origin()).await;
    let (desc, _) = pushed(&lab).await;
    assert!(lab.repo.exists(&desc).await.unwrap());
}

#[tokio::test]
async fn a_mirror_gives_what_it_has_and_the_registry_the_rest() {
    let origin = Lab::new(|_| {}).await;
    let mirror = Lab::new(|_| {}).await;
    let (desc, bytes) = pushed(&origin).await;
    let (other, other_bytes) = blob_of(1000);
    for lab in [&origin, &mirror] {
        lab.repo.push(&other, Blob::from_bytes(other_bytes.clone())).await.unwrap();
    }
    let options = options().with_mirror(Mirror::new(&mirror.server.host()).unwrap().with_plain_http(true));
    let repo = Registry::new(&origin.server.host(), options).unwrap().repository("acme/rocket").unwrap();
    for (desc, bytes) in [(&desc, &bytes), (&other, &other_bytes)] {
        assert_eq!(repo.fetch(desc).await.unwrap().bytes(u64::MAX).await.unwrap(), *bytes);
    }
    assert_eq!((mirror.count(RequestKind::BlobGet), origin.count(RequestKind::BlobGet)), (2, 1));
    let namespace = format!("?ns={}", origin.server.host());
    assert!(mirror.targets(RequestKind::BlobGet).iter().all(|target| target.ends_with(&namespace)));
    assert!(origin.targets(RequestKind::BlobGet).iter().all(|target| !target.contains("ns=")));
    // What a mirror has says nothing about the registry.
    let (lost, lost_bytes) = blob_of(2000);
    mirror.repo.push(&lost, Blob::from_bytes(lost_bytes)).await.unwrap();
    assert!(!repo.exists(&lost).await.unwrap());
}
