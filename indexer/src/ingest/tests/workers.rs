//! Runs that others encode for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use glimpse_nonempty::each;

use super::*;
use crate::ingest::{Worker, WorkerFault, WorkerInfo, Workers, answer, answer_texts};

/// When a worker goes away in the middle of a batch.
type Fate = Box<dyn Fn(&[u8], usize) -> bool + Send + Sync>;

/// A worker that speaks just enough HTTP.
struct TestWorker {
    url: String,
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
}

struct Shared {
    encoder: FakeEncoder,
    /// Given the batch and how many came before it.
    dies_at: Fate,
    /// It comes back at once after it has gone away.
    revives: bool,
    batches: AtomicUsize,
    is_dead: AtomicBool,
}

impl TestWorker {
    fn start(encoder: FakeEncoder) -> Self {
        Self::dying(encoder, false, |_, _| false)
    }

    fn dying(
        encoder: FakeEncoder,
        revives: bool,
        dies_at: impl Fn(&[u8], usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (batches, is_dead) = (AtomicUsize::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { encoder, dies_at: Box::new(dies_at), revives, batches, is_dead });
        let held = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), Arc::clone(&held));
                if !shared.is_dead.load(SeqCst) {
                    std::thread::spawn(move || shared.serve(stream));
                }
            }
        });
        Self { url: format!("http://{address}"), shared, address }
    }

    fn batches(&self) -> usize {
        self.shared.batches.load(SeqCst)
    }

    fn revive(&self) {
        self.shared.is_dead.store(false, SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    /// Answers the requests of one connection.
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            let path = line.split(' ').nth(1).unwrap().to_owned();
            let mut length = 0;
            loop {
                line.clear();
                reader.read_line(&mut line).unwrap();
                if line == "\r\n" {
                    break;
                }
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
            }
            line.clear();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let (status, answer) = match path.as_str() {
                "/api/v1/worker" => (200, serde_json::to_vec(&WorkerInfo::of(encoder_info(&self.encoder))).unwrap()),
                "/api/v1/worker/encode" => {
                    if (self.dies_at)(&body, self.batches.fetch_add(1, SeqCst)) {
                        self.is_dead.store(!self.revives, SeqCst);
                        return;
                    }
                    match answer(&self.encoder, &body) {
                        Ok(answer) => (200, answer),
                        Err(WorkerFault::Encode(error)) => (422, message(&error.to_string())),
                        Err(error) => (400, message(&error.to_string())),
                    }
                }
                "/api/v1/worker/texts" => match answer_texts(&self.encoder, &body) {
                    Ok(answer) => (200, answer),
                    Err(WorkerFault::Encode(error)) => (422, message(&error.to_string())),
                    Err(error) => (400, message(&error.to_string())),
                },
                _ => (404, Vec::new()),
            };
            if self.is_dead.load(SeqCst) {
                return;
            }
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", answer.len()).unwrap();
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }
}

fn message(text: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({"code": "internal", "message": text})).unwrap()
}

impl Fixture {
    /// The same with workers in place of this machine.
    fn at(mut self, workers: &[&TestWorker]) -> Self {
        let workers = workers.iter().map(|worker| worker.url.parse().unwrap()).collect();
        self.options.workers = Workers { workers, here: false, patience: Duration::from_millis(400) };
        self
    }

    fn noted(&self) -> (Result<Summary, IndexError>, Recorder) {
        let mut recorder = Recorder::default();
        let result = ingest(&self.index, &self.encoder, &self.options, &AtomicBool::new(false), &mut recorder);
        (result, recorder)
    }
}

fn images(fixture: &Fixture, count: u32) -> Vec<PathBuf> {
    (0..count).map(|i| fixture.image(&format!("{i}.png"), i)).collect()
}

#[test]
fn what_workers_encode_is_what_this_machine_would() {
    let workers = [TestWorker::start(FakeEncoder::new(32)), TestWorker::start(FakeEncoder::new(32))];
    let (here, there) = (Fixture::new(), Fixture::new().at(&[&workers[0], &workers[1]]));
    let paths = [images(&here, 60), images(&there, 60)];
    assert_eq!((here.run().0.indexed, there.run().0.indexed), (60, 60));
    assert_eq!(there.encoder.images(), 0, "nothing was encoded here");
    assert!(workers[0].batches() > 0 && workers[1].batches() > 0, "each had something to do");
    for (a, b) in each(paths[0].iter().zip(&paths[1])) {
        let (a, b) = (here.id(a), there.id(b));
        let vectors = [here.index.vector(a).unwrap(), there.index.vector(b).unwrap()];
        assert!(glimpse_encoder::dot(&vectors[0], &vectors[1]) > 0.999_99);
        let maps = [here.index.region_map(a).unwrap().unwrap(), there.index.region_map(b).unwrap().unwrap()];
        assert_eq!(maps[0], maps[1]);
    }
}

#[test]
fn what_a_worker_had_when_it_died_goes_to_another() {
    let dying = TestWorker::dying(FakeEncoder::new(32), false, |_, before| before == 3);
    let other = TestWorker::start(FakeEncoder::new(32));
    let fixture = Fixture::new().at(&[&dying, &other]);
    images(&fixture, 80);
    let (summary, recorder) = fixture.noted();
    assert_eq!((summary.unwrap().indexed, fixture.index.len()), (80, 80));
    assert!(recorder.notes.iter().any(|note| note.contains(&dying.url) && note.contains("went away")));
    assert!(fixture.run_without_encoding().0.unchanged == 80);
}

