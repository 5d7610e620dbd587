//! Manifests that refer to another one: listed by the registry, or by an index under a tag that this client keeps.

mod api;
mod list;
mod rewrite;
mod tag_schema;
mod update;

pub(crate) use update::Updates;
