//! Blobs on their way in.

use futures_util::stream;
use http::StatusCode;
use oras_content::{Blob, Descriptor, Error, ErrorKind, MediaType, Pusher as _, ReadOnlyStorage as _};
use oras_descriptor::Algorithm;
use oras_registry::{Action, Behaviour, EmptyRange, Fault, LocationStyle, ReachedRange, RequestKind};
use oras_remote::UploadStrategy;
use oras_testing::FaultySource;

use super::harness::{Lab, blob_of, is_there, options};

const LEN: usize = 1_000_000;
const CHUNK: u64 = 200_000;

async fn push_in_chunks(lab: &Lab) -> oras_content::Result<()> {
    let (desc, bytes) = blob_of(LEN);
    let upload = lab.repo.upload(&desc, Blob::from_bytes(bytes.clone()));
    upload.with_strategy(UploadStrategy::Chunked(CHUNK)).send().await?;
    is_there(lab, &desc, &bytes).await;
    Ok(())
}

#[tokio::test]
async fn a_blob_goes_in_by_two_requests_after_one_question() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    let kinds: Vec<_> = lab.server.requests().iter().map(|request| request.kind).collect();
    assert_eq!(kinds, [RequestKind::BlobHead, RequestKind::UploadStart, RequestKind::UploadFinish]);
    let put = &lab.server.requests()[2];
    assert_eq!(put.headers["content-length"], LEN.to_string());
    assert_eq!(put.headers["content-type"], "application/octet-stream");
    assert_eq!(lab.server.requests()[1].headers["content-length"], "0");
    is_there(&lab, &desc, &bytes).await;
}

#[tokio::test]
async fn a_push_behind_an_existence_check_does_not_ask_again() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    assert!(!lab.repo.exists(&desc).await.unwrap());
    lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert_eq!(lab.count(RequestKind::BlobHead), 1);
    let error = lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn every_form_of_location_leads_to_the_session() {
    for style in [
        LocationStyle::Relative,
        LocationStyle::Absolute,
        LocationStyle::Rotating,
        LocationStyle::QueryOnly,
        LocationStyle::OutsideV2,
    ] {
        let lab = Lab::new(|behaviour| behaviour.uploads.location = style).await;
        let (desc, bytes) = blob_of(1000);
        lab.repo
            .push(&desc, Blob::from_bytes(bytes.clone()))
            .await
            .unwrap_or_else(|error| panic!("{style:?}: {error}"));
        is_there(&lab, &desc, &bytes).await;
        push_in_chunks(&lab).await.unwrap_or_else(|error| panic!("{style:?}: {error}"));
    }
}

