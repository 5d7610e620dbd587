//! Content goes in and comes out.

use std::num::NonZeroUsize;

use bytes::Bytes;
use futures_util::future::join_all;
use oras_content::{Blob, Descriptor, ErrorKind, MediaType};
use oras_descriptor::{Algorithm, Verifier};

use super::{
    Capabilities, Capability, Store, Verdict,
    sample::{Image, Sample, is_absent, is_there, read},
    verdict::{ensure, equal, fails},
};
use crate::faulty::FaultySource;

const CHUNK: NonZeroUsize = NonZeroUsize::new(40_009).unwrap();

fn mebibyte() -> Sample {
    let bytes: Vec<u8> = (0..1u32 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    Sample::blob_of(bytes)
}

/// A blob is not there, is pushed, and is there, as often as it is asked for; so is a manifest.
pub async fn gives_back_what_was_pushed<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let image = Image::new("given back");
    for sample in [&image.config, &image.layer, &image.manifest] {
        is_absent(store, &sample.desc).await?;
        sample.push(store).await?;
        is_there(store, sample).await?;
        is_there(store, sample).await?;
    }
    Ok(())
}

/// Content of no bytes is content.
pub async fn takes_content_without_bytes<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = Sample::blob_of("");
    sample.push(store).await?;
    is_there(store, &sample).await
}

/// A blob that can be read once, of unknown size and in chunks of any size, goes in.
pub async fn takes_a_mebibyte_in_uneven_chunks<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = mebibyte();
    let source = FaultySource::builder(sample.bytes.clone()).chunk_size(CHUNK).build();
    store.push(&sample.desc, Blob::from_stream(None, source.stream())).await?;
    is_there(store, &sample).await
}

/// Content can be known by its SHA-512 digest.
pub async fn takes_content_by_sha512<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let bytes = Bytes::from_static(b"known by sha512");
    let desc = Descriptor::of_with(Algorithm::Sha512, MediaType::OCTET_STREAM, &bytes);
    let sample = Sample { desc, bytes };
    let pushed = sample.push(store).await;
    if !capabilities.has(Capability::Sha512) {
        ensure!(pushed.is_err(), "expected an error, found success");
        return Ok(());
    }
    pushed?;
    is_there(store, &sample).await
}

/// A second push is `AlreadyExists`, and its blob is never opened.
pub async fn knows_pushed_content<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let image = Image::new("pushed twice");
    image.push(store).await?;
    for sample in [&image.layer, &image.manifest] {
        let source = FaultySource::builder(sample.bytes.clone()).build();
        let pushed = store.push(&sample.desc, source.blob(&sample.desc)).await;
        if capabilities.has(Capability::RefusesKnownContent) {
            fails("pushing content again", pushed, ErrorKind::AlreadyExists)?;
            ensure!(source.opens().is_empty(), "content that is there was read");
        } else {
            pushed?;
        }
        is_there(store, sample).await?;
    }
    Ok(())
}

/// A descriptor with another size is not the content that is there.
pub async fn does_not_know_content_of_another_size<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = Sample::blob_of("of one size");
    sample.push(store).await?;
    for size in [sample.desc.size - 1, sample.desc.size + 1] {
        let other = Descriptor { size, ..sample.desc.clone() };
        let read = read(store, &other).await;
        ensure!(read.is_err(), "content of {} bytes was given for one of {size} bytes", sample.desc.size);
    }
    Ok(())
}

/// Of many pushes of the same content at once each lands, or finds it there.
pub async fn takes_the_same_content_from_many_at_once<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = mebibyte();
    let sources = [(); 6].map(|()| FaultySource::builder(sample.bytes.clone()).chunk_size(CHUNK).build());
    let pushes = sources.iter().map(|source| store.push(&sample.desc, source.blob(&sample.desc)));
    let results = join_all(pushes).await;
    ensure!(results.iter().any(Result::is_ok), "no push succeeded: {results:?}");
    for result in results {
        match result {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => result?,
        }
    }
    is_there(store, &sample).await
}

/// A blob that says it is replayable can be read from any offset.
pub async fn gives_a_blob_from_any_offset<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = mebibyte();
    sample.push(store).await?;
    if !store.fetch(&sample.desc).await?.is_replayable() {
        return Ok(());
    }
    for offset in [0, 1, CHUNK.get(), sample.bytes.len() - 1, sample.bytes.len()] {
        let mut verifier = Verifier::new(&sample.desc).map_err(oras_content::Error::from)?;
        let (head, tail) = sample.bytes.split_at(offset);
        verifier.update(head).map_err(oras_content::Error::from)?;
        let rest = store.fetch(&sample.desc).await?.resume(verifier)?.bytes(u64::MAX).await?;
        ensure!(rest == tail, "from offset {offset} came {} bytes, and not the right ones", rest.len());
    }
    Ok(())
}

/// A source that breaks and can be opened again is read to its end, each byte once.
pub async fn goes_on_where_a_source_broke<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = mebibyte();
    let source = FaultySource::builder(sample.bytes.clone()).chunk_size(CHUNK).reset_at(1).reset_at(700_001).build();
    store.push(&sample.desc, source.blob(&sample.desc)).await?;
    equal("offsets that were opened", source.opens(), vec![0, 1, 700_001])?;
    equal("bytes that were read", source.bytes_given(), sample.desc.size)?;
    is_there(store, &sample).await
}
