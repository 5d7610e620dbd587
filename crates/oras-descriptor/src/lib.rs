//! Descriptors, digests, manifests and indexes of the OCI specifications.
