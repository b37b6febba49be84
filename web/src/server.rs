//! Starting and stopping.

use std::any::Any;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use glimpse_engine::{Engine, EngineError, Pace, PutAway, WatchOptions, Workers, move_to_trash};
use tokio::sync::watch;

use crate::access::{Access, MIN_TOKEN};
use crate::app::configure;
use crate::file_manager;
use crate::public_url::PublicUrl;
use crate::roots::AllowedRoots;
use crate::routes::page;
use crate::state::{AppState, CONNECTIONS, Limits};
use crate::watching::{WatchNote, Watching};

/// Seconds that requests in progress are given when the server stops.
const GRACE: u64 = 5;
/// How long a run that indexes is waited for when the server stops. What it has done is kept in any
/// case.
const RUN_GRACE: Duration = Duration::from_secs(30);
/// Threads that read requests and write answers; the work is done by others.
const WORKERS: usize = 2;
/// A library that cannot be opened says so within this time; a large one goes on opening while the
/// page answers.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a client may take to send the head of a request, and be silent after it has connected.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// How long a client may take none of what is sent to it.
const UNREAD_TIME: Duration = Duration::from_secs(60);

/// Where to listen, who may ask, and for what.
#[derive(Clone)]
pub struct ServeOptions {
    /// Address; loopback unless the user asks for more.
    pub host: IpAddr,
    /// Port; 0 picks a free one.
    pub port: u16,
    /// What every request must show; needed on an address that other machines reach.
    pub token: Option<String>,
    /// Folders below which clients may add folders to the library; without any, only folders that
    /// are in it already are brought up to date.
    pub allow_roots: Vec<PathBuf>,
    /// Clients may move files of images to the trash.
    pub allow_trash: bool,
    /// Clients may write favourites to XMP sidecars beside images.
    pub allow_sidecars: bool,
    /// Jobs follow links out of their folders.
    pub follow_links: bool,
    /// Addresses under which a reverse proxy shows the server: their names and origins are
    /// answered, and the routes stand below their paths too.
    pub public_urls: Vec<PublicUrl>,
    /// Follow the folders of the library as they change.
    pub watch: Option<WatchOptions>,
    /// How much of the machine runs take; without it watched folders are followed gently while the
    /// machine runs on battery.
    pub pace: Option<Pace>,
    /// Who encodes images of the library.
    pub workers: Workers,
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            port,
            token,
            allow_roots,
            allow_trash,
            allow_sidecars,
            follow_links,
            public_urls,
            watch,
            pace,
            workers,
        } = self;
        let token = token.as_ref().map(|_| "(hidden)");
        f.debug_struct("ServeOptions")
            .field("host", host)
            .field("port", port)
            .field("token", &token)
            .field("allow_roots", allow_roots)
            .field("allow_trash", allow_trash)
            .field("allow_sidecars", allow_sidecars)
            .field("follow_links", follow_links)
            .field("public_urls", public_urls)
            .field("watch", watch)
            .field("pace", pace)
            .field("workers", workers)
            .finish()
    }
}

impl Default for ServeOptions {
    fn default() -> Self {
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (allow_roots, public_urls) = (Vec::new(), Vec::new());
        let (allow_trash, allow_sidecars, follow_links) = (false, false, false);
        Self {
            host,
            port: 4747,
            token: None,
            allow_roots,
            allow_trash,
            allow_sidecars,
            follow_links,
            public_urls,
            watch: None,
            pace: None,
            workers: Workers::default(),
        }
    }
}

/// Why the server could not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines could reach the images.
    #[error("{0} can be reached from other machines, so it needs a token")]
    NeedsToken(IpAddr),
    /// The token can be guessed, or does not survive a cookie.
    #[error("the token must have at least {MIN_TOKEN} characters, all of them letters, digits, `-`, `.`, `_` or `~`")]
    WeakToken,
    /// A folder that clients may add to is not there.
    #[error("cannot allow {folder} to be indexed: {source}")]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The address cannot be used.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Host and port.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another process holds the library, or it cannot be read.
    #[error(transparent)]
    Library(#[from] EngineError),
    /// The server failed while running.
    #[error("the web server stopped: {0}")]
    Run(std::io::Error),
}

/// A server that answers.
#[derive(Debug)]
pub struct Running {
    /// Where, with the port that was bound: `http://127.0.0.1:4747`.
    pub url: String,
    /// What watching folders does; nothing comes without [`ServeOptions::watch`].
    pub notes: Option<mpsc::Receiver<WatchNote>>,
    handle: ServerHandle,
    stopping: watch::Sender<bool>,
}

impl Running {
    /// A server that has nothing to tell, and no streams that end with it.
    pub(crate) fn new(url: String, handle: ServerHandle) -> Self {
        Self { url, notes: None, handle, stopping: watch::Sender::new(false) }
    }

