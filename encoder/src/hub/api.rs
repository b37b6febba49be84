//! What the hub says of a model and of its files.

use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;

use super::client::Client;
use super::name::{is_commit, is_file_name};
use super::{HubError, ModelId};

/// A listing of more files than this is not that of a model.
const MAX_LISTING: u64 = 16 << 20;

/// The files of one commit.
#[derive(Debug)]
pub struct Listing {
    pub commit: String,
    pub files: Vec<String>,
}

/// One file as the hub describes it.
#[derive(Debug, Clone)]
pub struct Remote {
    pub name: String,
    pub url: String,
    pub size: u64,
    /// The checksum of the contents, and their name in the cache: SHA-256 of large files, git's own
    /// of small ones.
    pub etag: String,
}

#[derive(Deserialize)]
struct ModelPage {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

/// Lists a revision of a model.
pub fn list(client: &Client, id: &ModelId, revision: &str) -> Result<Listing, HubError> {
    let url = client.url(&format!("api/models/{id}/revision/{}", revision.replace('/', "%2F")));
    let mut answer = client.get(&url, 0)?;
    check_status(client, &url, &answer, id, revision)?;
    let bad = |reason: String| HubError::BadAnswer { url: url.clone(), reason };
    let body = answer.body_mut().with_config().limit(MAX_LISTING).read_to_vec().map_err(|e| bad(e.to_string()))?;
    let page: ModelPage = serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))?;
    if !is_commit(&page.sha) {
        return Err(bad(format!("{:?} is not a commit", page.sha)));
    }
    Ok(Listing { commit: page.sha, files: page.siblings.into_iter().map(|sibling| sibling.rfilename).collect() })
}

/// Asks for size and checksum of a file.
pub fn describe(client: &Client, id: &ModelId, commit: &str, name: &str) -> Result<Remote, HubError> {
    let url = client.url(&format!("{id}/resolve/{commit}/{name}"));
    let answer = client.head(&url)?;
    if !answer.status().is_redirection() {
        check_status(client, &url, &answer, id, commit)?;
    }
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let bad = |reason: &str| HubError::BadAnswer { url: url.clone(), reason: reason.to_owned() };
    let etag = header("x-linked-etag").or_else(|| header("etag")).ok_or_else(|| bad("no ETag"))?;
    let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
    if !is_file_name(&etag) {
        return Err(bad("an ETag that is no checksum"));
    }
    let size = header("x-linked-size").or_else(|| header("content-length")).and_then(|size| size.parse().ok());
    Ok(Remote { name: name.to_owned(), size: size.ok_or_else(|| bad("no size"))?, etag, url })
}

/// Turns a refusal into what it means for the user.
pub fn check_status(
    client: &Client,
    url: &str,
    answer: &Response<Body>,
    id: &ModelId,
    revision: &str,
) -> Result<(), HubError> {
    let code = answer.headers().get("x-error-code").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, status) = (id.clone(), answer.status().as_u16());
    Err(match status {
        200..=299 => return Ok(()),
        401 | 403 if code == "GatedRepo" => HubError::Gated { id },
        401 | 403 => HubError::Unauthorized { id, with_token: client.has_token() },
        404 => HubError::NotFound { id, revision: revision.to_owned() },
        _ => HubError::Status { url: url.to_owned(), status },
    })
}
