//! References to content in registries, parsed and validated.
