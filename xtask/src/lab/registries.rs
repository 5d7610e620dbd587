//! The registries of others: what they can do, and how they start.

use std::fmt;
use std::path::Path;

use super::capabilities::{Capabilities, Ranges, TagPages};
use super::configuration::{self, Plan};
use super::error::LabError;
use super::server::RunningServer;
use super::tool::Tool;

/// How a registry is reached: whom it lets in, and whether it speaks TLS.
#[derive(Clone)]
pub(crate) struct Access {
    auth: Auth,
    has_tls: bool,
}

/// Whom a registry lets in.
#[derive(Clone)]
#[non_exhaustive]
pub(crate) enum Auth {
    /// Everybody.
    Open,
    /// One user, by HTTP Basic.
    Basic(User),
    /// One user, by bearer tokens.
    Token(User),
}

/// The one user that a registry knows.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// The user's name.
    pub(crate) name: String,
    /// The user's password.
    pub(crate) password: String,
}

impl Access {
    /// Open to all over plain HTTP.
    pub(crate) const PLAIN: Self = Self { auth: Auth::Open, has_tls: false };
    /// Open to all over TLS, with a certificate of a private authority.
    pub(crate) const TLS: Self = Self { auth: Auth::Open, has_tls: true };

    /// Whom it lets in.
    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Whether it speaks TLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// Whether it is open to all over plain HTTP.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.auth, Auth::Open) && !self.has_tls
    }

    /// The user, if one is asked for.
    pub(crate) fn user(&self) -> Option<&User> {
        match &self.auth {
            Auth::Basic(user) | Auth::Token(user) => Some(user),
            Auth::Open => None,
        }
    }

    /// Its name, in lower case.
    pub(crate) fn name(&self) -> &'static str {
        match (&self.auth, self.has_tls) {
            (Auth::Open, false) => "plain",
            (Auth::Basic(_), false) => "basic",
            (Auth::Token(_), false) => "token",
            (Auth::Open, true) => "tls",
            (Auth::Basic(_), true) => "tls, basic",
            (Auth::Token(_), true) => "tls, token",
        }
    }

    /// Each kind of authentication, plain and with TLS, with a user made up for the lab.
    pub(crate) fn each() -> Vec<Self> {
        let user = User { name: "lab".to_owned(), password: "p@ss: wörd".to_owned() };
        let auths = [Auth::Open, Auth::Basic(user.clone()), Auth::Token(user)];
        let both = |has_tls| auths.iter().map(move |auth| Self { auth: auth.clone(), has_tls });
        both(false).chain(both(true)).collect()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

type Planner = fn(&Path, &Path, u16, &Access) -> Result<Plan, LabError>;

/// A registry that can be started.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    name: &'static str,
    tool: Tool,
    capabilities: Capabilities,
    /// It has no access control and no TLS of its own.
    only_plain: bool,
    planner: Planner,
}

impl Registry {
    /// Its name, with the version that the capabilities were measured at.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// What it was seen to do.
    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether [`Registry::start`] knows this access.
    pub(crate) fn supports(&self, access: &Access) -> bool {
        !self.only_plain || access.is_plain()
    }

    /// Starts it on a free port of loopback, empty, and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`LabError::Missing`] when its program cannot be had, [`LabError::Unsupported`] for an access that it does not
    /// have, [`LabError::Failed`] with its log when it does not come up.
    pub(crate) fn start(&self, access: &Access) -> Result<RunningServer, LabError> {
        if !self.supports(access) {
            return Err(LabError::Unsupported { registry: self.name, access: access.name() });
        }
        let program = self.tool.path()?;
        RunningServer::start(self.name, access, |dir, port| (self.planner)(&program, dir, port, access))
    }
}

/// The program that is both a client and a registry.
pub(crate) const CRANE: Tool = Tool::go(
    "crane",
    "github.com/google/go-containerregistry/cmd/crane",
    "github.com/google/go-containerregistry",
    "v0.22.1",
);

/// All registries, the oldest first.
pub(crate) fn all() -> Vec<Registry> {
    vec![docker_registry(), distribution(), olareg(), crane()]
}

fn docker_registry() -> Registry {
    Registry {
        name: "docker-registry 2.8",
        tool: Tool::apt("docker-registry", "docker-registry"),
        capabilities: Capabilities { tag_pages: TagPages::Ignored, delete_tag: false, ..distribution().capabilities },
        only_plain: false,
        planner: configuration::distribution,
    }
}

/// The reference implementation.
pub(crate) fn distribution() -> Registry {
    Registry {
        name: "distribution 3.1.1",
        tool: Tool::go(
            "registry",
            "github.com/distribution/distribution/v3/cmd/registry",
            "github.com/distribution/distribution/v3",
            "v3.1.1",
        ),
        capabilities: Capabilities {
            referrers: false,
            mount: 201,
            single_post: 202,
            upload_status: true,
            absolute_location: true,
            ranges: Ranges::All,
            tag_pages: TagPages::Linked,
            delete_tag: true,
            sha512: false,
        },
        only_plain: false,
        planner: configuration::distribution,
    }
}

fn olareg() -> Registry {
    Registry {
        name: "olareg 0.2.2",
        tool: Tool::go_dependency(
            "olareg",
            "github.com/olareg/olareg/cmd/olareg",
            "github.com/olareg/olareg",
            "v0.2.2",
        ),
        capabilities: Capabilities {
            referrers: true,
            single_post: 201,
            absolute_location: false,
            sha512: true,
            ..distribution().capabilities
        },
        only_plain: false,
        planner: configuration::olareg,
    }
}

fn crane() -> Registry {
    Registry {
        name: "crane registry 0.22.1",
        tool: CRANE,
        capabilities: Capabilities {
            referrers: false,
            mount: 202,
            single_post: 201,
            upload_status: false,
            absolute_location: false,
            ranges: Ranges::Closed,
            tag_pages: TagPages::Cut,
            delete_tag: true,
            sha512: true,
        },
        only_plain: true,
        planner: configuration::crane,
    }
}
