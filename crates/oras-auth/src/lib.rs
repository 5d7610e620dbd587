//! Authentication against registries as one tower layer.
