//! The roles of content stores, verified blobs on the move, and the error they share.
