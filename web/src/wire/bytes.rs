//! Bodies of requests and answers that are no JSON, as the description of the API names them.

use utoipa::ToSchema;

/// Bytes of a file, as the media type says.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "it describes what is sent as it is")]
pub struct FileBytes(Vec<u8>);