#[tokio::test]
async fn a_broken_put_is_sent_again_and_lands() {
    for action in [Action::ResetRequest(500_000), Action::Status(StatusCode::SERVICE_UNAVAILABLE, Some("0".into()))] {
        let name = format!("{action:?}");
        let fault = Fault::new(action).on(RequestKind::UploadFinish).times(1);
        let lab = Lab::new(|behaviour| behaviour.faults.push(fault)).await;
        let (desc, bytes) = blob_of(LEN);
        lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        is_there(&lab, &desc, &bytes).await;
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_last_request_is_no_failure() {
    for strategy in [UploadStrategy::PostPut, UploadStrategy::Chunked(CHUNK)] {
        let fault = Fault::new(Action::LoseAnswer).on(RequestKind::UploadFinish).times(1);
        let lab =
            Lab::with(|behaviour| behaviour.faults.push(fault), options().with_upload_strategy(strategy), |b| b).await;
        let (desc, bytes) = blob_of(LEN);
        lab.repo
            .push(&desc, Blob::from_bytes(bytes.clone()))
            .await
            .unwrap_or_else(|error| panic!("{strategy:?}: {error}"));
        is_there(&lab, &desc, &bytes).await;
        assert!(lab.count(RequestKind::UploadStart) <= 2);
    }
}

#[tokio::test]
async fn a_blob_read_once_is_sent_once_and_says_so() {
    let fault = Fault::new(Action::ResetRequest(500_000)).on(RequestKind::UploadFinish);
    let lab = Lab::new(|behaviour| behaviour.faults.push(fault)).await;
    let (desc, bytes) = blob_of(LEN);
    let once = Blob::from_stream(Some(desc.size), stream::iter([Ok(bytes)]));
    assert!(lab.repo.push(&desc, once).await.is_err());
    assert_eq!(lab.count(RequestKind::UploadFinish), 1);
}

#[tokio::test]
async fn a_session_is_cancelled_when_its_source_fails() {
    for strategy in [UploadStrategy::PostPut, UploadStrategy::Chunked(CHUNK), UploadStrategy::Stream] {
        let lab = Lab::with(|_| {}, options().with_upload_strategy(strategy), |builder| builder).await;
        let (desc, bytes) = blob_of(LEN);
        let source = FaultySource::builder(bytes).fail_at(600_000, Error::new(ErrorKind::Denied, "no more")).build();
        let error = lab.repo.push(&desc, source.blob(&desc)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Denied, true), "{strategy:?}: {error}");
        assert_eq!((lab.count(RequestKind::UploadCancel), lab.server.open_sessions()), (1, 0), "{strategy:?}");
    }
}

#[tokio::test]
async fn a_source_that_is_not_there_opens_no_session() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    let refused = Error::new(ErrorKind::NotFound, "nothing there");
    let source = FaultySource::builder(bytes).refuse_open(refused).build();
    assert_eq!(lab.repo.push(&desc, source.blob(&desc)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(lab.count(RequestKind::UploadStart), 0);
}

#[tokio::test]
async fn chunks_go_one_behind_the_other_and_the_session_is_closed_with_the_digest_of_the_whole() {
    let lab = Lab::new(|_| {}).await;
    push_in_chunks(&lab).await.unwrap();
    let requests = lab.server.requests();
    let chunks: Vec<_> = requests.iter().filter(|request| request.kind == RequestKind::UploadChunk).collect();
    let ranges: Vec<_> = chunks.iter().map(|chunk| chunk.headers["content-range"].to_str().unwrap()).collect();
    assert_eq!(ranges, ["0-199999", "200000-399999", "400000-599999", "600000-799999", "800000-999999"]);
    assert!(chunks.iter().all(|chunk| chunk.headers["content-length"] == "200000"));
    let close = requests.iter().find(|request| request.kind == RequestKind::UploadFinish).unwrap();
    assert_eq!(close.headers["content-length"], "0");
}

#[tokio::test]
async fn whatever_a_registry_says_about_its_progress_chunks_arrive() {
    for empty in [EmptyRange::Zero, EmptyRange::MinusOne, EmptyRange::Absent] {
        for range in [
            ReachedRange::Right,
            ReachedRange::Stuck,
            ReachedRange::OffByOne,
            ReachedRange::WithUnit,
            ReachedRange::OfChunk,
            ReachedRange::Absent,
        ] {
            let lab = Lab::new(|behaviour| {
                behaviour.uploads.empty_range = empty;
                behaviour.uploads.range = range;
            });
            let lab = lab.await;
            push_in_chunks(&lab).await.unwrap_or_else(|error| panic!("{empty:?} {range:?}: {error}"));
            assert_eq!(lab.count(RequestKind::UploadChunk), 5, "{empty:?} {range:?}");
        }
    }
}

#[tokio::test]
async fn a_broken_chunk_is_sent_again_and_not_the_blob() {
    for (action, resent) in [(Action::ResetRequest(100_000), 200_000), (Action::LoseAnswer, 0)] {
        let name = format!("{action:?}");
        let fault = Fault::new(action).on(RequestKind::UploadChunk).after(2).times(1);
        let lab = Lab::new(|behaviour| behaviour.faults.push(fault)).await;
        push_in_chunks(&lab).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(lab.count(RequestKind::UploadStart), 1, "{name}");
        let received = lab.server.counters().bytes_received();
        assert!(received <= LEN as u64 + resent + 50_000, "{name}: {received} bytes");
    }
}

#[tokio::test]
async fn a_session_that_is_forgotten_is_followed_by_a_new_one() {
    let gone = Fault::new(Action::Status(StatusCode::NOT_FOUND, None)).on(RequestKind::UploadChunk).after(2).times(1);
    let status = Fault::new(Action::Status(StatusCode::NOT_FOUND, None)).on(RequestKind::UploadStatus);
    let lab = Lab::new(|behaviour| behaviour.faults.extend([gone, status])).await;
    push_in_chunks(&lab).await.unwrap();
    assert_eq!(lab.count(RequestKind::UploadStart), 2);
}

#[tokio::test]
async fn a_registry_that_does_not_say_where_a_session_stands_gets_a_new_one() {
    let broken = Fault::new(Action::ResetRequest(100_000)).on(RequestKind::UploadChunk).after(2).times(1);
    let lab = Lab::new(|behaviour| {
        behaviour.faults.push(broken);
        behaviour.uploads.status_status = Some(StatusCode::NOT_FOUND);
    });
    let lab = lab.await;
    push_in_chunks(&lab).await.unwrap();
    assert_eq!(lab.count(RequestKind::UploadStart), 2);
}

#[tokio::test]
async fn a_chunk_that_is_too_large_is_cut_and_the_size_remembered() {
    let lab = Lab::new(|behaviour| behaviour.uploads.max_chunk = Some(120_000)).await;
    push_in_chunks(&lab).await.unwrap();
    assert_eq!(lab.count(RequestKind::UploadStart), 1);
    let max = lab.registry.capabilities().max_chunk.unwrap();
    assert!(max <= 120_000, "{max}");
    let (desc, bytes) = blob_of(300_000);
    let before = lab.count(RequestKind::UploadChunk);
    let upload = lab.repo.upload(&desc, Blob::from_bytes(bytes));
    upload.with_strategy(UploadStrategy::Chunked(CHUNK)).send().await.unwrap();
    assert_eq!(lab.count(RequestKind::UploadChunk) - before, 3);
}

#[tokio::test]
async fn the_smallest_chunk_that_a_registry_wants_is_kept() {
    let mut limits = oras_registry::Limits::default();
    limits.min_chunk = Some(300_000);
    let lab = Lab::with(|_| {}, options(), |builder| builder.with_limits(limits)).await;
    push_in_chunks(&lab).await.unwrap();
    assert_eq!(lab.count(RequestKind::UploadChunk), 4);
    assert_eq!(lab.registry.capabilities().min_chunk, Some(300_000));
}

#[tokio::test]
async fn a_registry_without_chunks_gets_the_blob_in_one_piece_by_default() {
    let lab = Lab::new(|behaviour| behaviour.uploads.refuse_chunks = true).await;
    let (desc, bytes) = blob_of(LEN);
    lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    let streamed = lab.repo.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, Blob::from_bytes("x".into())).await;
    assert_eq!(streamed.unwrap().size, 1);
    assert_eq!(lab.registry.capabilities().streamed_upload, Some(false));
}

#[tokio::test]
async fn a_chunk_that_completes_the_blob_is_the_end_of_it() {
    let lab = Lab::new(|behaviour| behaviour.uploads.chunk_completes = true).await;
    let (desc, bytes) = blob_of(1000);
    let upload = lab.repo.upload(&desc, Blob::from_bytes(bytes.clone()));
    upload.with_strategy(UploadStrategy::CHUNKED).send().await.unwrap();
    is_there(&lab, &desc, &bytes).await;
}

#[tokio::test]
async fn a_registry_that_refuses_the_size_of_a_put_gets_chunks() {
    for status in [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::RANGE_NOT_SATISFIABLE] {
        let fault = Fault::new(Action::Status(status, None)).on(RequestKind::UploadFinish).times(1);
        let lab = Lab::new(|behaviour| behaviour.faults.push(fault)).await;
        let (desc, bytes) = blob_of(LEN);
        lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
        is_there(&lab, &desc, &bytes).await;
        assert_eq!(lab.count(RequestKind::UploadChunk), 1, "{status}");
    }
}

#[tokio::test]
async fn one_request_is_enough_where_the_registry_takes_it_and_two_where_not() {
    for (refuses, puts) in [(false, 0), (true, 1)] {
        let change = |behaviour: &mut Behaviour| behaviour.uploads.refuse_single_post = refuses;
        let lab = Lab::with(change, options().with_upload_strategy(UploadStrategy::Post), |builder| builder).await;
        let (desc, bytes) = blob_of(LEN);
        lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
        is_there(&lab, &desc, &bytes).await;
        assert_eq!((lab.count(RequestKind::UploadStart), lab.count(RequestKind::UploadFinish)), (1, puts));
    }
}

#[tokio::test]
async fn content_that_is_not_described_goes_in_by_one_pass() {
    for algorithm in Algorithm::ALL {
        let lab = Lab::new(|_| {}).await;
        let (_, bytes) = blob_of(LEN);
        let desc = Descriptor::of_with(algorithm, MediaType::OCTET_STREAM, &bytes);
        let once = Blob::from_stream(None, stream::iter([Ok(bytes.clone())]));
        if algorithm == Algorithm::Sha384 {
            continue;
        }
        assert_eq!(lab.repo.ingest(&MediaType::OCTET_STREAM, algorithm, once).await.unwrap(), desc);
        is_there(&lab, &desc, &bytes).await;
        assert_eq!(lab.count(RequestKind::BlobHead), 0);
        assert_eq!((lab.count(RequestKind::UploadChunk), lab.count(RequestKind::UploadFinish)), (1, 1));
        let start = lab.targets(RequestKind::UploadStart).remove(0);
        assert_eq!(start.contains("digest-algorithm=sha512"), algorithm == Algorithm::Sha512, "{start}");
    }
}

#[tokio::test]
async fn content_without_bytes_and_content_of_two_go_in_every_way() {
    for strategy in [UploadStrategy::PostPut, UploadStrategy::Post, UploadStrategy::Chunked(1), UploadStrategy::Stream]
    {
        let lab = Lab::with(|_| {}, options().with_upload_strategy(strategy), |builder| builder).await;
        for content in ["", "{}"] {
            let desc = Descriptor::of("a/b", content.as_bytes());
            lab.repo
                .push(&desc, Blob::from_bytes(content.into()))
                .await
                .unwrap_or_else(|error| panic!("{strategy:?}: {error}"));
            is_there(&lab, &desc, &content.into()).await;
        }
    }
}
