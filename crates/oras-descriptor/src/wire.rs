//! How the documents of others are read: an absent or null member is the empty value.

use serde::{Deserialize, Deserializer, de};

use crate::media_type::MediaType;

pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An optional media type; the empty text counts as absent, as it does for Go's encoder.
pub(crate) fn optional_media_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MediaType>, D::Error> {
    Ok(Option::<MediaType>::deserialize(deserializer)?.filter(|media_type| !media_type.is_empty()))
}

/// Whether Go's encoder would leave the member out.
pub(crate) fn no_media_type(media_type: &Option<MediaType>) -> bool {
    media_type.as_ref().is_none_or(MediaType::is_empty)
}

/// Whether Go's encoder would leave the member out.
pub(crate) fn no_data(data: &Option<bytes::Bytes>) -> bool {
    data.as_ref().is_none_or(bytes::Bytes::is_empty)
}

/// A size in bytes: an integer from 0 to the largest signed 64-bit one (image specification, "Descriptors").
pub(crate) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = i64::deserialize(deserializer)?;
    u64::try_from(size).map_err(|_negative| de::Error::custom(format_args!("size {size} is negative")))
}

pub(crate) mod data {
    //! The `data` member: standard base64 with padding (RFC 4648 section 4).

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(data: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(data.as_deref().unwrap_or_default()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
        let Some(text) = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let data =
            STANDARD.decode(text.as_bytes()).map_err(|error| de::Error::custom(format_args!("data: {error}")))?;
        Ok(Some(data.into()).filter(|data: &Bytes| !data.is_empty()))
    }
}
