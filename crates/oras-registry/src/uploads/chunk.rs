use std::{ops::Range, sync::Arc};

use http::{Response, StatusCode, header};
use oras_descriptor::Algorithm;

use super::{
    Session,
    answer::{check_location, created, out_of_order, standing},
    append::{Bounds, append},
    close::finish,
    session::Hold,
};
use crate::{
    body::{Body, Upload},
    call::Call,
    error::{ApiError, Code, Result},
    range::parse_content_range,
    registry::Registry,
};

/// `PATCH`: a chunk, or a stream without a range.
pub(crate) async fn patch(registry: &Registry, call: &Call, id: &str, body: Upload) -> Result<Response<Body>> {
    let quirks = &call.quirks().uploads;
    if quirks.refuse_chunks {
        return Err(ApiError::unsupported("uploading in chunks", "PUT"));
    }
    let session = registry.sessions().find(call.name(), id)?;
    if let (Some(limit), Some(size)) = (quirks.max_chunk, body.size())
        && size > limit
    {
        return Err(out_of_order(call, &session, "the request body is too large"));
    }
    let hold = receive(registry, call, &session, body).await?;
    if quirks.chunk_completes {
        registry.sessions().remove(call.name(), id)?;
        let digest = finish(hold, None, Algorithm::Sha256).await?;
        return Ok(created(call, &digest));
    }
    drop(hold);
    Ok(standing(call, &session, StatusCode::ACCEPTED))
}

/// Checks what a request says about its body, and adds it to the session.
pub(super) async fn receive(registry: &Registry, call: &Call, session: &Arc<Session>, body: Upload) -> Result<Hold> {
    check_location(call, session)?;
    let range = content_range(call, body.size())?;
    let hold = session.hold().await;
    let start = hold.loan.position();
    if let Some(range) = &range
        && range.start != start
    {
        let message = format!("the chunk starts at {}, and the session stands at {start}", range.start);
        return Err(out_of_order(call, session, &message));
    }
    let is_chunk = range.is_some() || body.size() != Some(0);
    if is_chunk {
        check_last_chunk(registry, session)?;
    }
    let exact = range.map_or_else(|| body.size(), |range| Some(range.end - range.start));
    let limits = registry.limits();
    let hold = append(session, hold, body, Bounds { exact, blob: limits.blob, idle: limits.idle }).await?;
    if is_chunk {
        session.note_chunk(hold.loan.position() - start);
    }
    Ok(hold)
}

/// The range that a request says it brings, which must agree with the size of its body.
fn content_range(call: &Call, size: Option<u64>) -> Result<Option<Range<u64>>> {
    let Some(value) = call.head.headers.get(header::CONTENT_RANGE) else {
        return Ok(None);
    };
    let range = value.to_str().ok().and_then(parse_content_range).ok_or_else(|| {
        ApiError::bad_request(Code::BlobUploadInvalid, "Content-Range is malformed: expected <first>-<last>")
    })?;
    let len = range.end - range.start;
    if size.is_some_and(|size| size != len) {
        let message = format!("Content-Range speaks of {len} bytes, and the body has another size");
        return Err(ApiError::bad_request(Code::SizeInvalid, message));
    }
    Ok(Some(range))
}

/// One more chunk makes the last one a chunk in the middle, which must not be small.
fn check_last_chunk(registry: &Registry, session: &Session) -> Result<()> {
    let (Some(min), (Some(last), _)) = (registry.limits().min_chunk, session.chunks()) else {
        return Ok(());
    };
    if last >= min {
        return Ok(());
    }
    let message = format!("the chunk before had {last} bytes: every one but the last must have {min}");
    Err(ApiError::bad_request(Code::SizeInvalid, message))
}
