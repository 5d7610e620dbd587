//! Tests for stores and clients - the role contract, a scripted service, faulty sources, graph generators.
