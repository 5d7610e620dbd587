//! The program `oras-registry`: a registry on a socket.

mod log;

use std::{
    fs,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use oras_registry::{Accounts, AuthScheme, Builder, Limits, Permission, Server};

/// An OCI registry.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until a signal asks to stop; the first line printed is the address.
    Serve(Serve),
}

#[derive(Args)]
struct Serve {
    /// Address and port; port 0 lets the system choose.
    #[arg(long, default_value = "127.0.0.1:0")]
    addr: SocketAddr,
    /// Keep content in this directory, each repository as an image layout; without it everything is in memory.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Do not force files to the disk: faster, and what was acknowledged may not survive a loss of power.
    #[arg(long, requires = "root")]
    no_sync: bool,
    /// Keep nothing and check nothing, to measure clients with; a layout to pull from can be named.
    #[arg(long, conflicts_with = "root", value_name = "LAYOUT", num_args = 0..=1)]
    free: Option<Option<PathBuf>>,
    /// A chain of certificates as PEM, to speak TLS with.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate as PEM.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Write what happens to standard error: error, warn, info or debug.
    #[arg(long)]
    log: Option<tracing::Level>,
    /// Ask clients who they are.
    #[arg(long, requires = "user")]
    auth: Option<Scheme>,
    /// A user who may do everything, as name:password. It is visible to other users of this machine.
    #[arg(long, requires = "auth")]
    user: Option<String>,
    /// Every chunk of an upload but the last must have so many bytes.
    #[arg(long)]
    min_chunk: Option<u64>,
    /// Take manifests that point to content which is not there.
    #[arg(long)]
    sparse: bool,
    /// Mount blobs only when the request names their repository.
    #[arg(long)]
    no_automatic_mount: bool,
    /// Take nothing new.
    #[arg(long)]
    read_only: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scheme {
    /// User and password on every request.
    Basic,
    /// Tokens from this server's own token endpoint.
    Token,
}

fn main() -> ExitCode {
    let Command::Serve(serve) = Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(serve.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &io::Error) -> ExitCode {
    // Without standard error there is nobody to tell.
    let _ = writeln!(io::stderr(), "oras-registry: {error}");
    ExitCode::FAILURE
}

impl Serve {
    async fn run(self) -> io::Result<()> {
        if let Some(level) = self.log {
            tracing::subscriber::set_global_default(log::Log::new(level)).map_err(io::Error::other)?;
        }
        let listener = TcpListener::bind(self.addr)?;
        let server = self.builder()?.serve(listener).await?;
        writeln!(io::stdout(), "{}", server.addr())?;
        stop_signal().await?;
        server.shutdown().await;
        Ok(())
    }

    fn builder(self) -> io::Result<Builder> {
        let mut builder = Server::builder()
            .with_sync(!self.no_sync)
            .with_limits(Limits::with(|limits| limits.min_chunk = self.min_chunk))
            .with_sparse(self.sparse)
            .with_automatic_mount(!self.no_automatic_mount)
            .with_read_only(self.read_only);
        if let Some(root) = self.root {
            builder = builder.with_root(root);
        }
        if let Some(layout) = self.free {
            builder = builder.with_nothing_kept(layout);
        }
        if let (Some(certificate), Some(key)) = (self.tls_cert, self.tls_key) {
            builder = builder.with_tls(fs::read(certificate)?, fs::read(key)?);
        }
        let (Some(scheme), Some(user)) = (self.auth, self.user) else {
            return Ok(builder);
        };
        let Some((name, password)) = user.split_once(':') else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "--user must be name:password"));
        };
        let scheme = match scheme {
            Scheme::Basic => AuthScheme::Basic,
            Scheme::Token => AuthScheme::Token,
        };
        Ok(builder.with_auth(scheme, Accounts::new().with_user(name, password, [Permission::all()])))
    }
}

#[cfg(unix)]
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let terminated = std::pin::pin!(terminate.recv());
    let interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    match futures_util::future::select(interrupted, terminated).await {
        futures_util::future::Either::Left((result, _)) => result,
        futures_util::future::Either::Right(_) => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
