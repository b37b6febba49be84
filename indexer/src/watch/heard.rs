//! What an event of the system says: in which folder something happened.

use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{ErrorKind, Event, EventKind};

use crate::ingest::{Reach, reach_of_change};

/// What follows from an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something happened in these folders, or nothing of interest.
    Changed(Vec<(PathBuf, Reach)>),
    /// Events were lost.
    Lost,
    /// A folder is not watched any more, or only in part, because the system watches no more;
    /// `None` if it does not say which.
    TooMany(Option<PathBuf>),
    /// Watching failed in another way.
    Failed(String),
}

impl Heard {
    /// `is_folder` is asked about paths that came into being, and follows links.
    pub fn of(event: &notify::Result<Event>, is_folder: impl Fn(&Path) -> bool) -> Self {
        match event {
            Ok(event) if event.need_rescan() => Self::Lost,
            Ok(event) => Self::Changed(event.paths.iter().filter_map(|path| change(event, path, &is_folder)).collect()),
            Err(error) => Self::of_error(error),
        }
    }

    fn of_error(error: &notify::Error) -> Self {
        match &error.kind {
            ErrorKind::MaxFilesWatch => Self::TooMany(error.paths.first().cloned()),
            // It was gone before it could be watched.
            ErrorKind::PathNotFound | ErrorKind::WatchNotFound => Self::Changed(Vec::new()),
            ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::NotFound => Self::Changed(Vec::new()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// The folder to look at because something happened to `path`; none if that is of no interest.
fn change(event: &Event, path: &Path, is_folder: &impl Fn(&Path) -> bool) -> Option<(PathBuf, Reach)> {
    let whole = || Some((path.to_path_buf(), Reach::All));
    let (came, went) = match event.kind {
        // Reading is no change, and indexing reads.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => (false, false),
        EventKind::Access(_) => return None,
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => return whole(),
        EventKind::Create(_) => (true, false),
        EventKind::Remove(_) => (false, true),
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => (false, true),
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => (true, false),
        EventKind::Modify(ModifyKind::Name(_)) => (true, true),
        _ => (false, false),
    };
    if came && is_folder(path) {
        return whole();
    }
    match reach_of_change(path) {
        Some(reach) => path.parent().map(|folder| (folder.to_path_buf(), reach)),
        // Nobody knows what it was: perhaps a folder.
        None if went => whole(),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, Flag, MetadataKind};

    use super::*;

    fn heard(kind: EventKind, path: &str) -> Heard {
        Heard::of(&Ok(Event::new(kind).add_path(path.into())), |path| path.ends_with("folder"))
    }

    fn folder(path: &str, reach: Reach) -> Heard {
        Heard::Changed(vec![(path.into(), reach)])
    }

    #[test]
    fn files_mark_their_folder_and_folders_themselves() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert_eq!(heard(written, "/r/a.jpg"), folder("/r", Reach::Files));
        assert_eq!(
            heard(EventKind::Access(AccessKind::Close(AccessMode::Write)), "/r/a.jpg"),
            folder("/r", Reach::Files)
        );
        assert_eq!(heard(written, "/r/a.xmp"), folder("/r", Reach::Files), "what describes an image");
        assert_eq!(
            heard(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), "/r/a.jpg"),
            folder("/r", Reach::Files)
        );
        assert_eq!(heard(EventKind::Create(CreateKind::Folder), "/r/b"), folder("/r/b", Reach::All));
        assert_eq!(
            heard(EventKind::Create(CreateKind::File), "/r/link to folder/folder"),
            folder("/r/link to folder/folder", Reach::All)
        );
        assert_eq!(heard(EventKind::Remove(RemoveKind::File), "/r/a.jpg"), folder("/r", Reach::Files));
        let renamed = |mode| EventKind::Modify(ModifyKind::Name(mode));
        assert_eq!(heard(renamed(RenameMode::From), "/r/b"), folder("/r/b", Reach::All));
        assert_eq!(heard(renamed(RenameMode::From), "/r/a.jpg"), folder("/r", Reach::Files));
        assert_eq!(heard(renamed(RenameMode::To), "/r/folder"), folder("/r/folder", Reach::All));
        assert_eq!(heard(written, "/r/.glimpseignore"), folder("/r", Reach::All), "it holds for all below");
    }

    #[test]
    fn what_cannot_change_the_library_marks_nothing() {
        let nothing = Heard::Changed(Vec::new());
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert_eq!(heard(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/r/a.jpg"), nothing);
        assert_eq!(heard(EventKind::Access(AccessKind::Close(AccessMode::Read)), "/r/a.jpg"), nothing);
        assert_eq!(heard(written, "/r/notes.log"), nothing);
        assert_eq!(heard(EventKind::Create(CreateKind::File), "/r/a.jpg.part"), nothing);
    }

    #[test]
    fn lost_events_and_limits_are_told() {
        assert_eq!(Heard::of(&Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)), |_| false), Heard::Lost);
        let error = |kind| Heard::of(&Err(notify::Error::new(kind).add_path("/r/new".into())), |_| false);
        assert_eq!(error(ErrorKind::MaxFilesWatch), Heard::TooMany(Some("/r/new".into())));
        assert_eq!(error(ErrorKind::PathNotFound), Heard::Changed(Vec::new()));
        assert!(
            matches!(error(ErrorKind::Generic("broken".into())), Heard::Failed(reason) if reason.contains("broken"))
        );
    }
}
