use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use oras::descriptor::Platform;

/// Moves OCI artifacts between registries, image layouts and files.
///
/// A place is HOST/REPOSITORY[:TAG|@DIGEST], or oci:DIRECTORY[:TAG] for an image layout.
#[derive(Clone, Debug, Parser)]
#[command(name = "myclient", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print one JSON document, and no progress
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Speak http; hosts of this machine are always spoken to so
    #[arg(long, global = true)]
    pub(crate) plain_http: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Push files and directories as an artifact
    Push(Push),
    /// Pull the files of an artifact
    Pull(Pull),
    /// Copy an artifact
    Copy(Copy),
    /// List what refers to an artifact
    Discover {
        place: String,
        /// Only of this type
        #[arg(long)]
        artifact_type: Option<String>,
    },
    /// List tags
    Tags { place: String },
    /// Check a password, read from standard input, and store it where docker does
    Login {
        host: String,
        #[arg(short, long)]
        username: String,
        /// Without a credential helper, write the password where it can be read
        #[arg(long)]
        plaintext: bool,
    },
    /// Forget a password
    Logout { host: String },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Push {
    pub(crate) place: String,
    /// Files and directories; their paths are their names
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[arg(long)]
    pub(crate) artifact_type: Option<String>,
    /// An annotation of the manifest
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) annotation: Vec<(String, String)>,
    /// Attach the artifact to the one that PLACE names, and give it no tag
    #[arg(long)]
    pub(crate) attach: bool,
    /// The directory to which paths are relative
    #[arg(short = 'C', long, default_value = ".")]
    pub(crate) directory: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Pull {
    pub(crate) place: String,
    #[arg(short, long, default_value = ".")]
    pub(crate) output: PathBuf,
    /// Of an index, only this platform
    #[arg(long, value_name = "OS/ARCHITECTURE[/VARIANT]", value_parser = platform)]
    pub(crate) platform: Option<Platform>,
    /// Only content of this media type; may be given several times
    #[arg(long)]
    pub(crate) media_type: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Copy {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Of an index, only this platform
    #[arg(long, value_name = "OS/ARCHITECTURE[/VARIANT]", value_parser = platform, conflicts_with = "recursive")]
    pub(crate) platform: Option<Platform>,
    /// With everything that refers to it
    #[arg(short, long)]
    pub(crate) recursive: bool,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} has no `=`"))?;
    Ok((key.to_owned(), value.to_owned()))
}

fn platform(text: &str) -> Result<Platform, String> {
    match text.split('/').collect::<Vec<_>>()[..] {
        [os, architecture] => Ok(Platform::new(os, architecture)),
        [os, architecture, variant] => Ok(Platform::new(os, architecture).with_variant(variant)),
        _ => Err(format!("{text:?} is not OS/ARCHITECTURE[/VARIANT]")),
    }
}
