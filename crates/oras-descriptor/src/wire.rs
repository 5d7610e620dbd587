//! How the documents of others are read: an absent or null member is the empty value.

use std::{collections::btree_map::Entry, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

use crate::{annotation::Annotations, media_type::MediaType};

pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A JSON object and nothing else: serde by itself reads a struct from an array, too.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Object::deserialize(deserializer).map(|Object(value)| value)
}

pub(crate) fn optional_object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.map(|Object(value)| value))
}

pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects: Option<Vec<Object<T>>> = Option::deserialize(deserializer)?;
    Ok(objects.unwrap_or_default().into_iter().map(|Object(value)| value).collect())
}

/// Annotations; a null value is the empty one. A key that occurs twice is an error, as it is for any other member: of two
/// parsers, one might take the first and one the last.
pub(crate) fn annotations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Annotations, D::Error> {
    struct Visitor;

    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Annotations;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of texts")
        }

        fn visit_unit<E>(self) -> Result<Annotations, E> {
            Ok(Annotations::new())
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
            let mut annotations = Annotations::new();
            while let Some((key, value)) = map.next_entry::<String, Option<String>>()? {
                match annotations.entry(key) {
                    Entry::Vacant(vacant) => vacant.insert(value.unwrap_or_default()),
                    Entry::Occupied(taken) => {
                        return Err(de::Error::custom(format_args!("duplicate annotation {:?}", taken.key())));
                    }
                };
            }
            Ok(annotations)
        }
    }

    deserializer.deserialize_any(Visitor)
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
