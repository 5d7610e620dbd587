use std::{
    fs,
    path::{Path, PathBuf},
};

use oras_content::{Error, ErrorKind, Result};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::tls::Identity;

/// What the directories say about one host.
#[derive(Default)]
pub(super) struct HostCerts {
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) identity: Option<Identity>,
}

/// Reads `<directory>/<host>[:port]/` of each directory: `*.crt` are roots, `*.cert` and the `*.key` of the same name are
/// the client's own. The first directory with an identity gives it.
pub(super) fn of_host(directories: &[PathBuf], host: &str) -> Result<HostCerts> {
    let mut found = HostCerts::default();
    // A host is not a path: nothing leads out of the directory.
    if host.is_empty() || host.contains(['/', '\\']) || host.starts_with('.') {
        return Ok(found);
    }
    for directory in directories {
        let Ok(entries) = fs::read_dir(directory.join(host)) else { continue };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        paths.sort();
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => found.roots.extend(certificates(&path)?),
                Some("cert") if found.identity.is_none() => {
                    let key_path = path.with_extension("key");
                    let key = PrivateKeyDer::from_pem_file(&key_path).map_err(|error| unreadable(&key_path, error))?;
                    found.identity = Some(Identity { chain: certificates(&path)?, key });
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, error))?;
    all.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: rustls_pki_types::pem::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{} cannot be read as PEM", path.display())).with_source(error)
}
