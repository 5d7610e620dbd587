use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use oras_auth::Credential;
use serde_json::{Map, Value};

/// Some tools leave the padding out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const FIELDS: [&str; 5] = ["auth", "username", "password", "identitytoken", "registrytoken"];

/// Reads an entry of `auths`; the error says what was expected.
pub(crate) fn read(entry: &Value) -> Result<Credential, &'static str> {
    let entry = match entry {
        Value::Null => return Ok(Credential::anonymous()),
        Value::Object(entry) => entry,
        _ => return Err("expected an object"),
    };
    let [auth, username, password, identity, registry] = FIELDS.map(|name| text(entry, name));
    let credential = match auth? {
        "" => Credential::password(username?, password?),
        auth => {
            let decoded = LENIENT.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let decoded = decoded.ok_or("expected base64 in `auth`")?;
            let (username, password) = decoded.split_once(':').ok_or("expected `user:password` in `auth`")?;
            // Old versions of docker padded passwords with zeros.
            Credential::password(username, password.trim_end_matches('\0'))
        }
    };
    Ok(credential.with_refresh_token(identity?).with_access_token(registry?))
}

fn text<'a>(entry: &'a Map<String, Value>, name: &str) -> Result<&'a str, &'static str> {
    match entry.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err("expected texts"),
    }
}

/// Writes a credential into an entry; what else is in the entry stays.
pub(crate) fn write(entry: &mut Map<String, Value>, credential: &Credential) -> Result<(), &'static str> {
    if credential.username().contains(':') {
        return Err("the user name holds a colon");
    }
    for name in FIELDS {
        entry.remove(name);
    }
    let mut set = |name: &str, value: String| drop(entry.insert(name.to_owned(), Value::String(value)));
    if !credential.username().is_empty() || !credential.expose_password().is_empty() {
        set("auth", STANDARD.encode(format!("{}:{}", credential.username(), credential.expose_password())));
    }
    if !credential.expose_refresh_token().is_empty() {
        set("identitytoken", credential.expose_refresh_token().to_owned());
    }
    if !credential.expose_access_token().is_empty() {
        set("registrytoken", credential.expose_access_token().to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_docker_and_others_write() {
        let me = Credential::password("me", "pw:1");
        for (name, entry, expected) in [
            ("auth", json!({"auth": "bWU6cHc6MQ=="}), me.clone()),
            ("without padding", json!({"auth": "bWU6cHc6MQ"}), me.clone()),
            ("auth wins", json!({"auth": "bWU6cHc6MQ==", "username": "a", "password": "b"}), me.clone()),
            ("plain", json!({"username": "me", "password": "pw:1", "email": "x"}), me.clone()),
            ("padded password", json!({"auth": "bWU6cHc6MQA="}), me.clone()),
            ("empty password", json!({"auth": "bWU6"}), Credential::password("me", "")),
            ("identity token", json!({"auth": "bWU6cHc6MQ==", "identitytoken": "i"}), me.with_refresh_token("i")),
            ("registry token", json!({"registrytoken": "r"}), Credential::access_token("r")),
            ("nothing", json!({}), Credential::anonymous()),
            ("null", json!(null), Credential::anonymous()),
        ] {
            assert_eq!(read(&entry), Ok(expected), "{name}");
        }
    }

    #[test]
    fn refuses_what_is_malformed() {
        for entry in [
            json!({"auth": "bWU="}),
            json!({"auth": "%%%"}),
            json!({"auth": 1}),
            json!("text"),
            json!({"auth": "//8="}),
        ] {
            assert!(read(&entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for credential in [
            Credential::password("me", "pw:1"),
            Credential::refresh_token("i"),
            Credential::access_token("r").with_password("me", "pw"),
            Credential::anonymous(),
        ] {
            let mut entry = json!({"email": "kept", "username": "old", "identitytoken": "old"});
            write(entry.as_object_mut().unwrap(), &credential).unwrap();
            assert_eq!(read(&entry), Ok(credential));
            assert_eq!(entry.get("email"), Some(&json!("kept")));
        }
    }
}
