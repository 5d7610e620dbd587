//! OCI image layouts as content stores - directories and tar archives.
