//! An embeddable OCI registry with faults on demand.
