//! Named files and directories as content.
