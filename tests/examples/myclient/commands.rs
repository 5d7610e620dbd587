use std::io::Read as _;

use futures_util::TryStreamExt as _;
use oras::auth::Credential;
use oras::content::{PredecessorFinder as _, Resolver as _, TagLister as _};
use oras::copy::{ExtendedCopyOptions, extended_copy};
use oras::credentials::SystemCredentials;
use oras::files::{self, PullOptions, PushOptions};
use oras::{MediaType, Result, remote};

use super::{
    arguments::{Arguments, Command, Copy, Pull, Push},
    output::Output,
    place::{Access, Place, registry_options},
    progress::Bars,
};

/// Does what the arguments say.
pub(crate) async fn run(arguments: Arguments) -> Result<Output> {
    let Arguments { command, json, plain_http } = arguments;
    let from = async |text: &str| Place::open(text, Access::Read, plain_http).await;
    let to = async |text: &str| Place::open(text, Access::Write, plain_http).await;
    match command {
        Command::Push(command) => push(&to(&command.place).await?, &command, json).await,
        Command::Pull(command) => pull(&from(&command.place).await?, command, json).await,
        Command::Copy(command) => copy(&from(&command.from).await?, &to(&command.to).await?, &command, json).await,
        Command::Discover { place, artifact_type } => discover(&from(&place).await?, artifact_type).await,
        Command::Tags { place } => {
            let tags: Vec<String> = from(&place).await?.target.tags(None).try_collect().await?;
            Ok(Output::tags(&tags))
        }
        Command::Login { host, username, plaintext } => {
            let store = SystemCredentials::new();
            let store = if plaintext { store.allow_plaintext() } else { store };
            login(&store, &host, &username, plain_http).await
        }
        Command::Logout { host } => {
            remote::logout(&SystemCredentials::new(), &host).await?;
            Ok(Output::said(&format!("logged out of {host}")))
        }
    }
}

async fn push(place: &Place, command: &Push, is_quiet: bool) -> Result<Output> {
    let mut options = PushOptions::new()
        .with_base(&command.directory)
        .with_annotations(command.annotation.iter().cloned().collect())
        .with_copy(Bars::options(is_quiet));
    if let Some(kind) = &command.artifact_type {
        options = options.with_artifact_type(kind.clone());
    }
    let mut tag = Some(place.reference.as_str());
    if command.attach {
        options = options.with_subject(place.target.resolve(&place.reference).await?);
        tag = None;
    }
    let pushed = files::push(&place.target, tag, command.files.clone(), &options).await?;
    Ok(Output::pushed(&command.place, &pushed))
}

async fn pull(place: &Place, command: Pull, is_quiet: bool) -> Result<Output> {
    let mut options =
        PullOptions::new().with_allowed_media_types(command.media_type).with_copy(Bars::options(is_quiet));
    if let Some(platform) = command.platform {
        options = options.with_platform(platform);
    }
    let pulled = files::pull(&place.target, &place.reference, &command.output, &options).await?;
    Ok(Output::pulled(&pulled))
}

async fn copy(from: &Place, to: &Place, command: &Copy, is_quiet: bool) -> Result<Output> {
    let mut options = Bars::options(is_quiet);
    if let Some(platform) = &command.platform {
        options = options.with_platform(platform.clone());
    }
    let root = if command.recursive {
        let options = ExtendedCopyOptions::new().with_copy(options);
        extended_copy(&from.target, &from.reference, &to.target, &to.reference, &options).await?
    } else {
        oras::copy(&from.target, &from.reference, &to.target, &to.reference, &options).await?
    };
    Ok(Output::copied(&command.to, &root))
}

async fn discover(place: &Place, artifact_type: Option<String>) -> Result<Output> {
    let subject = place.target.resolve(&place.reference).await?;
    let kind = artifact_type.map(MediaType::new);
    let referrers = place.target.referrers(&subject, kind.as_ref()).await?;
    Ok(Output::referrers(&subject, &referrers))
}

async fn login(store: &SystemCredentials, host: &str, username: &str, plain_http: bool) -> Result<Output> {
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password)?;
    let credential = Credential::password(username, password.trim_end_matches(['\r', '\n']));
    remote::login(store, host, &credential, registry_options(host, plain_http)).await?;
    Ok(Output::said(&format!("logged in to {host} as {username}")))
}
