//! What the crate promises, over scripted services and loopback sockets.

mod body;
