//! Fetching models from a hub that breaks off, lies, refuses and redirects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use glimpse_encoder::hub::{Hub, HubError, HubSettings, ModelId, Progress, info};
use glimpse_nonempty::{Every as _, each};
use tempfile::TempDir;

use crate::hub_server::{COMMIT, Fault, Server, WEIGHTS};

const SIZE: usize = 300_000;

fn repository() -> BTreeMap<String, Vec<u8>> {
    let weights = (0..SIZE as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let small = |text: &str| text.as_bytes().to_vec();
    BTreeMap::from([
        ("README.md".to_owned(), small("not needed")),
        ("config.json".to_owned(), small(r#"{"model_type": "siglip"}"#)),
        ("preprocessor_config.json".to_owned(), small("{}")),
        ("pytorch_model.bin".to_owned(), small("not needed either")),
        ("tokenizer.json".to_owned(), small(r#"{"model": {}}"#)),
        (WEIGHTS.to_owned(), weights),
    ])
}

/// A server, an empty cache, and a hub between them that does not wait.
struct Fixture {
    server: Server,
    folder: TempDir,
    hub: Hub,
    id: ModelId,
}

impl Fixture {
    fn new(change: impl FnOnce(&mut HubSettings)) -> Self {
        Self::serving(repository(), change)
    }

    fn serving(files: BTreeMap<String, Vec<u8>>, change: impl FnOnce(&mut HubSettings)) -> Self {
        let (server, folder) = (Server::start(files), tempfile::tempdir().unwrap());
        let mut settings = HubSettings {
            cache: folder.path().join("hub"),
            endpoint: server.url.clone(),
            token: None,
            offline: false,
            retries: 0,
            backoff: Duration::ZERO,
        };
        change(&mut settings);
        Self { server, folder, hub: Hub::new(settings), id: ModelId::parse("owner/model").unwrap() }
    }

    fn pull(&self) -> Result<PathBuf, HubError> {
        self.hub.pull(&self.id, None, &mut |_| {})
    }

    fn pull_with(&self, fault: Fault) -> Result<PathBuf, HubError> {
        self.server.set(fault);
        self.pull()
    }

    /// Fails to pull, and checks that nothing looks finished.
    fn fails(&self, fault: Fault) -> HubError {
        let error = self.pull_with(fault).unwrap_err();
        assert!(self.hub.cache().find(&self.id, None).is_err(), "{error}");
        assert!(self.hub.cache().find(&self.id, Some(COMMIT)).is_err(), "{error}");
        error
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let dir = self.folder.path().join("hub/models--owner--model").join(folder);
        fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    fn partial(&self) -> Option<PathBuf> {
        self.files("blobs").into_iter().find(|path| path.extension().is_some_and(|end| end == "incomplete"))
    }
}

fn assert_whole(dir: &Path) {
    let expected = repository();
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["config.json", WEIGHTS, "preprocessor_config.json", "tokenizer.json"]);
    for name in each(names) {
        assert_eq!(fs::read(dir.join(&name)).unwrap(), expected[&name], "{name}");
    }
}

#[test]
fn a_pull_fills_the_cache_once() {
    let fixture = Fixture::new(|_| {});
    let mut seen: Vec<Progress> = Vec::new();
    let dir = fixture.hub.pull(&fixture.id, None, &mut |progress| seen.push(progress.clone())).unwrap();
    assert_whole(&dir);
    assert!(dir.ends_with(format!("models--owner--model/snapshots/{COMMIT}")));
    let refs = fixture.folder.path().join("hub/models--owner--model/refs/main");
    assert_eq!(fs::read_to_string(refs).unwrap(), COMMIT);
    let last = seen.last().unwrap();
    assert_eq!((last.done, last.file.as_str()), (last.total, WEIGHTS));
    assert!(seen.windows(2).every(|pair| pair[0].done <= pair[1].done && pair[1].done <= pair[1].total));

    fixture.server.requests();
    assert_eq!(fixture.pull().unwrap(), dir);
    assert!(
        fixture.server.requests().iter().every(|request| !request.path.contains("/cdn/")),
        "nothing is fetched twice"
    );
    assert_eq!(fixture.hub.cache().find(&fixture.id, None).unwrap(), dir);
    let [model] = &fixture.hub.cache().list().unwrap()[..] else { panic!("one model") };
    assert_eq!((model.id.as_str(), model.files.missing.len()), ("owner/model", 0));
    assert_eq!(model.bytes_on_disk, model.files.bytes());
    assert_eq!(info(dir.to_str().unwrap()).unwrap().files, model.files.files);
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let fixture = Fixture::new(|_| {});
    let error = fixture.fails(Fault { hangs_up_after: Some(100_000), ..Fault::default() });
    let said = error.to_string();
    assert!(said.contains("model.safetensors: the connection broke off after 100000 of 300000 bytes"), "{said}");
    assert!(said.contains("run the same command again"), "{said}");
    assert_eq!(fs::metadata(fixture.partial().unwrap()).unwrap().len(), 100_000);
    let dir = fixture.hub.cache().snapshot(&fixture.id, Some(COMMIT)).unwrap();
    assert!(!dir.join(WEIGHTS).exists());

    fixture.server.requests();
    assert_whole(&fixture.pull_with(Fault::default()).unwrap());
    let ranges: Vec<String> =
        fixture.server.requests().iter().filter_map(|request| request.headers.get("range").cloned()).collect();
    assert_eq!(ranges, ["bytes=100000-", "bytes=100000-"], "the hub's answer, then the redirect's");
    assert_eq!(fixture.partial(), None);
}

#[test]
fn a_line_that_keeps_breaking_gets_there() {
    let fixture = Fixture::new(|settings| settings.retries = 1);
    let dir = fixture.pull_with(Fault { hangs_up_after: Some(40_000), ..Fault::default() }).unwrap();
    assert_whole(&dir);
}

#[test]
fn a_server_without_ranges_starts_anew() {
    let fixture = Fixture::new(|_| {});
    fixture.fails(Fault { hangs_up_after: Some(100_000), ..Fault::default() });
    let dir = fixture.pull_with(Fault { ignores_ranges: true, ..Fault::default() }).unwrap();
    assert_whole(&dir);

    let hopeless = Fixture::new(|settings| settings.retries = 2);
    let fault = Fault { ignores_ranges: true, hangs_up_after: Some(100_000), ..Fault::default() };
    assert!(matches!(hopeless.fails(fault), HubError::CutOff { got: 100_000, .. }));
}

#[test]
fn a_lie_about_the_size_is_caught() {
    for lie in [10, -10] {
        let fixture = Fixture::new(|settings| settings.retries = 3);
        let error = fixture.fails(Fault { size_lie: lie, ..Fault::default() });
        let (announced, sent) = ((SIZE as i64 + lie) as u64, SIZE as u64);
        assert!(
            matches!(&error, HubError::WrongSize { announced: a, sent: s, .. } if (*a, *s) == (announced, sent)),
            "{error}"
        );
        assert_eq!(fixture.partial(), None);
        assert_whole(&fixture.pull_with(Fault::default()).unwrap());
    }
}

#[test]
fn wrong_contents_are_not_kept() {
    let fixture = Fixture::new(|_| {});
    let error = fixture.fails(Fault { corrupts: true, ..Fault::default() });
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    assert_eq!(fixture.partial(), None);
    assert_whole(&fixture.pull_with(Fault::default()).unwrap());
}

#[test]
fn a_beginning_from_another_answer_is_thrown_away() {
    let fixture = Fixture::new(|_| {});
    fixture.fails(Fault { hangs_up_after: Some(100_000), ..Fault::default() });
    fs::write(fixture.partial().unwrap(), vec![0; 100_000]).unwrap();
    assert_whole(&fixture.pull_with(Fault::default()).unwrap());
}

#[test]
fn refusals_say_what_to_do() {
    let fixture = Fixture::new(|_| {});
    for (status, code, said) in [
        (401, "RepoNotFound", "either there is no such model (check the spelling) or it is private"),
        (401, "GatedRepo", "`owner/model` is gated: accept its terms"),
        (403, "", "goes into HF_TOKEN"),
        (404, "", "the hub has no model `owner/model` with a revision `main`"),
        (500, "", "the trouble is on its side"),
        (418, "", "answered with status 418"),
    ] {
        let error = fixture.fails(Fault { status: Some((status, code)), ..Fault::default() });
        assert!(error.to_string().contains(said), "{status}: {error}");
    }
}

#[test]
fn what_cannot_be_loaded_is_refused_before_its_weights_are_fetched() {
    const SHARD: &str = "model-00001-of-00002.safetensors";
    const INDEX: &str = "model.safetensors.index.json";
    let index = br#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "rest.safetensors"}}"#;
    let (none, other) = (None::<&[u8]>, br#"{"model_type": "llama"}"#);
    type Change<'a> = (&'a str, Option<&'a [u8]>);
    let cases: [(&[Change], &str); 3] = [
        (&[("tokenizer.json", none)], "SpmConverter(AutoTokenizer.from_pretrained(\"owner/model\"))"),
        (&[("config.json", Some(other))], "`owner/model` is a `llama` model"),
        (&[(WEIGHTS, none), (INDEX, Some(index)), (SHARD, Some(b"12"))], "has no rest.safetensors"),
    ];
    for (changes, said) in each(cases) {
        let mut files = repository();
        for (name, contents) in changes {
            match contents {
                Some(contents) => drop(files.insert((*name).to_owned(), contents.to_vec())),
                None => drop(files.remove(*name)),
            }
        }
        let fixture = Fixture::serving(files, |_| {});
        let error = fixture.fails(Fault::default()).to_string();
        assert!(error.contains(said), "{error}");
        let fetched = fixture.server.requests().into_iter().filter(|request| request.method == "GET");
        assert!(fetched.every(|request| !request.path.ends_with(".safetensors")), "{said}: weights were fetched");
    }
}

#[test]
fn a_busy_server_is_asked_again() {
    let fixture = Fixture::new(|settings| settings.retries = 2);
    assert_whole(&fixture.pull_with(Fault { busy: 2, ..Fault::default() }).unwrap());
    let impatient = Fixture::new(|settings| settings.retries = 1);
    assert!(matches!(impatient.fails(Fault { busy: 9, ..Fault::default() }), HubError::Status { status: 503, .. }));
}

#[test]
fn the_token_stays_with_the_hub() {
    let cdn = Server::start(repository());
    let fixture = Fixture::new(|settings| settings.token = Some("hf_secret".into()));
    assert_whole(&fixture.pull_with(Fault { redirect_to: Some(cdn.url.clone()), ..Fault::default() }).unwrap());
    let (hub, cdn) = (fixture.server.requests(), cdn.requests());
    assert!(hub.iter().every(|request| request.headers["authorization"] == "Bearer hf_secret"));
    assert_eq!(cdn.len(), 1);
    assert!(!cdn[0].headers.contains_key("authorization"), "{cdn:?}");
}

#[test]
fn hostile_names_reach_no_path() {
    let fixture = Fixture::new(|_| {});
    let names =
        vec!["../../evil", "/etc/passwd", "model-..-of-..safetensors", "x/config.json", "model-1-of-2\0.safetensors"];
    assert_whole(&fixture.pull_with(Fault { more_names: names, ..Fault::default() }).unwrap());
    let fresh = Fixture::new(|_| {});
    let error = fresh.fails(Fault { commit: Some("../../../evil"), ..Fault::default() });
    assert!(matches!(error, HubError::BadAnswer { .. }), "{error}");
    for revision in ["../x", "", "/abs", "a..b"] {
        let error = fresh.hub.pull(&fresh.id, Some(revision), &mut |_| {}).unwrap_err();
        assert!(matches!(error, HubError::NotFound { .. }), "{revision}: {error}");
    }
}

#[test]
fn offline_means_the_cache_alone() {
    let fixture = Fixture::new(|_| {});
    let offline = |cache: PathBuf| {
        let (endpoint, backoff) = (fixture.server.url.clone(), Duration::ZERO);
        Hub::new(HubSettings { cache, endpoint, token: None, offline: true, retries: 0, backoff })
    };
    let empty = offline(fixture.folder.path().join("empty"));
    let error = empty.pull(&fixture.id, None, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("HF_HUB_OFFLINE is set") && error.contains("--model demo"), "{error}");
    let error = empty.cache().find(&fixture.id, None).unwrap_err().to_string();
    assert!(error.contains("glimpse model pull owner/model") && error.contains("--model demo"), "{error}");

    let dir = fixture.pull().unwrap();
    fixture.server.requests();
    let filled = offline(fixture.hub.cache().dir().to_owned());
    assert_eq!(filled.pull(&fixture.id, None, &mut |_| {}).unwrap(), dir);
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn no_network_is_said_so() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fixture = Fixture::new(|settings| settings.endpoint = format!("http://{nobody}"));
    let error = fixture.pull().unwrap_err();
    assert!(matches!(error, HubError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("--model demo"), "{error}");
}

#[test]
fn two_pulls_at_once_fetch_once() {
    let fixture = Fixture::new(|_| {});
    std::thread::scope(|scope| {
        let pulls = [0; 3].map(|_| scope.spawn(|| fixture.pull().unwrap()));
        each(pulls).for_each(|pull| assert_whole(&pull.join().unwrap()));
    });
    let fetched = fixture.server.requests().iter().filter(|request| request.path.starts_with("/cdn/")).count();
    assert_eq!(fetched, 1);
}
