//! Copying graphs of content between any two targets.