#[test]
fn without_any_worker_left_the_run_ends_and_keeps_what_was_done() {
    let only = TestWorker::dying(FakeEncoder::new(32), false, |_, before| before == 3);
    let fixture = Fixture::new().at(&[&only]);
    images(&fixture, 80);
    let (result, recorder) = fixture.noted();
    let error = result.unwrap_err().to_string();
    assert!(error.contains(&only.url) && error.contains("no worker has answered"), "{error}");
    let done = recorder.events.iter().filter(|event| matches!(event, FileEvent::Indexed(_))).count();
    assert!(done > 0 && done == fixture.index.len() && done < 80, "{done} of {}", fixture.index.len());
    only.revive();
    assert_eq!(fixture.noted().0.unwrap().indexed, 80 - done);
}

#[test]
fn a_worker_with_another_model_is_refused_before_anything_is_done() {
    let other = TestWorker::start(FakeEncoder::new(32).named("another"));
    let fixture = Fixture::new().at(&[&other]);
    images(&fixture, 3);
    let error = fixture.noted().0.unwrap_err().to_string();
    assert!(error.contains(&other.url) && error.contains("`another`") && error.contains("--model"), "{error}");
    assert!(fixture.index.is_empty() && other.batches() == 0);
}

#[test]
fn workers_that_are_not_there_are_named() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut fixture = Fixture::new();
    images(&fixture, 10);
    fixture.options.workers.workers = vec![format!("http://{gone}").parse().unwrap()];
    let (summary, recorder) = fixture.noted();
    assert_eq!(summary.unwrap().indexed, 10, "this machine encodes");
    assert!(recorder.notes[0].contains(&gone.to_string()), "{:?}", recorder.notes);
    fixture.options.workers.here = false;
    let error = fixture.noted().0.unwrap_err().to_string();
    assert!(error.contains(&gone.to_string()) && error.contains("glimpse worker"), "{error}");
}

#[test]
fn an_image_that_ends_workers_fails_and_the_others_do_not() {
    let culprit = colour(5).0;
    let holds =
        move |batch: &[u8], _: usize| batch.windows(48).any(|w| w.chunks_exact(3).all(|pixel| pixel == culprit));
    let worker = TestWorker::dying(FakeEncoder::new(32), true, holds);
    let mut fixture = Fixture::new().at(&[&worker]);
    fixture.options.workers.patience = Duration::from_secs(60);
    let paths = images(&fixture, 30);
    let (summary, recorder) = fixture.noted();
    let summary = summary.unwrap();
    assert_eq!((summary.indexed, summary.failed), (29, 1));
    let is_culprit = |event: &FileEvent| matches!(event, FileEvent::Failed { path, reason } if *path == paths[5] && reason.text.contains("workers went away"));
    assert!(recorder.events.iter().any(is_culprit), "{:?}", recorder.events);
}

#[test]
fn an_image_that_a_workers_model_fails_on_does_not_fail_its_batch() {
    let culprit = colour(3);
    let trap = move |prepared: &glimpse_encoder::PixelInput| *prepared.pixels.get_pixel(0, 0) == culprit;
    let worker = TestWorker::start(FakeEncoder::new(32).failing_on(trap));
    let fixture = Fixture::new().at(&[&worker]);
    images(&fixture, 12);
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.failed), (11, 1));
    let says = |event: &FileEvent| matches!(event, FileEvent::Failed { reason, .. } if reason.text.contains("trap"));
    assert!(events.iter().any(says), "{events:?}");
}

#[test]
fn addresses_of_workers_are_read() {
    for good in each(["http://10.0.0.7:4748", "https://gpu.example/worker/", "http://localhost:1"]) {
        let worker: crate::ingest::Worker = good.parse().unwrap();
        assert_eq!(worker.to_string(), good.trim_end_matches('/'));
    }
    for bad in each(["", "10.0.0.7:4748", "ftp://host/", "http://", "http://a b", "http://host?x=1"]) {
        assert!(bad.parse::<crate::ingest::Worker>().is_err(), "{bad}");
    }
}

#[test]
fn texts_are_encoded_by_a_worker_that_has_the_model() {
    let here = FakeEncoder::new(8);
    let worker = TestWorker::start(FakeEncoder::new(8));
    let client: Worker = worker.url.parse().unwrap();
    let texts = ["red", "", "grün 球"];
    let (made, expected) = (client.encode_texts(here.info(), &texts).unwrap(), here.encode_texts(&texts).unwrap());
    assert_eq!(made.len(), expected.len());
    each(made.iter().zip(&expected))
        .for_each(|(made, expected)| assert!(glimpse_encoder::dot(made.as_slice(), expected.as_slice()) > 0.99999));
    assert_eq!(client.encode_texts(here.info(), &[]).unwrap(), []);
    let other = FakeEncoder::new(8).named("another");
    let refused = client.encode_texts(other.info(), &texts).unwrap_err().to_string();
    assert!(refused.contains(&worker.url) && refused.contains("the library another"), "{refused}");
    worker.shared.is_dead.store(true, SeqCst);
    let silent = client.encode_texts(here.info(), &texts).unwrap_err();
    assert!(matches!(silent, IndexError::Worker { .. }), "{silent}");
}
