//! ORAS (OCI Registry As Storage) for Rust - move any content between registries, layouts, files and memory.
