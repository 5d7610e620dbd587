//! Packing content as OCI artifacts.
