//! Bodies that are no JSON.

use utoipa::ToSchema;

/// Bytes of a file, as the media type says.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "it describes what is sent as it is")]
pub struct FileBytes(Vec<u8>);
