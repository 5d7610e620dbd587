//! The tools of this crate at work, and what they prove about the shapes of `oras-content`.