    /// Stops the server after the requests in progress. Returns at once; [`serve`] returns when it
    /// has stopped.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
        drop(self.handle.stop(true)); // the command is sent by the call, the future only waits
    }
}

/// Serves until [`Running::stop`] is called. `ready` is called once, when requests are answered.
///
/// # Errors
/// [`ServeError`].
pub fn serve(engine: Arc<Engine>, options: &ServeOptions, ready: impl FnOnce(Running)) -> Result<(), ServeError> {
    if !options.host.is_loopback() && options.token.is_none() {
        return Err(ServeError::NeedsToken(options.host));
    }
    let access = Access::new(options.token.clone()).ok_or(ServeError::WeakToken)?;
    let access = access.behind(options.public_urls.clone());
    let roots =
        AllowedRoots::new(&options.allow_roots).map_err(|(folder, source)| ServeError::NoFolder { folder, source })?;
    let mut state = AppState::new(engine, access, roots, Limits::default()).map_err(ServeError::Run)?;
    state.follow_links = options.follow_links;
    state.allow_sidecars = options.allow_sidecars;
    // Whoever is elsewhere would open windows in front of somebody else.
    let is_for_this_machine = options.host.is_loopback() && options.public_urls.is_empty();
    state.show_file = is_for_this_machine.then(file_manager::of_desktop).flatten();
    state.pace = options.pace;
    state.workers = options.workers.clone();
    state.watching = options.watch.is_some();
    state.put_away = options.allow_trash.then_some(move_to_trash as PutAway);
    let state = web::Data::new(state);
    let address = SocketAddr::new(options.host, options.port);
    state.begin_loading();
    let (tell, opened) = mpsc::sync_channel(1);
    let warm = state.clone();
    std::thread::spawn(page::prepare);
    // The page answers while the model is loaded.
    std::thread::spawn(move || warm.warm_up(|library| drop(tell.send(library))));
    if let Ok(Err(error)) = opened.recv_timeout(PATIENCE)
        && !error.is_empty_library()
    {
        return Err(ServeError::Library(error));
    }

    let (tell, notes) = mpsc::channel();
    let shared = state.clone();
    let watching = options.watch.clone();
    let watching = watching.map(|watch| Watching::start(state.clone().into_inner(), watch, tell)).transpose();
    let watching = watching.map_err(ServeError::Run)?;
    let stopping = shared.stopping.clone();
    let configure = move |config: &mut web::ServiceConfig| configure(shared.clone())(config);
    let served = listen(address, CONNECTIONS, configure, |url, handle| {
        ready(Running { url, notes: Some(notes), handle, stopping });
    });
    state.jobs.close();
    if let Some(watching) = watching {
        watching.stop(RUN_GRACE);
    }
    state.jobs.join(RUN_GRACE);
    served
}

/// Answers requests until the server is stopped by its handle, over at most so many connections.
/// `ready` is given the address that was bound.
pub(crate) fn listen(
    address: SocketAddr,
    connections: usize,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    ready: impl FnOnce(String, ServerHandle),
) -> Result<(), ServeError> {
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || App::new().configure(&configure))
            .workers(WORKERS)
            .max_connections(connections / WORKERS)
            .client_request_timeout(HEAD_TIME)
            .on_connect(|connection, _| give_up_if_unread(connection, UNREAD_TIME))
            .shutdown_timeout(GRACE)
            .disable_signals()
            .bind(address)
            .map_err(|source| ServeError::Bind { address, source })?;
        let bound = server.addrs().first().copied().unwrap_or(address);
        let server = server.run();
        ready(format!("http://{bound}"), server.handle());
        server.await.map_err(ServeError::Run)
    })
}

/// Has the system end a connection whose client takes nothing of what is sent to it for so long:
/// nothing else would, and the file or archive that it asked for would hold its place for ever.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn give_up_if_unread(connection: &dyn Any, time: Duration) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        // Without it the connection is as good as any other.
        let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(time));
    }
}

/// Other systems have no such limit.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn give_up_if_unread(_: &dyn Any, _: Duration) {}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io;

    use super::*;

    #[actix_web::test]
    async fn a_client_that_stops_reading_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        accepted.set_nonblocking(true).unwrap();
        let stream = TcpStream::from_std(accepted).unwrap();
        give_up_if_unread(&stream, Duration::from_millis(300));
        let write = async {
            loop {
                stream.writable().await.unwrap();
                match stream.try_write(&[0; 1 << 16]) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => break error,
                    _ => {}
                }
            }
        };
        let ended = actix_web::rt::time::timeout(Duration::from_secs(60), write).await.unwrap();
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
