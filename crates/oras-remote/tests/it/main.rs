//! The exact traffic of the client, over scripted services.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod blobs;
mod lists;
mod login;
mod manifests;
mod mirrors;
mod referrers;
mod support;
mod uploads;
