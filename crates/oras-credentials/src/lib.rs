//! Credential stores - docker configuration files, credential helpers, auth.json.
